"""`argilla`: records with answers to a span question, as Argilla exports and imports them."""
