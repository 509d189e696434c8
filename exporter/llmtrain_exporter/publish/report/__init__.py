"""The whole analysis of runs as a document: what was logged, how it went, why, and what to change."""
