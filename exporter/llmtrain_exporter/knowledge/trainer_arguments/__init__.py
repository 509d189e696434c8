"""The arguments of known trainers, so far as remedies name them, read from the trainers' own code."""
