"""The colours of pictures, by what they stand for. Told apart by people who see few colours, and in print."""

from __future__ import annotations

LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#9a6b00", "#56b4e9", "#6a4c93", "#5f5f5f")
"""Of the lines of a panel, one after the other. After Okabe and Ito."""

GROUND = "#ffffff"
INK = "#2b2b2b"
GRID = "#e2e2e2"
BASELINE = "#8a8a8a"
HEALTHY = "#2e7d32"
WARNING = "#b26a00"
CRITICAL = "#b3261e"
RESUME = "#4a4a8a"
GUARD = HEALTHY  # it is there to make a run well again

LIMITS = {"info": BASELINE, "warning": WARNING, "critical": CRITICAL}

NAMES = {
    **{colour: f"line{at}" for at, colour in enumerate(LINES, 1)},
    GROUND: "ground",
    INK: "ink",
    GRID: "grid",
    BASELINE: "baseline",
    HEALTHY: "healthy",
    WARNING: "warning",
    CRITICAL: "critical",
    RESUME: "resume",
}
"""Names under which a page can give them other colours, on a dark ground for instance."""
