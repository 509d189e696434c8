"""Numbers that several signals go by: what a run's own level is, and how far from it is far.

The limits of a signal, and the numbers that only its own rule needs, stand with the signal in `signals/`.
"""

from __future__ import annotations

from typing import Annotated

from llmtrain_exporter.knowledge import sources as src

# What a run's own baseline is.
WINDOW: Annotated[int, "records", src.RUNS] = 100
"""Of training, that a baseline looks back on."""
YOUNG: Annotated[int, "records", src.RUNS] = 5
"""Of a metric, from which on it has a baseline."""
FIRST_RECORDS: Annotated[int, "records", src.RUNS] = 3
"""Before that, whose range stands for the baseline where a value falls out of it by far."""
YOUNG_CAUTION: Annotated[int, "times", src.RUNS] = 2
"""As wide are the limits that a value is held against while the baseline is young."""
MATURE: Annotated[int, "records", src.RUNS] = 20
"""From which on the limits hold as they stand."""
COMMON: Annotated[float, "times the median", src.RUNS] = 5.0
"""Up to which a run's 90th percentile of kl or gradient norm is common. A spike of ten times the baseline is
then at least twice as high as that."""
RELATIVE_SPREAD: Annotated[float, "share of the median", src.RUNS] = 0.05
"""A metric's spread is not taken to be smaller."""
FLOOR_SPREADS: Annotated[float, "spreads", src.RUNS] = 100.0
"""In a floor, at the most: the spread of a metric that lies about 0 is not taken to be smaller."""

# How far from it is far.
SPIKE_SIGMAS: Annotated[float, "robust standard deviations", src.OLMO] = 7.0
"""From which on OLMo 2's spike score counts a record."""
OUTLYING_SIGMAS: Annotated[float, "robust standard deviations", src.RUNS] = 6.0
"""At which a length or a reward has left its range; healthy public runs reached 4.5."""
LOSS_FALLEN: Annotated[float, "share of an earlier loss", src.RUNS] = 0.97
"""At or below which the loss has fallen since."""

# When a change is noticed.
BLOCK: Annotated[int, "records", src.RUNS] = 16
"""Of training, after which slow changes are looked at."""
EASED_AFTER: Annotated[int, "records", src.RUNS] = 20
"""Without its worse severity, after which a signal that is still there goes back to the lesser one."""
