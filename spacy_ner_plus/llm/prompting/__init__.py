"""Prompts: instructions, labels and examples."""
