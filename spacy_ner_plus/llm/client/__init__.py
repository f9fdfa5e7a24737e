"""The client of chat models: many requests in flight, retried, limited, kept."""
