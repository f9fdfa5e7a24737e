"""Named entity recognition for spaCy: convert, train, evaluate, look, package."""

__version__ = "0.1.0"
