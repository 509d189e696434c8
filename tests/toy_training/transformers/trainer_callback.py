"""The callbacks of the stand-in trainer."""


class TrainerCallback:
    """What callbacks derive from."""
