"""The command line: one command a file, each a thin wrapper over a plain function."""

from spacy_ner_plus.cli.app import main

__all__ = ["main"]
