"""A run told once: one tree of blocks, in either language, that every medium only writes."""
