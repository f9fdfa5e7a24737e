"""From what a format reads to a Doc: texts with spans and tagged sentences end here."""
