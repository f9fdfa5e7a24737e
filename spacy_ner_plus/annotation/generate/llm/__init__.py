"""Records that a chat model writes."""
