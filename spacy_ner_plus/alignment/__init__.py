"""Strings to spans: where in a text the mentions stand that somebody named."""
