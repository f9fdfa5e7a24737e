"""Synthetic records: from templates, from Presidio's sentences, or from a chat model."""
