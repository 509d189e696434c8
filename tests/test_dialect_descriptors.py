"""Descriptors of dialects: each is complete, nobody else knows their names, and one file is enough."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson
import pytest
from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import proposals
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest import dialects as folder
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.console import ConsoleReader
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Head, Role, Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found, Scan, SearchOptions, discover
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.recognise import dialect_of, recognise
from llmtrain_exporter.ingest.source import open_source, read_lines, read_run_hyper_parameters
from llmtrain_exporter.knowledge import producers, profile
from llmtrain_exporter.knowledge.producer import FlagStyle, Producer
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.model import Record, RowKind, Skip, Snapshot

from tests import fuzz_dialects, training
from tests.test_house import ROOT, SOURCE, made_up, sources

NOW = 1_800_000_000.0
GOLDEN = Path(__file__).with_name("golden")
DIALECTS = registered()
EACH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
READ = {name: dialect for name, dialect in DIALECTS.items() if dialect.store is None}
EACH_READ = pytest.mark.parametrize("dialect", READ.values(), ids=READ)
"""Without those whose stores are asked: of them the tests have one that the real tracker made."""

STORES = Path(__file__).with_name("stores")

# Each descriptor is complete


def test_each_module_of_the_folder_is_a_dialect_of_that_name() -> None:
    """A new file is found because it lies there; nothing but dialects lies there."""
    files = Path(folder.__file__).parent.glob("*.py")
    modules = sorted(file.stem for file in files if file.stem != "__init__")
    assert list(DIALECTS) == modules
    assert [dialect.name for dialect in DIALECTS.values()] == modules


@EACH_READ
def test_each_dialect_has_a_golden_pair_that_is_known_by_its_content(dialect: Dialect) -> None:
    """What it reads is written down, and a file named by hand is known as such whatever it is called."""
    logs = sorted(GOLDEN.glob(f"{dialect.name}-*.in"))
    assert [log for log in logs if not log.with_suffix(".out").exists()] == []
    assert dialect in [recognise(log.read_bytes(), DIALECTS.values()) for log in logs]


def test_each_store_is_one_that_its_tracker_made() -> None:
    """Its dialect has no lines to be read, and its shape says so."""
    stores = {name for name, dialect in DIALECTS.items() if dialect.shape is Shape.STORE}
    assert stores == DIALECTS.keys() - READ.keys()
    assert [name for name in stores if not (STORES / f"{name}.tar.gz").exists()] == []


@EACH
def test_each_framed_log_says_how_its_frames_are_found(dialect: Dialect) -> None:
    """And nothing else does."""
    assert (dialect.framing is not None) == (dialect.shape is Shape.FRAMES)


@EACH_READ
def test_each_dialect_is_fuzzed(dialect: Dialect) -> None:
    """The fuzzer begins with its golden logs, and knows how its real logs are called."""
    assert dialect.name in {name for name, _ in fuzz_dialects.seeds(None)}
    assert dialect.files or dialect.role is Role.CONSOLE


@EACH
def test_each_producer_says_how_its_settings_are_changed(dialect: Dialect) -> None:
    """Advice ends in a flag to type, which is written in the style of its command line."""
    producer = dialect.producer
    assert producer.name
    assert producer.flag("learning_rate", profile.GENERIC, "1e-06").endswith("1e-06")
    assert dialect.argument_files


@EACH
@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_files_of_each_dialect_stand_in_the_readme(dialect: Dialect, readme: str) -> None:
    """Under their names; what is printed, which has none, by the flag that names it."""
    text = (ROOT / readme).read_text("utf-8")
    named = ("--stdout-log",) if dialect.role is Role.CONSOLE else dialect.files
    assert [name for name in named if name not in text] == []


@EACH
@pytest.mark.parametrize("page", ["sources.md", "sources.zh.md"])
def test_each_dialect_has_its_line_among_the_sources(dialect: Dialect, page: str) -> None:
    """With the names of its files as people are shown them; there is nothing else to know of what is read."""
    rows = [line for line in (ROOT / "docs" / page).read_text("utf-8").splitlines() if line.startswith("| ")]
    (row,) = [line for line in rows if f"| `{dialect.name}` |" in line]
    assert [name for name in dialect.files if re.sub(r"(\[[^]]+\])+", "*", name) not in row] == []


@EACH
def test_a_document_can_be_replayed(dialect: Dialect) -> None:
    """What is written whole again has stages, and nothing else has."""
    assert (dialect.stages is not None) == (dialect.shape is Shape.DOCUMENT)


def test_any_text_is_of_some_dialect() -> None:
    """A file that somebody names is read, if only to say what its lines are not."""
    assert recognise(b"Hello", DIALECTS.values()).role is Role.CONSOLE


# Nobody else knows their names


def known_by_name(root: Path) -> list[str]:
    """Each text in the package that is the name of a dialect, its log or its producer, and not at home."""
    homes: dict[str, set[str]] = {}
    for name, dialect in DIALECTS.items():
        for text in (name, *dialect.files, dialect.producer.name):
            homes.setdefault(text, {producers.__name__}).add(f"{folder.__name__}.{name}")
    return [
        f"{source.path.relative_to(root)}:{node.lineno}: {node.value}"
        for source in sources(root)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant)
        and type(node.value) is str
        and source.module not in homes.get(node.value, {source.module})
    ]


def test_no_code_outside_of_its_own_file_knows_a_dialect_by_name() -> None:
    """Whatever differs from dialect to dialect is asked of the descriptor."""
    assert known_by_name(SOURCE) == []


@pytest.mark.parametrize(
    "code", ['if d == "printed": pass', 'D = {"swift": 1}', 'x in ("trainer_state",)', 'f("logging.jsonl")']
)
def test_a_dialect_that_is_known_by_name_is_found(tmp_path: Path, code: str) -> None:
    """In comparisons, tables, containers and calls; not as part of another text."""
    innocent = "'''Not printed.'''\nx = 'a swift one'\n"
    assert known_by_name(made_up(tmp_path, {"ingest/other.py": innocent})) == []
    assert len(known_by_name(made_up(tmp_path, {"ingest/other.py": code}))) == 1


# One descriptor is all that it takes


class TapeReader:
    """Reads rows of another shape than any real producer's: the step beside the numbers."""

    def __init__(self, normaliser: Normaliser) -> None:
        self._normaliser = normaliser

    def read(self, line: bytes) -> Iterator[Record | Skip]:
        """One record a line."""
        row = orjson.loads(line)
        yield self._normaliser.record({**row["numbers"], "step": row["at"]})


def tape_arguments(content: bytes) -> Mapping[str, object]:
    """Its own names of settings, nested, to ours."""
    return {"learning_rate": orjson.loads(content)["optim"]["lr"]}


def tape_sniff(head: Head) -> Confidence:
    """By its two keys."""
    return Confidence.SURE if set(head.first or ()) == {"at", "numbers"} else Confidence.NO


def ticks(line: bytes) -> Sequence[Mapping[str, object]]:
    """`step:1 - loss:0.5 - lr:1e-05`, which must begin its line."""
    match = re.match(rb"step:(\d+) - (.*)", line)
    if match is None:
        return ()
    pairs = (part.rpartition(b":") for part in match[2].split(b" - "))
    return [{"step": int(match[1]), **{key.decode(): float(number) for key, _, number in pairs}}]


RECORDER = Producer(
    name="recorder",
    style=FlagStyle("", "="),
    flags={"learning_rate": "optim.lr"},
    defaults={"learning_rate": 1e-3},
)
TAPE = Dialect(
    name="tape",
    producer=RECORDER,
    reader=lambda normaliser, _: TapeReader(normaliser),
    sniff=tape_sniff,
    files=("tape.jsonl",),
    normaliser=lambda: Normaliser({"actor/loss": "loss"}),
    argument_files=(ArgumentFile("conf/run.json", tape_arguments),),
)
TICKER = Dialect(
    name="ticker",
    producer=RECORDER,
    reader=lambda normaliser, steps: ConsoleReader(normaliser, ticks, steps),
    sniff=lambda head: Confidence.SURE if b"step:" in head.text else Confidence.NO,
    role=Role.CONSOLE,
)
EXPERIMENT = Dialect(
    name="experiment",
    producer=RECORDER,
    reader=TAPE.reader,
    sniff=tape_sniff,
    files=("exp-*.jsonl",),
    role=Role.FILE,
)


def tape(step: int) -> str:
    return orjson.dumps({"at": step, "numbers": {"actor/loss": 1 / step, "epoch": 0.1}}).decode()


def search(path: Path, *others: Dialect, stdout_log: tuple[str, ...] = ()) -> Scan:
    """What is found with these dialects known as well."""
    known = (*DIALECTS.values(), *others)
    return discover([str(path)], SearchOptions(stdout_log=stdout_log, dialects=known, ignore_older=None), NOW)


def known_by(scan: Scan) -> dict[str, str]:
    """Run to dialect."""
    return {found.run: found.dialect.name for found in scan.found}


def told(scan: Scan, readers: Readers) -> dict[str, Snapshot]:
    """Each run as it stands at the end of its log."""
    return {found.run: _snapshot(found, readers) for found in scan.found}


def _snapshot(found: Found, readers: Readers) -> Snapshot:
    source, run = (
        open_source(found, readers, patient=False),
        Run(RunOptions(), read_run_hyper_parameters(found)),
    )
    while (reading := source.poll(0.0)) is not None:
        for record in reading.records:
            run.fold(record, NOW)
    source.close()
    return run.snapshot(found.run, found.path, found.dialect.producer, NOW)


def test_a_log_of_a_new_dialect_is_found_read_and_advised_on(tmp_path: Path) -> None:
    """From its file's name, or its content, to a flag on its producer's command line."""
    log = training.append(tmp_path / "v0" / "tape.jsonl", *map(tape, range(1, 21)))
    training.append(tmp_path / "v0" / "conf" / "run.json", '{"optim": {"lr": 0.0001}}')
    (run,) = told(search(tmp_path, TAPE), Readers()).values()
    assert (run.run, run.dialect, run.last_step, run.records) == ("v0", "recorder", 20, {RowKind.TRAIN: 20})
    (change,) = proposals(REMEDIES["lower_learning_rate"].changes, Case(run))
    assert (change.now, change.flag) == (1e-4, "optim.lr=5e-5")
    os.rename(log, tmp_path / "v0" / "other.txt")
    assert known_by(search(tmp_path / "v0" / "other.txt", TAPE)) == {"v0": "tape"}
    assert known_by(search(tmp_path / "v0")) == {}


def test_a_log_that_is_empty_promises_a_run_under_its_own_name_alone(tmp_path: Path) -> None:
    """Nobody but a training makes a tape.jsonl; anybody makes an empty *.log."""
    for name in ("tape.jsonl", "trainer_state.json", "train.log"):
        training.append(tmp_path / name[:5] / name)
    found = search(tmp_path, TAPE, stdout_log=("*.log",)).found
    promises = {each.dialect.name: each.dialect.promises_run for each in found}
    assert promises == {"tape": True, "trainer_state": False}


def test_another_grammar_of_the_console_shares_all_but_its_rows(tmp_path: Path) -> None:
    """Printed logs are told apart by content; prefixes, colours and tracebacks are common to all."""
    training.append(tmp_path / "dicts.log", training.printed(1), training.printed(2))
    training.append(
        tmp_path / "ticks.log",
        "Loading",
        "(TaskRunner pid=4711) step:1 - loss:0.5 - epoch:0.1",
        "\x1b[36m(TaskRunner pid=4711)\x1b[0m step:2 - loss:0.4 - epoch:0.2",
        "[rank0]: step:3 - loss:0.3 - epoch:0.3",
        "Traceback (most recent call last):",
    )
    scan = search(tmp_path, TICKER, stdout_log=("*.log",))
    assert known_by(scan) == {"dicts": "printed", "ticks": "ticker"}
    runs = told(scan, Readers())
    assert {name: (run.dialect, run.last_step) for name, run in runs.items()} == {
        "dicts": ("transformers", 2),
        "ticks": ("recorder", 3),
    }
    assert runs["ticks"].records == {RowKind.TRAIN: 3, RowKind.FAILURE: 1}


def test_rows_of_another_grammar_get_their_steps_from_the_bar_as_well() -> None:
    """Where they state none; what was learned of the bar in one line counts for the next."""
    reader = ConsoleReader(Normaliser(), lambda line: [{"loss": 1.0, "epoch": 0.1}] if b"row" in line else [])
    bar = "\r 10%|#    | {}/100 [00:08<00:24,  1.25it/s]"
    lines = [bar.format(10), "\r" + " " * 60 + "\rrow", bar.format(10), bar.format(20)]
    lines += ["\r" + " " * 60 + "\rrow", bar.format(20)]
    found, _ = read_lines(reader, [line.encode() for line in lines])
    assert [(record.step, record.max_steps) for record in found] == [(10, 100), (20, 100)]


def test_a_dialect_can_name_its_runs_after_its_files(tmp_path: Path) -> None:
    """Experiments are runs of their own, beside the run of the folder, and nothing covers them."""
    training.append(tmp_path / "all" / "exp-a.jsonl", tape(1))
    training.append(tmp_path / "all" / "exp-b.jsonl", tape(1))
    training.append(tmp_path / "all" / "logging.jsonl", training.swift(1))
    training.append(tmp_path / "all" / "train.log", training.printed(1))
    scan = search(tmp_path, EXPERIMENT, stdout_log=("*.log",))
    assert known_by(scan) == {"all": "swift", "all/exp-a": "experiment", "all/exp-b": "experiment"}
    assert scan.left_out == {"covered": 1}
    assert [found.extra for found in scan.found] == [(), (), ()]


def test_two_dialects_under_one_name_are_told_apart_by_content(tmp_path: Path) -> None:
    """One producer's metrics.jsonl is not another's."""
    twin = Dialect(
        name="twin", producer=RECORDER, reader=TAPE.reader, sniff=DIALECTS["swift"].sniff, files=TAPE.files
    )
    training.append(tmp_path / "a" / "tape.jsonl", training.swift(1))
    training.append(tmp_path / "b" / "tape.jsonl", tape(1))
    assert known_by(search(tmp_path, TAPE, twin)) == {"a": "twin", "b": "tape"}
    known = (*DIALECTS.values(), TAPE, twin)
    assert dialect_of(str(tmp_path / "b" / "tape.jsonl"), known) is TAPE
