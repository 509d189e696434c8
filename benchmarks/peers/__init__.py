"""What people use instead, as they would use it."""
