"""Whatever happens to relay, Alertmanagers and bots: what is to be told is told, and once."""

from __future__ import annotations

import os
import random
from collections import Counter

import anyio

from tests.relay_model import Model

SCHEDULES = int(os.environ.get("LLMTRAIN_SCHEDULES", "200"))


def test_no_schedule_loses_or_doubles_a_card() -> None:
    """But for a card that was on its way when the relay was killed. LLMTRAIN_SCHEDULES: how many."""
    counts: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        model = Model(random.Random(seed))
        try:
            anyio.run(model.play)
            model.check()
        except AssertionError as error:
            raise AssertionError(f"schedule {seed}: {error}") from error
        counts += model.counts
    print(f"{SCHEDULES} schedules: {dict(counts)}")
    assert counts["cards"] > SCHEDULES
