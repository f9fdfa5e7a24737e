"""Every reply, kept in a file."""
