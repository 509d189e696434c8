"""The run doctors of the package index, held against the same runs as ours."""
