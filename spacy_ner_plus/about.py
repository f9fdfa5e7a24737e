"""What this package is called and how old it is."""

__version__ = "0.1.0"
