"""Variants of asking that compete: which there are, and how probable it is that each is taken."""
