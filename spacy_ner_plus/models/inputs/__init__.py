"""Docs to tensors."""
