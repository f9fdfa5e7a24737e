"""Review: a corpus to a tool in which people annotate, and back what they submitted."""
