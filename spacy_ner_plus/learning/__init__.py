"""The learning loop: feedback on inferences, how variants compare, and good answers as training data."""
