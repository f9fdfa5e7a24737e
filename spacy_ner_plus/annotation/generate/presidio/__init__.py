"""Sentences with personal data, from the templates of Presidio's evaluator."""
