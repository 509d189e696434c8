"""Environment variables."""

from __future__ import annotations

PREFIX = "LLMTRAIN_"
"""With which those begin that are settings."""
