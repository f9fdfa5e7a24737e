"""Argilla, a review tool over its REST interface."""
