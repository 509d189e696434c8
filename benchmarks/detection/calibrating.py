"""Limits that were learned from some runs, scored on others: fewer warnings at the same recall?"""

from __future__ import annotations

import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge.profile import GRPO
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.model import Health, NoRun
from llmtrain_exporter.publish.calibrate.judging import Court
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog, keep_log
from llmtrain_exporter.publish.calibrate.learned import Learned, learned
from llmtrain_exporter.publish.calibrate.moves import NO_MOVES, with_moves
from llmtrain_exporter.watching.on_demand import read_each
from llmtrain_exporter.watching.rules import rules_for_reading

from benchmarks.detection.generator import Case, cases
from benchmarks.detection.score import Score, score
from benchmarks.report import Row, Table

LEARNED_FROM, SCORED_ON = 30, 60
BUDGETS = (0.5, 0.2)
SPLITS = 5  # of the labelled logs
APART = 1000
"""From a seed to that of the runs that are scored, and that were not learned from."""


def tables(seed: int, corpus: Path) -> Iterator[Table]:
    """Random runs with each budget, and the labelled logs."""
    made = list(cases(seed, LEARNED_FROM))
    healthy, broken = _parted(_kept(made, GRPO), {_folder(case): not case.truth.events for case in made})
    others = list(cases(seed + APART, SCORED_ON))
    before = score(others)
    for budget in BUDGETS:
        lesson = learned(BUILT_IN[GRPO], healthy, broken, budget)
        after = score(others, options=_judged_by(with_moves(BUILT_IN[GRPO], lesson.lesson.moves, "own")))
        yield _random_table(seed, lesson, before, after)
    if (corpus / "labels.yaml").is_file():
        yield _labelled(corpus, range(seed, seed + SPLITS))


def _judged_by(profile: Profile) -> RunOptions:
    return RunOptions(profile=profile.name, profiles={profile.name: profile})


def _kept(made: Iterable[Case], profile: str) -> list[KeptLog]:
    """The runs as `calibrate` reads them, from files."""
    with tempfile.TemporaryDirectory() as folder:
        for case in made:
            place = Path(folder) / _folder(case)
            place.mkdir()
            (place / case.file).write_bytes(case.log)
            if case.arguments:
                (place / "args.json").write_bytes(case.arguments)
        found = list(read_each(keep_log, [folder], rules_for_reading(Settings(), profile), 0.0))
    assert not [each for each in found if isinstance(each, NoRun)]
    return [each for each in found if isinstance(each, KeptLog)]


def _folder(case: Case) -> str:
    return re.sub(r"[^\w.-]+", "-", case.name)


def _parted(logs: Iterable[KeptLog], healthy: Mapping[str, bool]) -> tuple[list[KeptLog], list[KeptLog]]:
    parts: tuple[list[KeptLog], list[KeptLog]] = [], []
    for log in logs:
        parts[not healthy[Path(log.run.file).parent.name]].append(log)
    return parts


def _random_table(seed: int, lesson: Learned, before: Score, after: Score) -> Table:
    per_1k, unseen = "per 1,000 healthy records", lesson.unseen
    rows = [
        Row("learned from: false alarms before", lesson.rate(lesson.alarms[0]), "per 1,000 records"),
        Row("the same after", lesson.rate(lesson.alarms[1]), "per 1,000 records"),
        Row(
            "the same, each run left out", lesson.rate(unseen.alarms) if unseen else None, "per 1,000 records"
        ),
        Row("limits moved", float(len(lesson.lesson.moves)), ""),
        Row("other runs: warnings before", before.warnings_per_1k, per_1k),
        Row("the same after", after.warnings_per_1k, per_1k),
        Row("recall of collapses before", before.recall, f"of {before.events}"),
        Row("the same after", after.recall, f"of {after.events}"),
        Row("critical false alarms before", before.false_per_100k, "per 100,000 healthy records"),
        Row("the same after", after.false_per_100k, "per 100,000 healthy records"),
        Row("lead of the first warning before, median", before.early, "records"),
        Row("the same after", after.early, "records"),
    ]
    title = f"budget {lesson.budget:g}, learned from {LEARNED_FROM} random runs, scored on {SCORED_ON} others, seed {seed}"
    return Table(title, tuple(rows))


def _labelled(folder: Path, seeds: Sequence[int]) -> Table:
    """Half of the labelled logs to learn from, half to score, several times; each kind of training alone."""
    logs = _labelled_logs(folder)
    sums = defaultdict(float)
    for seed in seeds:
        for (profile, _), known in _by_profile(logs).items():
            for name, count in _split(BUILT_IN[profile], known, random.Random(f"{seed}/{profile}")).items():
                sums[name] += count
    records = max(sums["records"], 1.0)
    rows = (
        Row("healthy logs scored, in all splits", sums["healthy"], ""),
        Row("false alarms before", sums["alarms before"] * 1e3 / records, "per 1,000 records"),
        Row("the same after", sums["alarms after"] * 1e3 / records, "per 1,000 records"),
        Row("broken logs told before", sums["found before"], f"of {sums['broken']:g}"),
        Row("the same after", sums["found after"], f"of {sums['broken']:g}"),
    )
    return Table(f"labelled logs, budget 1, half to learn and half to score, {len(seeds)} splits", rows)


def _labelled_logs(folder: Path) -> list[tuple[KeptLog, bool]]:
    """Those with a clear verdict, and whether that is healthy."""
    found = []
    for file in sorted(folder.glob("labels*.yaml")):
        for label in yaml.safe_load(file.read_text(encoding="utf-8")):
            if label.get("verdict") in ("healthy", "broken"):
                paths = [str(path) for path in sorted(folder.glob(label["file"]))]
                for log in read_each(keep_log, paths, rules_for_reading(Settings()), 0.0):
                    if isinstance(log, KeptLog) and log.run.profile in BUILT_IN:
                        found.append((log, label["verdict"] == "healthy"))
    return found


def _by_profile(
    logs: Sequence[tuple[KeptLog, bool]],
) -> Mapping[tuple[str, None], list[tuple[KeptLog, bool]]]:
    found = defaultdict(list)
    for log, well in logs:
        found[log.run.profile, None].append((log, well))
    return found


def _split(
    profile: Profile, logs: Sequence[tuple[KeptLog, bool]], source: random.Random
) -> Mapping[str, float]:
    halves: tuple[list[list[KeptLog]], list[list[KeptLog]]] = ([], [])
    for kind in (True, False):
        alike = [log for log, well in logs if well is kind]
        source.shuffle(alike)
        halves[0].append(alike[: len(alike) // 2])
        halves[1].append(alike[len(alike) // 2 :])
    lesson = learned(profile, halves[0][0], halves[0][1], 1.0)
    healthy, broken = halves[1]
    court = Court([*healthy, *broken], profile)
    sums = defaultdict(
        float, healthy=len(healthy), broken=len(broken), records=sum(log.trained for log in healthy)
    )
    for name, moves in (("before", NO_MOVES), ("after", lesson.lesson.moves)):
        heard = [court.hear(at, moves) for at in range(len(court.logs))]
        sums[f"alarms {name}"] = sum(hearing.alarms for hearing in heard[: len(healthy)])
        sums[f"found {name}"] = sum(hearing.verdict is Health.BROKEN for hearing in heard[len(healthy) :])
    return sums
