"""Whether the cause that is told is the one that was planted, and whether the advice would do harm."""
