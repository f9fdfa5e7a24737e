"""The component `transformer_ner`."""
