"""Two or more pipelines side by side."""
