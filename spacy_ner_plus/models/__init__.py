"""Neural networks: tensors in and out."""
