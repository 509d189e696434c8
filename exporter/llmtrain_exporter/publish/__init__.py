"""One-shot outputs from the same fold."""
