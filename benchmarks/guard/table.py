"""The figures of the experiment, one line for each training and treatment."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from benchmarks.guard.experiment import CALM, EXPERIMENT, SOUND
from benchmarks.guard.running import Outcome
from benchmarks.report import Row, Table, Target
from tests import trainers

HEAD = (
    *(
        "training",
        "treatment",
        "runs",
        "accuracy, mean",
        "least to most",
        "loss, median",
        "steps wasted, mean",
    ),
    *("rescues", "stopped or given up", "minutes"),
)
HEALTHY = (CALM.name, SOUND.name)


def scored(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """With what the models that are left can do: all of them in one process of the trainer's."""
    paths = [one.model for one in outcomes if one.model is not None and one.accuracy is None]
    if not paths:
        return list(outcomes)
    command = [str(trainers.TRL.python), "-m", trainers.PROGRAM, "score", *paths]
    environment = trainers.surroundings()
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    return [
        replace(one, accuracy=found[one.model]["sampled"], loss=found[one.model]["loss"])
        if one.model in found
        else one
        for one in outcomes
    ]


def markdown(outcomes: Iterable[Outcome]) -> str:
    """The table for the README. A model that does not exist has accuracy 0."""
    groups = _grouped(outcomes)
    lines = [HEAD, tuple("---" if at < 2 else "---:" for at in range(len(HEAD)))]
    lines += [_line(*name, group) for name, group in groups.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def false_rescues(outcomes: Iterable[Outcome]) -> Table:
    """How often the guard did something to a training that was well."""
    groups = {name: group for name, group in _grouped(outcomes).items() if name[0] in HEALTHY}
    return Table(
        "trainings that are well",
        tuple(
            Row(
                f"{training}, {treatment}: stopped",
                _count(group, _was_stopped),
                f"of {len(group)}",
                None,
                Target(0, True),
            )
            for (training, treatment), group in groups.items()
            if treatment != "untouched"
        ),
    )


def _grouped(outcomes: Iterable[Outcome]) -> Mapping[tuple[str, str], list[Outcome]]:
    order = [
        (training.name, treatment.name)
        for training, treatments in EXPERIMENT.items()
        for treatment in treatments
    ]
    found = list(outcomes)
    groups = {name: [one for one in found if (one.training, one.treatment) == name] for name in order}
    return {name: group for name, group in groups.items() if group}


def _line(training: str, treatment: str, group: Sequence[Outcome]) -> tuple[str, ...]:
    right = [one.accuracy or 0.0 for one in group]
    losses = [math.inf if one.loss is None or math.isnan(one.loss) else one.loss for one in group]
    return (
        training,
        treatment,
        str(len(group)),
        f"{statistics.mean(right):.2f}",
        f"{min(right):.2f} to {max(right):.2f}",
        f"{statistics.median(losses):.2f}".replace("inf", "not finite"),
        f"{statistics.mean(one.wasted for one in group):.0f}",
        str(sum(one.rescues for one in group)),
        str(_count(group, _was_stopped)),
        f"{statistics.mean(one.seconds for one in group) / 60:.1f}",
    )


def _was_stopped(one: Outcome) -> bool:
    return one.state in ("stopped", "gave_up") or one.rescues > 0


def _count(group: Iterable[Outcome], holds: Callable[[Outcome], bool]) -> int:
    return sum(map(holds, group))
