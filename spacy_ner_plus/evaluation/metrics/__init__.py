"""All measures of one evaluation, and metrics.json."""
