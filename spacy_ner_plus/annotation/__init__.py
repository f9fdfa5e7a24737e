"""From no labels to labels."""
