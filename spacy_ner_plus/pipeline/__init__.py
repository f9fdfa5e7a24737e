"""spaCy components: thin, they write to Docs."""
