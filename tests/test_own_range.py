"""Runs held against their own range: what sinks or climbs slowly in it, and what is usual in it."""

from __future__ import annotations

import random

import pytest

from tests.analysing import Row, analyse, changed, found, grpo, sft, signals


def _rewarded(*rewards: float, noise: float = 0.05) -> list[Row]:
    """Rows of a run whose total reward has these means, and no functions."""
    source = random.Random(5)
    rows = grpo(len(rewards))
    return [
        {
            **{key: value for key, value in row.items() if not key.startswith("rewards/")},
            "reward": source.gauss(reward, noise),
        }
        for row, reward in zip(rows, rewards, strict=True)
    ]


def _line(start: float, end: float, records: int) -> list[float]:
    return [start + (end - start) * at / records for at in range(records)]


PUNISHED = [
    ("it sinks from a level that it held", [-0.3] * 60 + _line(-0.3, -0.9, 80) + [-0.9] * 60),
    ("it climbs, and sinks by more", _line(-0.8, -0.25, 100) + [-0.95] * 100),
    ("it was above 0", [0.1] * 60 + _line(0.1, -1.2, 90) + [-1.2] * 60),
]


@pytest.mark.parametrize(("what", "rewards"), PUNISHED, ids=[what for what, _ in PUNISHED])
def test_rewards_below_0_that_sink_are_told(what: str, rewards: list[float]) -> None:
    """No share of them is left, but a share of the run's own range is lost."""
    (episode, *_) = found(analyse("grpo", _rewarded(*rewards)), "reward_drop")
    assert episode.severity.value == "critical", what
    assert episode.baseline is not None
    assert episode.peak < episode.limit < episode.baseline


HELD = [
    ("it wavers", [-0.3 - 0.06 * (at // 40 % 2) for at in range(300)]),
    ("what it has climbed to and mostly keeps", _line(-1.0, 0.2, 150) + [0.1] * 150),
    ("0 is the best and nearly reached", _line(-1.0, -0.02, 150) + [-0.06] * 150),
]


@pytest.mark.parametrize(("what", "rewards"), HELD, ids=[what for what, _ in HELD])
def test_rewards_below_0_that_lose_little_of_the_range_are_left_alone(
    what: str, rewards: list[float]
) -> None:
    """A share of the best is half lost at once where the best is near 0."""
    assert found(analyse("grpo", _rewarded(*rewards)), "reward_drop") == [], what


def _losses(*losses: float) -> list[Row]:
    """Supervised rows whose loss has these means."""
    source = random.Random(6)
    return [
        {**row, "loss": loss * source.lognormvariate(0, 0.04)}
        for row, loss in zip(sft(len(losses)), losses, strict=True)
    ]


@pytest.mark.parametrize("records", [120, 400])
def test_a_loss_that_climbs_slowly_is_told(records: int) -> None:
    """Each record is near those before it, and the lowest loss is forgotten as fast as it climbs."""
    (episode,) = found(analyse("sft", _losses(*[0.85] * 80, *_line(0.85, 2.6, records))), "loss_unstable")
    assert episode.active
    assert episode.first_step <= 80 + records * 3 // 4
    assert episode.baseline == pytest.approx(0.85, rel=0.05)


def test_a_loss_that_steps_up_or_wavers_does_not_climb() -> None:
    """New data lift it at once; and one that comes back to its level is at home there."""
    stepped = [0.85] * 100 + [1.35] * 200
    waves = [value for _ in range(4) for value in (*_line(0.85, 1.1, 40), *_line(1.1, 0.85, 40))]
    for losses in (stepped, waves):
        assert found(analyse("sft", _losses(*losses)), "loss_unstable") == []


def _graded(count: int, usual: float, spread: float = 0.25) -> list[dict[str, object]]:
    source = random.Random(7)
    return [{**row, "grad_norm": usual * source.lognormvariate(0, spread)} for row in sft(count)]


@pytest.mark.parametrize("usual", [7.5, 25.0])
def test_high_gradients_that_a_run_always_had_are_its_own(usual: float) -> None:
    """Nobody is told to lower the rate of a calm run. Three times as high is high in each."""
    assert signals(analyse("sft", _graded(400, usual))) == set()
    worse = changed(_graded(400, usual), 300, 303, grad_norm=6 * usual)
    assert signals(analyse("sft", worse)) == {"grad_norm_high"}


def test_gradients_that_rise_are_high_whether_early_or_late() -> None:
    """What a run did not have from the start is not its own, however slowly it came."""
    early = [{**row, "grad_norm": min(1.5**at, 400.0)} for at, row in enumerate(sft(40))]
    slow = [{**row, "grad_norm": 1.01 ** max(0, at - 100)} for at, row in enumerate(sft(500))]
    for rows in (early, slow):
        (episode,) = found(analyse("sft", rows), "grad_norm_high")
        assert episode.severity.value == "critical"
        assert episode.active


def test_a_memorised_run_is_not_warned_of_samples_that_it_does_not_know() -> None:
    """Their loss is above that of the others, too."""
    rows = changed(sft(300, loss=0.03, grad_norm=0.4), 0, 40, loss=1.2)
    for at in range(100, 300, 13):
        rows[at : at + 2] = changed(rows[at : at + 2], 0, 2, loss=0.16, grad_norm=25.0)
    assert not {"grad_norm_high", "grad_spike"} & signals(analyse("sft", rows))


def _cut(*shares: float) -> list[Row]:
    return [
        {**row, "completions/clipped_ratio": share}
        for row, share in zip(grpo(len(shares)), shares, strict=True)
    ]


@pytest.mark.parametrize("first", [0.35, 0.6])
def test_truncation_that_falls_from_the_first_record_on_is_no_fault(first: float) -> None:
    """The policy learns to end in time. Where it does not, the limit is too small for the task."""
    source = random.Random(8)
    falling = [max(0.0, first * 0.965**at + source.gauss(0, 0.015)) for at in range(120)]
    assert signals(analyse("grpo", _cut(*falling))) == set()
    steady = [first + source.gauss(0, 0.015) for _ in range(40)]
    (episode,) = found(analyse("grpo", _cut(*steady)), "clipped_high")
    assert (episode.severity.value, episode.first_step, episode.active) == ("critical", 8, True)


def test_all_cut_off_from_the_first_record_on_is_told_at_once() -> None:
    """Of such a policy nobody waits whether it falls."""
    assert found(analyse("grpo", _cut(*[0.95] * 10)), "clipped_high")[0].first_step == 4


def test_few_completions_are_cut_off_by_chance() -> None:
    """One of eight is more than a tenth. In twelve records in a row, or in a collapse, that is no chance."""
    source = random.Random(9)
    shares = [sum(source.random() < 0.05 for _ in range(8)) / 8 for _ in range(200)]
    assert found(analyse("grpo", _cut(*shares)), "clipped_high") == []
    lasting = found(analyse("grpo", _cut(*shares, *[0.125] * 14)), "clipped_high")
    assert [episode.severity.value for episode in lasting] == ["warning"]
    (dying,) = found(analyse("grpo", _cut(*shares, *[0.875] * 4)), "clipped_high")
    assert (dying.severity.value, dying.first_step) == ("critical", 202)


def _entropies(*entropies: float, noise: float = 0.1, pay: float = 0.0) -> list[Row]:
    """Rows whose entropy has these means; `pay`: by how much the reward rises with each record after 100."""
    source = random.Random(10)
    return [
        {
            **row,
            "entropy/mean": entropy * source.lognormvariate(0, noise),
            "reward": source.gauss(1.5, 0.05) + pay * max(0, at - 100),
        }
        for at, (row, entropy) in enumerate(zip(grpo(len(entropies)), entropies, strict=True))
    ]


def _warned(signal: str, rows: list[Row]) -> list[int]:
    return [
        episode.first_step
        for episode in found(analyse("grpo", rows), signal)
        if episode.severity.value == "warning"
    ]


@pytest.mark.parametrize(
    ("signal", "end", "by"),
    [("entropy_fall", 0.15, 180), ("entropy_explosion", 2.8, 195)],
)
def test_an_entropy_that_leaves_its_level_slowly_is_told(signal: str, end: float, by: int) -> None:
    """The run's own level comes along, but not the one that it held before; a reward may be worth it."""
    ratio = (end / 0.6) ** (1 / 100)
    entropies = [0.6] * 100 + [0.6 * ratio**at for at in range(100)]
    assert 100 < _warned(signal, _entropies(*entropies))[0] <= by
    assert _warned(signal, _entropies(*entropies, pay=0.004)) == []


def test_an_entropy_that_falls_from_the_start_leaves_no_level() -> None:
    """Most runs lose half of it and more, and are well."""
    assert _warned("entropy_fall", _entropies(*[0.2 + 0.8 * 0.99**at for at in range(300)])) == []


def test_an_early_loss_is_one_episode() -> None:
    """Though its values are no suspects: they are the level to which the run goes on."""
    early = [0.25 + 0.75 * 0.95**at for at in range(150)]
    assert len(found(analyse("grpo", _entropies(*early, noise=0.05)), "entropy_fall")) == 1


def _paired(evaluations: list[float]) -> list[Row]:
    """A run on pairs: a training loss that is soon near 0, and an evaluation after each 20 records."""
    rows: list[Row] = []
    for number, loss in enumerate(evaluations):
        for at in range(20):
            step = 20 * number + at + 1
            row = {"loss": 0.69 * 0.96**step + 0.02, "grad_norm": 3.0, "rewards/margins": 0.05 * step}
            rows.append({**row, "global_step/max_steps": f"{step}/2000"})
        rows.append({"eval_loss": loss, "global_step/max_steps": f"{20 * number + 20}/2000"})
    return rows


def test_pairs_are_not_learned_by_heart_while_the_evaluation_improves() -> None:
    """Their training loss is far below the evaluation's from the first one on."""
    falling = [0.66 - 0.02 * number for number in range(10)]
    assert "overfit" not in signals(analyse("dpo", _paired(falling)))
    rising = [0.66, 0.6, 0.58, 0.6, 0.63, 0.67, 0.7]
    assert "overfit" in signals(analyse("dpo", _paired(rising)))


def test_rewards_that_punish_are_solved_at_0() -> None:
    """Groups without a spread are good news there, and no group is all wrong."""
    rows = [{**row, "reward": min(-0.01, 0.004 * at - 0.6)} for at, row in enumerate(grpo(150))]
    still = {"reward": 0.0, "reward_std": 0.0, "frac_reward_zero_std": 1.0, "grad_norm": 0.0}
    analysis = analyse("grpo", [*rows, *({**row, **still} for row in grpo(100))])
    assert signals(analysis) == set()
    assert found(analysis, "reward_flat")
    assert found(analysis, "groups_unsolved") == []
