"""Gold Docs and predicted Docs to counts, metrics and reports."""
