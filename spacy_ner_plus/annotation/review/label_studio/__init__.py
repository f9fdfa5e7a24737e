"""Label Studio as a review tool, asked over its REST interface."""
