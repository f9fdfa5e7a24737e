"""Grammars that hold a reply to its text, for llguidance: what the formats' own are made of."""
