"""Renders `alerts/`: rules, their tests and the runbook."""
