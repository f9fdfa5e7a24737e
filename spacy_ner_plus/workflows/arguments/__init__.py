"""What workflows are given: pipelines, corpora, texts, what is compared, and places to write."""
