"""A pure fold: records into a run's state, and from that a snapshot. No clock, no file, no network."""
