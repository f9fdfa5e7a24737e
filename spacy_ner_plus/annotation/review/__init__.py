"""Texts that people review in tools of others: sent with what is predicted, and taken back as they submitted them."""
