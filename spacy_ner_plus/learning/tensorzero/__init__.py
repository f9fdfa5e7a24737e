"""TensorZero's gateway: its configuration for a task, and feedback to it."""
