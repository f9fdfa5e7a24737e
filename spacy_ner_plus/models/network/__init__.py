"""The network; torch alone."""
