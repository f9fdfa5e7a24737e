"""Vectors of whole texts: sentence embeddings (Reimers and Gurevych, 2019), made once and kept."""
