"""A stand-in for Transformers: as much of it as the guard meets in a training."""
