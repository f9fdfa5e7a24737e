"""The component `structured_llm_ner`."""
