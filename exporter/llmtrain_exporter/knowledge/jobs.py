"""The jobs under which Prometheus knows what the exporter tells."""

from __future__ import annotations

SCRAPE_JOB = "llmtrain"
"""What is scraped: the last values."""

HISTORY_JOB = "llmtrain-history"
"""What is written: every record at its own time. Another job, so that no sample meets a scraped one."""
