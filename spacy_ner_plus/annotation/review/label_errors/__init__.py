"""Probable errors of a corpus: where a pipeline that didn't learn from a text reads it otherwise."""
