"""Formats of rows that hold a sentence or a text, and what they share with datasets and tables."""
