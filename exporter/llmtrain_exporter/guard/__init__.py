"""The guard: inside a training that it watches (callback, hook), and around it (protect, launch, rescue)."""
