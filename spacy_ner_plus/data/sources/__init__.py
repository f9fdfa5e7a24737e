"""Where a corpus comes from: files, their lines and JSON values, and what a user may say about the reading."""

from spacy_ner_plus.data.sources.options import Options

__all__ = ["Options"]
