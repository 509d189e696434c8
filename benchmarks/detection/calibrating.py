"""Limits that were learned from some runs, scored on others: fewer warnings at the same recall?"""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
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

from benchmarks.detection.by_kind import PER_1K, PER_100K
from benchmarks.detection.generator import Case, cases
from benchmarks.detection.score import Score, score
from benchmarks.report import Row, Table

LEARNED_FROM, SCORED_ON = 30, 60
BUDGET = 0.5
SPLITS = 5  # of the labelled logs
APART = 1000
"""From a seed to that of the runs that are scored, and that were not learned from."""


def tables(seed: int, corpus: Path) -> Iterator[Table]:
    """Random runs, and the labelled logs."""
    made = list(cases(seed, LEARNED_FROM))
    healthy, broken = _parted(_kept(made, GRPO), {_folder(case): not case.truth.events for case in made})
    others = list(cases(seed + APART, SCORED_ON))
    before = score(others)
    lesson = learned(BUILT_IN[GRPO], healthy, broken, BUDGET)
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
    unseen = lesson.unseen
    rows = [
        Row("learned from: false alarms before", lesson.rate(lesson.alarms[0]), PER_1K),
        Row("the same after", lesson.rate(lesson.alarms[1]), PER_1K),
        Row("the same, each run left out", lesson.rate(unseen.alarms) if unseen else None, PER_1K),
        Row("limits moved", float(len(lesson.lesson.moves)), ""),
        Row("other runs: warnings before", before.warnings_per_1k, PER_1K),
        Row("the same after", after.warnings_per_1k, PER_1K),
        Row("recall of collapses before", before.recall, f"of {before.events}"),
        Row("the same after", after.recall, f"of {after.events}"),
        Row("critical false alarms before", before.false_per_100k, PER_100K),
        Row("the same after", after.false_per_100k, PER_100K),
        Row("lead of the first warning before, median", before.early, "records"),
        Row("the same after", after.early, "records"),
    ]
    title = f"budget {lesson.budget:g}, from {LEARNED_FROM} random runs to {SCORED_ON} others, seed {seed}"
    return Table(title, tuple(rows))


def _labelled(folder: Path, seeds: Sequence[int]) -> Table:
    """Half of the labelled logs to learn from, half to score, several times; each kind of training alone."""
    sums: Counter[str] = Counter()
    logs = _labelled_logs(folder)
    for seed in seeds:
        for profile in sorted({log.run.profile for log, _ in logs}):
            known = [(log, well) for log, well in logs if log.run.profile == profile]
            sums.update(_split(BUILT_IN[profile], known, random.Random(f"{seed}/{profile}")))
    records, of_broken = max(sums["records"], 1), f"of {sums['broken']}"
    rows = (
        Row("healthy logs that were scored", float(sums["healthy"]), ""),
        Row("false alarms before", sums["alarms before"] * 1e3 / records, PER_1K),
        Row("the same after", sums["alarms after"] * 1e3 / records, PER_1K),
        Row("broken logs told before", float(sums["found before"]), of_broken),
        Row("the same after", float(sums["found after"]), of_broken),
        Row("limits moved", float(sums["moved"]), ""),
    )
    return Table(f"labelled logs, budget 1, half to learn and half to score, {len(seeds)} splits", rows)


def _labelled_logs(folder: Path) -> list[tuple[KeptLog, bool]]:
    """Those with a clear verdict, and whether that is healthy."""
    rules = rules_for_reading(Settings())
    return [
        (log, label["verdict"] == "healthy")
        for file in sorted(folder.glob("labels*.yaml"))
        for label in yaml.safe_load(file.read_text(encoding="utf-8"))
        if label.get("verdict") in ("healthy", "broken")
        for log in read_each(keep_log, [str(path) for path in sorted(folder.glob(label["file"]))], rules, 0.0)
        if isinstance(log, KeptLog) and log.run.profile in BUILT_IN
    ]


def _split(
    profile: Profile, logs: Sequence[tuple[KeptLog, bool]], source: random.Random
) -> Mapping[str, int]:
    """What limits from one half do in the other; of an odd number more are scored."""
    parts = [_halves([log for log, well in logs if well is kind], source) for kind in (True, False)]
    (well, healthy), (ill, broken) = parts
    moves = learned(profile, well, ill, 1.0).lesson.moves
    court = Court([*healthy, *broken], profile)
    sums = {"healthy": len(healthy), "broken": len(broken), "moved": len(moves)}
    sums["records"] = sum(log.trained for log in healthy)
    for name, limits in (("before", NO_MOVES), ("after", moves)):
        heard = [court.hear(at, limits) for at in range(len(court.logs))]
        sums[f"alarms {name}"] = sum(hearing.alarms for hearing in heard[: len(healthy)])
        sums[f"found {name}"] = sum(hearing.verdict is Health.BROKEN for hearing in heard[len(healthy) :])
    return sums


def _halves(logs: list[KeptLog], source: random.Random) -> tuple[list[KeptLog], list[KeptLog]]:
    source.shuffle(logs)
    return logs[: len(logs) // 2], logs[len(logs) // 2 :]
