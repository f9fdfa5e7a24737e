"""From scores of tags to entities and their probabilities."""
