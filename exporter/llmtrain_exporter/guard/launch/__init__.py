"""What starts a training, and starts it again."""
