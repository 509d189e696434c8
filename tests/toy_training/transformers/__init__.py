"""A stand-in for Transformers: as much of it as the guard meets in a training."""


class TrainerCallback:
    """What the trainer's callbacks derive from."""
