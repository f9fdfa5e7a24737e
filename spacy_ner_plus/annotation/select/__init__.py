"""Which of many texts to label: chosen by their embeddings."""
