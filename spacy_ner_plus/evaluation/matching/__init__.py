"""Gold Docs and predicted Docs, matched once."""
