"""Formats of corpora, one a file: each recognises, reads and, where it can, writes."""
