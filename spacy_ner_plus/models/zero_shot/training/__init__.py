"""Fine-tuning GLiNER: gold in windows, targets, loss, steps; and new models on an encoder."""
