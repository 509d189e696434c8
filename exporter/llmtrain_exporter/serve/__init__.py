"""The loop that drives the fold, the exposition of its snapshots, and the HTTP server."""
