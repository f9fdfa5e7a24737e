"""From texts to a corpus, by whatever annotates: pipelines one after the other, and what they agree on."""
