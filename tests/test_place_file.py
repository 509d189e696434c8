"""How far a server has each log: written at once, and thrown away where it is not to be understood."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.push.place import NOWHERE, Place
from llmtrain_exporter.push.place_file import FORGET_SECONDS, PlaceFile

PLACE = Place(7, 5_000, 9, {1: 11, 4: 44, 7: 77}, {8: 6_000}, (2, 3))


class Disk:
    """A file, and a clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0

    def open(self) -> PlaceFile:
        """As a program that begins."""
        return PlaceFile(self.path, lambda: self.now)

    def after(self, run: str = "a/v1") -> Place:
        """What another program finds."""
        places = self.open()
        found = places.place_of(run)
        places.close()
        return found


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "state" / "history.sqlite")


def test_a_place_is_there_at_the_next_start(disk: Disk) -> None:
    """As it was, with the time at which it was noted; no file of it for others to read, and no name in it."""
    places = disk.open()
    places.note({"a/v1": PLACE, "odd \ud800": Place(1)})
    places.close()
    assert disk.after() == replace(PLACE, noted=1000.0)
    assert disk.after("odd \ud800").record == 1
    assert disk.after("b") == NOWHERE
    assert stat.S_IMODE(disk.path.stat().st_mode) == 0o600
    assert b"a/v1" not in disk.path.read_bytes()


def test_it_is_there_after_a_kill(disk: Disk, tmp_path: Path) -> None:
    """Nothing was closed: what was noted stands in the files."""
    disk.open().note({"a/v1": PLACE})
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in disk.path.parent.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert Disk(copy / disk.path.name).after().record == 7


def test_a_log_of_which_nothing_was_sent_for_long_is_forgotten(disk: Disk) -> None:
    """So that the file does not grow for ever."""
    places = disk.open()
    places.note({"a/v1": PLACE})
    places.close()
    disk.now += FORGET_SECONDS + 1
    assert disk.after() == NOWHERE


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: _execute(path, "PRAGMA user_version = 99"),
        lambda path: _execute(path, "PRAGMA application_id = 7"),
        lambda path: _execute(path, "UPDATE places SET digests = 'x'"),
        lambda path: _execute(path, "UPDATE places SET digests = '[1]'"),
        lambda path: _execute(path, "UPDATE places SET record = 'seven'"),
        lambda path: _execute(path, "UPDATE places SET under_way = '[[1,\"x\"]]'"),
        lambda path: _execute(path, "UPDATE places SET noted = NULL"),
    ],
)
def test_what_cannot_be_understood_is_thrown_away(disk: Disk, damage: object) -> None:
    """And the next place is kept."""
    places = disk.open()
    places.note({"a/v1": PLACE})
    places.close()
    assert callable(damage)
    damage(disk.path)
    places = disk.open()
    assert places.is_kept
    assert places.place_of("a/v1") == NOWHERE
    places.note({"a/v1": PLACE})
    places.close()
    assert disk.after().record == 7


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_second_program_keeps_nothing_and_says_so(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    """The first one goes on; who has no file tries again in a while."""
    first = disk.open()
    first.note({"a/v1": PLACE})
    second = disk.open()
    assert not second.is_kept
    assert "another --state-dir" in caplog.text
    first.close()
    second.note({"b": PLACE})
    assert not second.is_kept
    disk.now += 61
    second.note({"b": PLACE})
    second.close()
    assert disk.after("b").record == 7


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    """The folder is a file; or there is none at all."""
    (tmp_path / "state").write_text("")
    for path in (tmp_path / "state" / "history.sqlite", None):
        places = PlaceFile(path, lambda: 0.0)
        places.note({"a": PLACE})
        assert not places.is_kept
        assert places.place_of("a") == NOWHERE
