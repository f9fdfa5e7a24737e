"""Adapters of encoders: what is trained in place of all weights, how it is saved, and what it stands on."""
