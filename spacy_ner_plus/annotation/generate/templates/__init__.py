"""Requests to an assistant, from templates and lists of values."""
