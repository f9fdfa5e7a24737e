"""Text in and out of large language models: prompts, requests, replies, mentions."""
