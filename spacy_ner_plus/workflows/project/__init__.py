"""What a spaCy project does around training: its corpus, its packages, what it needs."""
