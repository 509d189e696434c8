"""Where two runs part: beyond their noise, at the right step, and not where there is nothing but noise."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.analyse.parting import FEWEST, MOST, Parting, parting, partings
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Series
from llmtrain_exporter.story.parting import parting_text

from tests.serving import Site, running
from tests.test_api import asked, watched
from tests.training import append, swift

STEPS = range(1, 1001)
REWARD, KL = Series(c.REWARD, (("split", "train"),)), Series(c.KL, (("split", "train"),))


def wandering(seed: int, alike: float, count: int = len(STEPS)) -> Iterator[float]:
    """Noise about 0, each value of which keeps so much of the last one."""
    chosen, value = random.Random(seed), 0.0
    for _ in range(count):
        value = alike * value + chosen.gauss(0, 1)
        yield value


def changed(values: Sequence[float], step: int, by: float) -> list[float]:
    """The values, from a step on others."""
    return [value + by * (at >= step) for at, value in zip(STEPS, values, strict=True)]


@pytest.mark.parametrize("alike", [0.0, 0.7, 0.9])
def test_noise_alone_is_no_parting(alike: float) -> None:
    """Twenty pairs of runs that have the same level, and wander about it."""
    found = [
        parting((STEPS, list(wandering(2 * seed, alike))), (STEPS, list(wandering(2 * seed + 1, alike))))
        for seed in range(20)
    ]
    assert found == [None] * 20


@pytest.mark.parametrize(("by", "late"), [(1.5, 25), (3.0, 12), (10.0, 1)])
def test_the_step_of_a_change(by: float, late: int) -> None:
    """A level that moves for good is found where it does; the less it moves, the less exactly."""
    for seed in range(10):
        one, other = list(wandering(seed, 0.0)), list(wandering(seed + 100, 0.0))
        found = parting((STEPS, one), (STEPS, changed(other, 400, by)))
        assert found is not None
        assert abs(found.step - 400) <= late
        assert found.other - found.one == pytest.approx(by, abs=0.7)


def test_runs_that_are_the_same_until_they_are_not() -> None:
    """With the same seed there is no noise between them: what lasts counts, a rounding does not."""
    same = [value + 5 for value in wandering(1, 0.5)]
    assert parting((STEPS, same), (STEPS, same)) is None
    assert parting((STEPS, same), (STEPS, [value * (1 + 1e-7) for value in same])) is None
    found = parting((STEPS, same), (STEPS, changed(same, 500, 0.1)))
    assert found is not None
    assert found.step == 500


def test_a_spike_is_no_parting_and_growth_by_powers_is_one() -> None:
    """A wild value stands for nothing; what is always above 0 is held by its powers."""
    calm = [10**value for value in wandering(1, 0.0)]
    other = [10**value for value in wandering(2, 0.0)]
    assert parting((STEPS, calm), (STEPS, [*other[:300], 1e9, *other[301:]])) is None
    grown = [value * (1 if step < 600 else 1000) for step, value in zip(STEPS, other, strict=True)]
    found = parting((STEPS, calm), (STEPS, grown))
    assert found is not None
    assert abs(found.step - 600) <= 2


def test_steps_that_only_one_has_and_what_is_no_number_are_left_out() -> None:
    """One logs every step, the other each fifth; NaN says nothing; too few in common say nothing either."""
    one = list(wandering(1, 0.0))
    some = range(5, 1001, 5)
    other = [one[step - 1] + (9.0 if step >= 500 else 0.0) for step in some]
    other[3] = float("nan")
    found = parting((STEPS, one), (some, other))
    assert found is not None
    assert found.step == 500
    few = range(1, FEWEST)
    assert parting((few, [0.0] * len(few)), (few, [1.0] * len(few))) is None
    assert parting((range(0), []), (range(0), [])) is None


def test_very_long_runs_are_looked_at_in_steps() -> None:
    """What is looked at has a bound, and the step is told as exactly as that allows."""
    steps = range(5 * MOST)
    far = [0.0 if step < 70_000 else 1.0 for step in steps]
    found = parting((steps, [0.0] * len(steps)), (steps, far))
    assert found == Parting(70_000, 0.0, 1.0)


def test_the_earliest_comes_first_and_is_told_in_words() -> None:
    """With what both come to from there on, and what followed."""
    flat = [5.0] * len(STEPS)
    one = {REWARD: (STEPS, flat), KL: (STEPS, flat), Series(c.LOSS): (STEPS, flat)}
    other = {KL: (STEPS, changed(flat, 100, 2.0)), REWARD: (STEPS, changed(flat, 300, -4.0))}
    found = partings(one, other)
    assert [(series, at.step) for series, at in found] == [(KL, 100), (REWARD, 300)]
    assert parting_text("a", "b", 1000, found, Lang.EN) == (
        "From step 100 on they part: kl is about 5 in a and about 7 in b, a difference beyond their noise. "
        "Later also reward (300)."
    )
    assert parting_text("a", "b", 1000, found, Lang.ZH) == (
        "从第 100 步起两者分开：a 的 kl 约为 5，b 约为 7，差异超出噪声。随后还有 reward (300)。"
    )
    assert "no metric" in parting_text("a", "b", 1000, [], Lang.EN)
    assert "a and b share 1 of the 32 logged steps" in parting_text("a", "b", 1, [], Lang.EN)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two runs that part at step 40, and one too short to tell."""
    with running(Site()) as site:
        for run, after in (("a", 1.0), ("b", 3.0)):
            rows = (swift(step, reward=after if step >= 40 else 1.0) for step in range(1, 101))
            append(tmp_path / run / "logging.jsonl", *rows)
        append(tmp_path / "c/logging.jsonl", *(swift(step, reward=1.0) for step in range(1, 9)))
        yield watched(site, tmp_path)


def told(site: Site, *runs: str, **more: str) -> list[dict[str, Any]]:
    """What is answered of these runs."""
    address = "&".join(f"run={run}" for run in runs)
    found: list[dict[str, Any]] = asked(site, f"/api/v1/parting?{address}", **more)["partings"]
    return found


def test_the_answer_of_the_exporter(site: Site) -> None:
    """Each run beside the first, in the reader's language; runs that there are not are left out."""
    b, short = told(site, "a", "b", "no", "c", lang="zh")
    assert (b["runs"], b["common_steps"]) == (["a", "b"], 100)
    assert b["metrics"] == [{"name": "reward", "step": 40, "values": [1.0, 3.0]}]
    assert b["text"].startswith("从第 40 步起两者分开")
    assert (short["runs"], short["common_steps"], short["metrics"]) == (["a", "c"], 8, [])
    assert told(site, "a") == told(site) == []
    first = site.get("/api/v1/parting?run=a&run=b")
    again = site.get("/api/v1/parting?run=a&run=b", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
