"""Entities of several annotators, decided by one policy: what is doubtful is missing, and not O."""
