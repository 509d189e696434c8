"""Replay: the same bytes once more, line by line or torn, and never over something that matters."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.ingest.argument_files import HUGGING_FACE_FILES
from llmtrain_exporter.ingest.arguments import read_hyper_parameters
from llmtrain_exporter.publish.replay import Manner, Pace, ReplayError, replay

from tests.servers import HANGS_SECONDS, eventually

LOG = "logging.jsonl"


class Clock:
    """Time that passes in sleep only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def at_once() -> Pace:
    return Pace(0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The log of a run, with its arguments beside it."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "args.json").write_text('{"model": "m"}')
    log = folder / LOG
    log.write_bytes(b"".join(b'{"loss": %d}\n' % step for step in range(20)))
    return log


def written(source: Path, folder: Path, manner: Manner) -> bytes:
    list(replay(source, folder, manner, at_once()))
    return (folder / source.name).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(st.binary(max_size=500), max_size=20).map(b"\n".join),
    seed=st.none() | st.integers(),
    keep_open=st.booleans(),
)
def test_the_copy_has_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, seed: int | None, keep_open: bool
) -> None:
    """Plain or torn, whatever the lines hold, and with a last line that has no end."""
    folder = tmp_path_factory.mktemp("replay")
    source = folder / LOG
    source.write_bytes(content)
    torn = None if seed is None else random.Random(seed)
    copied = list(replay(source, folder / "copy", Manner(torn=torn, keep_open=keep_open), at_once()))
    copy = folder / "copy" / LOG
    assert (copy.read_bytes() if content else b"") == content
    assert sum(copied) == len(content)


def test_each_line_is_there_before_the_next_is_waited_for(source: Path, tmp_path: Path) -> None:
    """A line is written whole and the file closed before the wait, as the trainers do it."""
    steps = replay(source, tmp_path / "copy", Manner(), at_once())
    lines = source.read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        next(steps)
        assert (tmp_path / "copy" / LOG).read_bytes() == b"".join(lines[:count])


def test_a_torn_line_is_seen_in_pieces(source: Path, tmp_path: Path) -> None:
    """Between the pieces of a line the file holds half of it, and the same seed tears in the same places."""
    seen: dict[str, list[int]] = {}
    for name in ("a", "b"):
        copy = tmp_path / name / LOG
        source.write_bytes(b"x" * 5000 + b"\n")
        sizes = seen[name] = []

        def look(_: float, copy: Path = copy, sizes: list[int] = sizes) -> None:
            sizes.append(copy.stat().st_size)

        pace = Pace(1, clock=lambda: 0.0, sleep=look)
        list(replay(source, tmp_path / name, Manner(torn=random.Random(7)), pace))
    assert seen["a"] == seen["b"]
    assert len(seen["a"]) > 10
    assert seen["a"][-1] == 5001


def test_lines_come_at_the_interval_however_long_writing_takes(source: Path, tmp_path: Path) -> None:
    """The n-th line is written n intervals after the start: other delays are taken off the wait."""
    clock = Clock()
    pace = Pace(0.5, clock=clock, sleep=clock.sleep)
    for _ in replay(source, tmp_path / "copy", Manner(), pace):
        clock.now += 0.2
    assert clock.slept[0] == pytest.approx(0.5)
    assert clock.slept[1:] == pytest.approx([0.3] * 19)


def test_a_torn_line_takes_no_longer(source: Path, tmp_path: Path) -> None:
    """The pieces of a line share its interval."""
    clock = Clock()
    pace = Pace(0.5, clock=clock, sleep=clock.sleep)
    list(replay(source, tmp_path / "copy", Manner(torn=random.Random(0)), pace))
    assert clock.now == pytest.approx(20 * 0.5)


def test_a_limit_ends_it_early(source: Path, tmp_path: Path) -> None:
    """Only so many lines are written."""
    assert written(source, tmp_path / "copy", Manner(limit=3)) == b'{"loss": 0}\n{"loss": 1}\n{"loss": 2}\n'


def test_the_arguments_come_along(source: Path, tmp_path: Path) -> None:
    """args.json is there before the first line, unless it is not wanted."""
    replay(source, tmp_path / "with", Manner(), at_once())
    replay(source, tmp_path / "without", Manner(arguments=False), at_once())
    assert json.loads((tmp_path / "with" / "args.json").read_text()) == {"model": "m"}
    assert not (tmp_path / "without" / "args.json").exists()


def test_arguments_that_are_there_are_kept(source: Path, tmp_path: Path) -> None:
    """Only a replay that replaces the log replaces its arguments."""
    there = tmp_path / "copy" / "args.json"
    there.parent.mkdir()
    there.write_text("{}")
    replay(source, there.parent, Manner(), at_once())
    assert there.read_text() == "{}"
    replay(source, there.parent, Manner(existing="replace"), at_once())
    assert json.loads(there.read_text()) == {"model": "m"}


def test_of_the_arguments_only_what_is_read_is_written(source: Path, tmp_path: Path) -> None:
    """Tokens and addresses stay where they are, and the copy tells the exporter the same as the original."""
    said = {
        "model": "https://me:secret@host/m",
        "hub_token": "secret",
        "tuner_type": "lora",
        "learning_rate": 1e-4,
        "beta": "secret",
    }
    (source.parent / "args.json").write_text(json.dumps(said))
    replay(source, tmp_path / "copy", Manner(), at_once())
    assert "secret" not in (tmp_path / "copy" / "args.json").read_text()
    known = read_hyper_parameters(str(tmp_path / "copy"), HUGGING_FACE_FILES)
    assert known == read_hyper_parameters(str(source.parent), HUGGING_FACE_FILES)
    assert (known.info, known.numbers) == ({"train_type": "lora"}, {"learning_rate": 1e-4})


def test_arguments_that_say_nothing_are_not_written(source: Path, tmp_path: Path) -> None:
    """No file rather than an empty one."""
    (source.parent / "args.json").write_text("[not an object")
    replay(source, tmp_path / "copy", Manner(), at_once())
    assert list((tmp_path / "copy").iterdir()) == []


@pytest.mark.parametrize("existing", ["", "append", "replace"])
@pytest.mark.parametrize("way", ["same", "link", "hard"])
def test_the_source_is_never_written_to(source: Path, tmp_path: Path, existing: str, way: str) -> None:
    """Whatever leads to the source, and whatever was asked for, it stays as it is."""
    before = source.read_bytes()
    folder = {"same": source.parent, "link": tmp_path / "link", "hard": tmp_path / "hard"}[way]
    if way == "link":
        folder.symlink_to(source.parent)
    if way == "hard":
        folder.mkdir()
        (folder / LOG).hardlink_to(source)
    with pytest.raises(ReplayError, match="onto itself"):
        replay(source, folder, Manner(existing=existing), at_once())
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("existing", "after"), [("append", b"old\n" + b'{"loss": 0}\n'), ("replace", b'{"loss": 0}\n')]
)
def test_an_existing_file_is_refused_appended_to_or_replaced(
    source: Path, tmp_path: Path, existing: str, after: bytes
) -> None:
    """Nothing is overwritten unasked."""
    there = tmp_path / "copy" / LOG
    there.parent.mkdir()
    there.write_bytes(b"old\n")
    with pytest.raises(ReplayError, match="exists already"):
        replay(source, there.parent, Manner(), at_once())
    assert there.read_bytes() == b"old\n"
    assert written(source, there.parent, Manner(limit=1, existing=existing)) == after


def state(entries: int) -> dict[str, object]:
    history = [{"step": 5 * n, "epoch": n / 10, "loss": float("nan")} for n in range(1, entries + 1)]
    return {
        "best_metric": 0.5,
        "epoch": entries / 10,
        "global_step": 5 * entries,
        "log_history": history,
        "max_steps": 100,
    }


@pytest.fixture
def trainer_state(tmp_path: Path) -> Path:
    """A state with three entries."""
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps(state(3)))
    return path


def documents(source: Path, folder: Path) -> Iterator[bytes]:
    for _ in replay(source, folder, Manner(), at_once()):
        yield (folder / source.name).read_bytes()


def test_a_trainer_state_grows_as_a_document(trainer_state: Path, tmp_path: Path) -> None:
    """It is whole at any time, says nothing of what comes later, and ends as the very bytes of the source."""
    *earlier, last = documents(trainer_state, tmp_path / "copy")
    first, second = map(json.loads, earlier)
    assert [len(first["log_history"]), len(second["log_history"])] == [1, 2]
    assert [first["global_step"], second["global_step"]] == [5, 10]
    assert [first["epoch"], first["best_metric"], first["max_steps"]] == [0.1, None, 100]
    assert last == trainer_state.read_bytes()
    assert [path.name for path in (tmp_path / "copy").iterdir()] == [trainer_state.name]


def test_a_document_that_cannot_be_written_is_called_by_its_own_name(
    trainer_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not as the part beside it, of which nothing stays."""

    def full(part: Path, _: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(part))

    monkeypatch.setattr(os, "replace", full)
    copy = tmp_path / "copy" / trainer_state.name
    with pytest.raises(OSError, match="No space left") as raised:
        list(replay(trainer_state, copy.parent, Manner(), at_once()))
    assert raised.value.filename == str(copy)
    assert list(copy.parent.iterdir()) == []


def test_a_torn_trainer_state_is_seen_half_written(trainer_state: Path, tmp_path: Path) -> None:
    """Torn, the document is written where it stands, as the trainers write it, and ends complete."""
    copy = tmp_path / "copy" / trainer_state.name
    sizes: list[int] = []
    pace = Pace(1, clock=lambda: 0.0, sleep=lambda _: sizes.append(copy.stat().st_size))
    list(replay(trainer_state, copy.parent, Manner(torn=random.Random(1)), pace))
    assert sorted(sizes) != sizes  # it starts anew with each entry
    assert copy.read_bytes() == trainer_state.read_bytes()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"log_history": 3}', "[" * 100000])
def test_another_document_under_that_name_is_refused(tmp_path: Path, content: str) -> None:
    """What has no history is named, whatever it is."""
    source = tmp_path / "trainer_state.json"
    source.write_text(content)
    with pytest.raises(ReplayError, match=r"trainer_state\.json: not a trainer state"):
        list(replay(source, tmp_path / "copy", Manner(), at_once()))


def test_a_trainer_state_is_not_appended_to(trainer_state: Path, tmp_path: Path) -> None:
    """A document has no end to append to."""
    with pytest.raises(ReplayError, match="one document"):
        replay(trainer_state, tmp_path / "copy", Manner(existing="append"), at_once())


def replaying(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "llmtrain_exporter", "replay", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_ends_a_replay_quietly(source: Path, tmp_path: Path) -> None:
    """Exit code 130, no traceback, and whole lines in the file."""
    target = tmp_path / "copy" / LOG
    with replaying(source, target.parent, "--interval", f"{HANGS_SECONDS:g}s") as process:
        eventually(lambda: target.exists() and target.stat().st_size)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=HANGS_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert source.read_bytes().startswith(target.read_bytes())
    assert target.read_bytes().endswith(b"\n")


def test_a_full_disk_is_one_clear_line(source: Path, tmp_path: Path) -> None:
    """The system's own words and the file, exit code 1, no traceback."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / LOG).symlink_to("/dev/full")
    with replaying(source, tmp_path / "copy", "--speed", "max", "--append") as process:
        _, errors = process.communicate(timeout=HANGS_SECONDS)
    assert process.returncode == 1
    assert errors.splitlines() == [f"Error: {tmp_path / 'copy' / LOG}: No space left on device"]


def test_a_folder_that_cannot_be_made_is_an_oserror(source: Path) -> None:
    """The caller gets the system's error with the path in it."""
    with pytest.raises(NotADirectoryError) as error:
        replay(source, source / "below", Manner(), at_once())
    assert error.value.errno == errno.ENOTDIR
