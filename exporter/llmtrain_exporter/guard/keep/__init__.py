"""Good checkpoints are kept from rotation."""
