"""How far two runs have to differ before they are said to part."""

from __future__ import annotations

ERRORS = 6.0
"""Standard errors. Of 240 pairs of runs of 2,000 steps that differ by noise alone, white or autocorrelated,
seven part, all of them where a step is alike to the one before by 0.9 and more."""

ARITHMETIC = 1e-3
"""Share of a metric's own level below which a difference is arithmetic."""

DEVIATION = 1.4826
"""Standard deviation of a normal distribution, in median distances from its median."""

ERROR_OF_A_MEDIAN = 1.25
"""Standard error of a median of a normal distribution, in those of a mean."""
