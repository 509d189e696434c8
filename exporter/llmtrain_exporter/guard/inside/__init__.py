"""What stands in the training itself."""
