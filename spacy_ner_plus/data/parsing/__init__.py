"""What readers of records share: spans, tokens, mentions and keys out of JSON, in the spellings that tools have."""
