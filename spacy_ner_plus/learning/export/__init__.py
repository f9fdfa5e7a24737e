"""From inferences to training data: which answers are good, and in which form they are learnt from."""
