"""Scores of entities: how well they are calibrated, and which threshold suits."""
