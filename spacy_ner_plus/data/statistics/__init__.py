"""What a corpus holds, and what of it would spoil a training."""
