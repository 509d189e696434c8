"""Limits learned from a team's own runs."""
