"""What the operator says: bots, addresses, limits, secrets from files or the environment."""
