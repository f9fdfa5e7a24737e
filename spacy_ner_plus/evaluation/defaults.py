"""Settings of evaluation that commands share; apart, since a command line that starts needs no numpy."""

# Resamples of the documents for intervals.
RESAMPLES = 1000
# Rounds of the randomization test.
ROUNDS = 10_000
# How similar texts must be for the fuzzy scheme, from 0 to 1.
SIMILARITY_THRESHOLD = 0.9
# How many examples of each kind of error are kept with the metrics.
EXAMPLES = 20
