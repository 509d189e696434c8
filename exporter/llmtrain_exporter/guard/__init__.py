"""The guard: what saves a run that is dying, from outside and inside of the training."""
