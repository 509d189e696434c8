"""The trainings of the experiment, and what is done with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.trainers import COLLAPSING

STEPS = 80
BROKEN_FROM, BROKEN_EACH = 20, 4
"""Steps: where the broken row of the first seed comes, and how much later that of each further one."""


@dataclass(frozen=True, slots=True)
class Training:
    """A small training of `tests/tiny_training`: its kind there, and its flags, to which the seed's come."""

    name: str
    kind: str
    flags: tuple[str, ...]
    breaks: bool = False  # in a row whose weight is not a number

    def words(self, seed: int) -> Sequence[str]:
        """All its flags with a seed."""
        own = ("--seed", str(seed), "--max_steps", str(STEPS), *self.flags)
        if not self.breaks:
            return own
        broken_at = BROKEN_FROM + BROKEN_EACH * (seed % 10)
        return (*own, "--order", str(seed), "--broken_at", str(broken_at))


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the guard is asked to do; `flags` None: there is none."""

    name: str
    flags: tuple[str, ...] | None


COLLAPSE = Training("collapse", "grpo", (*COLLAPSING, "--max_grad_norm", "1.0"))
CALM = Training("calm", "grpo", ("--learning_rate", "1e-3", "--beta", "0.04", "--max_grad_norm", "1.0"))
BROKEN = Training("broken", "sft", ("--learning_rate", "1e-3", "--max_grad_norm", "1.0"), breaks=True)
SOUND = Training("sound", "sft", ("--learning_rate", "1e-3", "--max_grad_norm", "1.0"))

UNTOUCHED = Treatment("untouched", None)
STOPPED = Treatment("stopped", ("--on-incident", "stop"))
RESCUED = Treatment("rescued", ("--on-incident", "rescue"))
LIVE = Treatment("live rate", ("--kl-target", "0.01"))
SKIPPING = Treatment("bad updates skipped", ("--skip-bad-updates",))

EXPERIMENT = {
    COLLAPSE: (UNTOUCHED, STOPPED, RESCUED, LIVE),
    BROKEN: (UNTOUCHED, STOPPED, RESCUED, SKIPPING),
    CALM: (RESCUED, LIVE),
    SOUND: (RESCUED, SKIPPING),
}
"""In a calm and a sound training the guard that would rescue has nothing to do."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One training of the experiment."""

    training: Training
    treatment: Treatment
    seed: int

    @property
    def name(self) -> str:
        """Of its folder and its file of results."""
        return f"{self.training.name}-{self.treatment.name}-{self.seed}".replace(" ", "-")


def planned(seeds: int) -> Iterator[Planned]:
    """All of them, seed by seed, so that what was stopped early compares like with like."""
    for seed in range(1, seeds + 1):
        for training, treatments in EXPERIMENT.items():
            yield from (Planned(training, treatment, seed) for treatment in treatments)
