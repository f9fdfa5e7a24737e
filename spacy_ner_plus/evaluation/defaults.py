"""Settings of evaluation that commands share; apart, since a command line that starts needs no numpy."""

# Resamples of the documents for intervals.
RESAMPLES = 1000
# Rounds of the randomization test.
ROUNDS = 10_000
# How like texts must be for the fuzzy scheme, of 100.
LIKENESS = 90.0
# How many examples of each kind of error are kept with the metrics.
EXAMPLES = 20
