"""What `train` is made of: spaCy's training, the folder it writes to, and what a model was trained from."""
