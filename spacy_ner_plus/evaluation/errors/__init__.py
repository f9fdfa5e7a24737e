"""What kind of errors there are, and where."""
