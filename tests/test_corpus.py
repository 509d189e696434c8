"""The real logs: counts as a careful reader counted them, and values exact to the last digit."""

from __future__ import annotations

import ast
import contextlib
import glob
import json
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.config import Settings as Configured
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.skips import REASONS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import HyperParameters, NoRun, Record, RowKind, Snapshot, State, series
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules

NOW = 4e9  # long after every log: what is not finished has stalled
PRINTED = ("*.log", "*.out", "*.txt")
HOURS = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)")


def checked(*paths: Path, stdout_log: Sequence[str] = ()) -> list[Snapshot | NoRun]:
    """What `check` finds below these paths."""
    rules = RunRules(Configured(stdout_log=tuple(stdout_log)), RunOptions())
    return list(read_each(read_log, [str(path) for path in paths], rules, NOW))


def runs(*paths: Path) -> list[Snapshot]:
    return [found for found in checked(*paths) if isinstance(found, Snapshot)]


def labels(corpus: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Each labelled file with its label."""
    files = sorted(corpus.glob("labels*.yaml"))
    entries = [entry for file in files for entry in yaml.safe_load(file.read_text("utf-8"))]
    return [
        (Path(path), entry) for entry in entries for path in sorted(glob.glob(str(corpus / entry["file"])))
    ]


def logs(corpus: Path) -> list[Path]:
    """Every training log of the corpus, labelled or not."""
    names = ("logging*.jsonl", "trainer_log.jsonl", "trainer_state.json", "std*.log")
    found = [path for name in names for path in corpus.rglob(name)] + list(
        corpus.glob("public/stdout-log/*/*.log")
    )
    return sorted({path for path in found if "negative" not in path.parts and "stderr" not in path.name})


# Counts


def counted(run: Snapshot) -> dict[str, object]:
    """What labels say of a run."""
    return {
        "train": run.records.get(RowKind.TRAIN, 0),
        "eval": run.records.get(RowKind.EVAL, 0),
        "last_step": run.last_step,
        "max_steps": run.max_steps,
        "dialect": run.dialect,
        "profile": run.profile,
        "resumes": [{"from": resume.last, "to": resume.first} for resume in run.resumes],
    }


def test_every_labelled_log_is_read_as_its_label_says(corpus: Path) -> None:
    """Records, evaluations, resumes, last step, planned steps, dialect and profile; no label, no resume."""
    wrong = []
    for path, label in labels(corpus):
        if "negative" in path.parts:
            continue
        (run,) = runs(path)
        found = counted(run)
        expected = {key: label[key] for key in found if key in label} | {"resumes": label.get("resumes", [])}
        wrong += [(path, key, value, found[key]) for key, value in expected.items() if value != found[key]]
    assert wrong == []


def test_the_labels_cover_both_kinds_of_logs_and_every_dialect(corpus: Path) -> None:
    """So that the test above says something."""
    found = labels(corpus)
    assert len(found) > 30
    assert {label.get("dialect") for _, label in found} >= {"swift", "transformers", "llamafactory"}


def test_what_is_no_training_log_gives_no_run_but_counted_reasons(corpus: Path) -> None:
    """Chat logs, pointers, crashes before the first record, dumps of configurations: no record, no crash."""
    found = checked(corpus / "public" / "negative", stdout_log=PRINTED)
    assert len(found) >= 8
    begun = [other for other in found if isinstance(other, Snapshot)]
    assert [(other.dialect, other.last_step, other.records) for other in begun] == [
        ("verl", 1, {RowKind.TRAIN: 1})  # its only row, before it was stopped
    ]
    for other in (each for each in found if isinstance(each, NoRun)):
        assert words.no_run_reason(other.reason, other.detail, Lang.EN) == "no training record in it"
        assert other.skipped
        assert set(other.skipped) <= set(REASONS)


def test_a_file_without_scalars_is_no_run(corpus: Path) -> None:
    """An event file that is asked for by name is read as lines, which are none."""
    for path in corpus.glob("public/negative/*/events.out.tfevents*"):
        assert all(isinstance(found, NoRun) for found in checked(path))


def test_the_whole_corpus_is_read_in_one_go(corpus: Path) -> None:
    """Each run has its own name."""
    found = runs(corpus)
    assert len({run.run for run in found}) == len(found) > 40


def test_a_llamafactory_log_takes_its_grad_norm_from_the_state_beside_it(corpus: Path) -> None:
    """Its own rows have none."""
    folder = corpus / "produced" / "llamafactory-sft" / "out"
    (run,) = runs(folder / "trainer_log.jsonl")
    assert run.samples[series(c.GRAD_NORM)] == last_values(folder / "trainer_state.json")["grad_norm"]
    assert "grad_norm" not in last_values(folder / "trainer_log.jsonl")


STATES = {
    "swift-grpo-healthy": State.FINISHED,
    "swift-grpo-collapse-crash": State.FAILED,
    "swift310-sft-resume": State.FINISHED,
    "llamafactory-sft": State.FINISHED,
    "TangBinghao__swift__internvl2-npu-a": State.STALLED,
}


@pytest.mark.parametrize(("name", "state"), STATES.items())
def test_the_state_of_a_run_is_that_of_its_end(corpus: Path, name: str, state: State) -> None:
    """Finished, failed with an exception, or cut off."""
    paths = [path for kind in ("produced", "public/*") for path in corpus.glob(f"{kind}/{name}")]
    assert {run.state for run in runs(*paths)} == {state}


def test_a_resumed_run_tells_its_real_pace(corpus: Path) -> None:
    """Its log claims 89.8 iterations a second after the resume, and 17 at the end; 12.3 were real."""
    (run,) = runs(corpus / "produced" / "swift310-sft-resume" / "output" / "logging.jsonl")
    assert 1 / run.samples[series(c.RECENT_SECONDS_PER_STEP)] == pytest.approx(12.3, rel=0.15)


# Values, read here by other means than the exporter's own


def written(path: Path) -> Iterator[Mapping[str, object]]:
    """The rows of a log as Python itself reads them."""
    text = path.read_text("utf-8", errors="replace")
    if path.name == "trainer_state.json":
        yield from json.loads(text)["log_history"]
        return
    for line in text.split("\n"):
        if path.suffix == ".jsonl":
            if line.strip():
                yield json.loads(line)
            continue
        for found in re.findall(r"\{'[^{}]*\}", line):
            with contextlib.suppress(ValueError, SyntaxError):
                yield ast.literal_eval(re.sub(r"(?<=: )(nan|-?inf)\b", r"'\1'", found))


ROW_KEYS = frozenset(("loss", "eval_loss", "reward", "train_runtime", "current_steps"))


def is_row(row: object) -> bool:
    """A row of training, evaluation or progress, or a closing one."""
    return isinstance(row, dict) and not ROW_KEYS.isdisjoint(row)


def base(key: str, cell: object) -> float | None:
    """The cell in base units; None where it is no number."""
    if isinstance(cell, bool) or cell is None:
        return None
    if key in ("elapsed_time", "remaining_time") and isinstance(cell, str):
        return seconds(cell)
    try:
        number = float(str(cell).rstrip("%"))
    except ValueError:
        return None
    if key == "percentage":
        return number / 100
    if key == "memory(GiB)":
        return number * 2**30
    if key == "train_speed(iter/s)":
        return 1 / number if number else math.inf
    return number


def seconds(text: str) -> float:
    clock = HOURS.fullmatch(text)
    if clock is not None:
        days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
        return 86400.0 * days + 3600 * hours + 60 * minutes + rest
    return float(
        sum(int(part[:-1]) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[part[-1]] for part in text.split())
    )


def last_values(path: Path) -> dict[str, float]:
    """The last number of each key of a log, without the summary row and its like."""
    last: dict[str, float] = {}
    for row in filter(is_row, written(path)):
        if "log_history" in row:
            continue
        for key, cell in row.items():
            number = base(key, cell)
            if number is not None:
                last[key] = number
    return last


# In these the rows of two writers differ.
CLOCKS = frozenset(("train_speed(iter/s)", "train_speed(s/it)", "elapsed_time", "remaining_time"))
PACES = frozenset(("eval_runtime", "eval_samples_per_second", "eval_steps_per_second"))


def test_every_number_of_a_log_is_found_again(corpus: Path) -> None:
    """The last value of every key, in base units and to the last digit, is the value of some series."""
    lost = []
    for path in logs(corpus):
        found = runs(path)
        if not found:
            continue
        values = set(map(repr, map(float, found[0].samples.values())))
        # Of two writers the second is not listened to; an evaluation that counts its own steps neither.
        keys = CLOCKS | PACES if "TangBinghao" in str(path) else frozenset(("total_steps", "current_steps"))
        lost += [
            (str(path), key, number)
            for key, number in last_values(path).items()
            if key not in keys and repr(number) not in values
        ]
    assert lost == []


NAMES = {
    "loss": series(c.LOSS, ("split", "train")),
    "eval_loss": series(c.LOSS, ("split", "eval")),
    "kl": series(c.KL, ("split", "train")),
    "grad_norm": series(c.GRAD_NORM),
    "learning_rate": series(c.LEARNING_RATE),
    "reward": series(c.REWARD, ("split", "train")),
    "token_acc": series(c.TOKEN_ACCURACY, ("split", "train")),
    "memory(GiB)": series(c.MEMORY),
    "elapsed_time": series(c.ELAPSED),
    "completions/clipped_ratio": series(c.COMPLETION_CLIPPED, ("split", "train")),
    "rewards/Format/mean": series(c.REWARD_FUNCTION_MEAN, ("function", "Format"), ("split", "train")),
}


def test_the_numbers_of_a_log_are_found_under_their_names(corpus: Path) -> None:
    """The best known keys, of every log that has them."""
    seen = set()
    for path in logs(corpus):
        last = last_values(path)
        for run in runs(path):
            for key, name in NAMES.items():
                if key in last and not (key in CLOCKS and "TangBinghao" in str(path)):
                    seen.add(key)
                    assert repr(float(run.samples[name])) == repr(last[key]), (path, key)
    assert seen == set(NAMES)


# Printed logs with their bars, whose true steps are known from the state beside them

RUNS_WITH_BARS = ("trl-sft", "trl-grpo-beta0", "trl-grpo-collapse-lr")


# An evaluation's bar is cleared with the training's for a row; when it is done it is cleared alone, for none.
PRINTS = re.compile(rb"(\r {20,}\r(?:\n\r {20,}\r\x1b\[A)?(?!\x1b))")


def interleaved(bars: bytes, rows: list[bytes], held: int = 0) -> bytes:
    """As on a terminal: each time that the bar is cleared, the row comes before it is drawn again.

    `held`: bytes of rows that a buffer takes before it is written, all at once.
    """
    waiting, buffer, text = iter(rows), b"", b""
    for piece in PRINTS.split(bars):
        text += piece
        if PRINTS.fullmatch(piece):
            row = next(waiting, b"")
            if len(buffer + row) > held:
                text, buffer = text + buffer, b""
            buffer += row
            if not held:
                text, buffer = text + buffer, b""
    return text + buffer + b"".join(waiting)


def block_buffered(bars: bytes, rows: list[bytes]) -> bytes:
    """As in a file: whole rows of about 8 KiB at once come late, between bars of later steps."""
    return interleaved(bars, rows, held=8192)


@pytest.mark.parametrize("name", RUNS_WITH_BARS)
@pytest.mark.parametrize("merged", [interleaved, block_buffered])
def test_printed_records_stand_at_their_true_steps(corpus: Path, name: str, merged: Any) -> None:
    """Step 1 and then every second, or every step: as the trainer's own state says, once the bar has told."""
    folder = corpus / "produced" / name
    rows = (folder / "stdout.log").read_bytes().splitlines(keepends=True)
    text = merged((folder / "stderr.log").read_bytes(), rows)
    reader = Readers().reader(registered()["printed"])
    found = [row for line in text.split(b"\n") for row in reader.read(line) if isinstance(row, Record)]
    state = json.loads((folder / "out" / "trainer_state.json").read_text())
    true = [row["step"] for row in state["log_history"] if "train_runtime" not in row]
    steps = [row.step for row in found if row.kind is not RowKind.FINAL]
    assert steps == true
    assert {row.max_steps for row in found[1:] if row.kind is not RowKind.FINAL} == {state["max_steps"]}


GROWING = ("swift310-sft-resume/output", "swift-grpo-collapse-crash/output/*", "llamafactory-sft/out")


@pytest.mark.parametrize("folder", GROWING)
def test_a_log_that_grows_in_any_portions_comes_to_the_same(
    corpus: Path, tmp_path: Path, folder: str
) -> None:
    """Lines torn anywhere, looked at in between: the state at the end is that of one look at the whole."""
    (path,) = (path for path in corpus.glob(f"produced/{folder}/*.jsonl"))
    dialect = "llamafactory" if path.name == "trainer_log.jsonl" else "swift"
    text, chance = path.read_bytes(), random.Random(7)
    snapshots = [
        told(tmp_path / f"{longest}.jsonl", dialect, portions(text, longest, chance))
        for longest in (len(text), 4096, 200)
    ]
    assert snapshots[0] == snapshots[1] == snapshots[2]
    (run,) = runs(path)
    assert f"records={dict(run.records)}" in snapshots[0]


def portions(text: bytes, longest: int, chance: random.Random) -> Iterator[bytes]:
    """The text in pieces of up to so many bytes."""
    at = 0
    while at < len(text):
        size = longest if longest == len(text) else chance.randrange(1, longest)
        yield text[at : at + size]
        at += size


def told(path: Path, dialect: str, pieces: Iterable[bytes]) -> str:
    """All that a run says of itself after its log has grown by these pieces."""
    run = Run(RunOptions(), HyperParameters())
    path.touch()
    source = open_source(Found(str(path), "run", registered()[dialect], NOW, 0, (0, 0), ()), Readers())
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        while (reading := source.poll(0.0)) is not None:
            for record in reading.records:
                run.fold(record, NOW)
            run.skip(reading.skipped)
    source.close()
    return repr(run.snapshot("run", "log", registered()[dialect].producer, NOW))
