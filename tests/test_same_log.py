"""The same log is the same log: what records, counters and alerts do when another file takes its place.

The cells are those of the table in `docs/following.md`.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.analyse.run import Run
from llmtrain_exporter.watching.run_set import SCANS_MISSING

from tests.servers import ExporterProcess, eventually, series
from tests.test_watch import DAY, Loop
from tests.training import append, swift, trainer_state

TRAIN = "records_total{kind=train}"
COUNTED = ("llmtrain_incidents_total", "llmtrain_signal_records_total", "llmtrain_records_total")
LIVES = int(os.environ.get("SAME_LOG_LIVES", "10"))


def row(step: int, **more: object) -> str:
    """A row that nothing is wrong with."""
    values: dict[str, Any] = {"loss": 1.0, "grad_norm": 1.0, "text": "x" * 40, **more}
    return swift(step, **values)


def collapse(first: int, last: int, **more: object) -> list[str]:
    """Rows with one incident after two thirds, over at the end."""
    onset = first + (last - first) * 2 // 3
    broken = range(onset, onset + 5)
    return [row(step, loss=math.nan if step in broken else 1.0, **more) for step in range(first, last)]


def text_of(rows: list[str]) -> str:
    return "".join(f"{line}\n" for line in rows)


class Place:
    """A log under watch, in whose place files come; and each scrape of its counters."""

    def __init__(self, root: Path) -> None:
        self.loop = Loop(root)
        self.log = root / "run" / "logging.jsonl"
        self.scrapes: list[dict[str, float]] = []

    def write(self, rows: list[str]) -> None:
        """Append, as the trainer does."""
        append(self.log, *rows, modified=self.loop.now)

    def move_in(self, text: str, modified: float | None = None) -> None:
        """Another file comes in its place at once: `mv`, `sed -i`, rsync, an editor."""
        other = self.log.with_name("other")
        other.write_text(text)
        os.utime(other, (modified or self.loop.now,) * 2)
        other.replace(self.log)

    def write_over(self, text: str) -> None:
        """The same file gets other content: `cp`, a trainer that begins anew."""
        self.log.write_text(text)
        os.utime(self.log, (self.loop.now,) * 2)

    def wait(self, seconds: float = 8.0) -> dict[str, float]:
        """Look and scrape for so long; what is counted at the end."""
        for _ in range(max(1, round(seconds))):
            self.loop.pass_time(1.0)
            self.scrapes.append(counted(self.loop.values()))
        return self.scrapes[-1]

    def counts(self) -> tuple[float | None, float | None]:
        """Incidents and training records."""
        return self.loop.value("run", "incidents_total"), self.loop.value("run", TRAIN)

    def increases(self) -> list[str]:
        """What Prometheus takes for growth; a fall is growth from zero to it."""
        return [
            f"{name}: {earlier[name]} -> {later[name]}"
            for earlier, later in pairwise(self.scrapes)
            for name in earlier
            if name in later and later[name] != earlier[name]
        ]


def counted(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name.startswith(COUNTED)}


OLD = collapse(1, 127)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A log with an incident that is long over, seen live."""
    place = Place(tmp_path)
    place.write(OLD)
    place.loop.scan()
    place.wait(1.0)
    assert place.counts() == (1, 126)
    return place


Put = Callable[[Place, str], None]
PUTS: dict[str, Put] = {"another inode": Place.move_in, "the same inode": Place.write_over}


@pytest.fixture(params=PUTS)
def put(request: pytest.FixtureRequest) -> Put:
    """How something comes in the place of the log."""
    return PUTS[request.param]


# The beginning is the same


def test_a_longer_copy_adds_what_it_has_more(place: Place, put: Put) -> None:
    """Nine times over: no record twice, no incident again, no zero shown."""
    rows = list(OLD)
    for step in range(127, 136):
        rows.append(row(step))
        put(place, text_of(rows))
        place.wait()
    assert place.counts() == (1, 135)
    assert {change.partition("{")[0] for change in place.increases()} == {"llmtrain_records_total"}
    assert place.loop.value("run", "step") == 135


def test_an_equal_copy_changes_nothing(place: Place, put: Put) -> None:
    """Whatever its time says."""
    put(place, text_of(OLD))
    place.wait()
    assert (place.counts(), place.increases()) == ((1, 126), [])


def test_a_shorter_copy_takes_nothing_back_and_adds_nothing(place: Place, put: Put) -> None:
    """An older copy is what the log is then; what was counted stays counted."""
    put(place, text_of(OLD[:100]))
    place.wait()
    assert (place.counts(), place.increases(), place.loop.value("run", "step")) == ((1, 126), [], 100)


def test_a_copy_on_its_way_is_the_same_log(place: Place, put: Put) -> None:
    """Empty at first, then with half a line, then whole."""
    whole = text_of([*OLD, row(127)])
    for size in (0, 0, 10, 2000, 9000):
        put(place, whole[:size])
        place.loop.look(0.5)
    put(place, whole)
    place.wait()
    assert place.counts() == (1, 127)


# The beginning is another one


@pytest.mark.parametrize("last", [60, 127, 300])
def test_the_past_of_another_log_raises_nothing(place: Place, put: Put, last: int) -> None:
    """Shorter, as long or longer, with an incident of its own; its growth is news."""
    other = collapse(1, last, text="y" * 40)
    put(place, text_of(other))
    place.wait()
    assert (place.counts(), place.increases()) == ((1, 126), [])
    assert place.loop.value("run", "step") == last - 1
    place.write(collapse(last, last + 60))
    place.wait()
    assert place.counts() == (2, 126 + 60)


def test_an_edited_copy_raises_nothing(place: Place, put: Put) -> None:
    """`sed -i`: the incident stands in it again, or another one."""
    put(place, text_of([line.replace('"loss": 1.0', '"loss": 1.5') for line in OLD]))
    place.wait()
    assert (place.counts(), place.increases()) == ((1, 126), [])


def test_a_run_that_begins_anew_is_news(place: Place, put: Put) -> None:
    """Few records, whose steps begin anew, then growth: all of it counts."""
    put(place, text_of([row(1, text="z"), row(2, text="z")]))
    place.wait()
    place.write(collapse(3, 60))
    place.wait()
    assert place.counts() == (2, 126 + 59)
    assert place.loop.value("run", "step") == 59


def test_a_run_that_begins_in_the_same_words_is_news(place: Place, put: Put) -> None:
    """A training that repeats the other to the byte is told by its growth."""
    put(place, text_of(OLD[:2]))
    place.wait()
    place.write(OLD[2:])
    place.wait()
    assert place.counts() == (2, 126 + 126)


def test_a_symbolic_link_that_is_switched_raises_nothing(place: Place) -> None:
    """The collapse that the link names now was there before; what it gets from now on is news."""
    old = place.log.rename(place.log.with_name("old"))
    other = append(place.log.with_name("other"), *collapse(1, 90, text="y" * 40), modified=place.loop.now)
    place.log.symlink_to(old)
    place.wait()
    place.log.unlink()
    place.log.symlink_to(other)
    place.wait()
    assert (place.counts(), place.increases()) == ((1, 126), [])
    place.write(collapse(90, 150))
    place.wait()
    assert place.counts() == (2, 186)


# Found, not seen live


def test_a_run_that_was_missing_goes_on(place: Place) -> None:
    """Longer than it takes to let it go; it is not shown at zero when it comes back."""
    away = place.log.rename(place.log.with_name("away"))
    place.loop.scan(SCANS_MISSING + 1)
    assert place.loop.runs == []
    away.rename(place.log)
    place.write([row(127)])
    place.loop.scan()
    assert [place.counts() for _ in range(3)] == [(1, 127)] * 3


def test_a_run_that_could_not_be_analysed_leaves_and_comes_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is kept, and nobody else is disturbed."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(Run, "fold", fail)
        broken.setattr(Run, "counters", fail)
        place.write([row(127)])
        place.wait(1.0)
        away = place.log.rename(place.log.with_name("away"))
        place.loop.scan(SCANS_MISSING)
    away.rename(place.log)
    place.loop.scan()
    assert place.loop.value("run", TRAIN) in (0, 127)


def test_another_log_where_one_was_missing_raises_nothing(place: Place) -> None:
    """What it has when it is found is history."""
    place.log.unlink()
    place.loop.scan(SCANS_MISSING + 1)
    place.write(collapse(1, 90, text="y" * 40))
    place.loop.scan()
    assert [place.counts() for _ in range(3)] == [(1, 126)] * 3


def test_a_clock_that_jumps_makes_nothing_new(place: Place) -> None:
    """Eight days ahead and back: all logs are too old for a while."""
    place.loop.now += 8 * DAY
    place.loop.scan(SCANS_MISSING + 1)
    assert place.loop.runs == []
    place.loop.now -= 8 * DAY + 60
    os.utime(place.log, (place.loop.now,) * 2)
    place.loop.scan()
    assert [place.counts() for _ in range(3)] == [(1, 126)] * 3


@pytest.mark.parametrize("grown", [0, 1])
def test_a_run_that_sleeps_is_known_in_its_copy(tmp_path: Path, grown: int) -> None:
    """What is over holds no file, and yet its copy is the same log."""
    place = Place(tmp_path)
    rows = collapse(1, 127, planned=126)
    place.write(rows)
    place.loop.scan()
    place.wait(70)
    place.move_in(text_of([*rows, *(row(step) for step in range(127, 127 + grown))]))
    place.wait()
    assert place.counts() == (1, 126 + grown)


def test_a_sleeping_run_whose_place_another_log_takes_raises_nothing(tmp_path: Path) -> None:
    """The link of a finished run is switched to an old collapse."""
    place = Place(tmp_path)
    place.write(collapse(1, 127, planned=126))
    place.loop.scan()
    place.wait(70)
    place.move_in(text_of(collapse(1, 90, text="y" * 40)))
    place.wait()
    assert (place.counts(), place.loop.value("run", "step")) == ((1, 126), 89)


def test_a_copied_folder_is_no_newborn(place: Place) -> None:
    """A long log that appears all at once was not written while others were watched: no zero is shown."""
    append(place.loop.root / "copy/logging.jsonl", *collapse(1, 900), modified=place.loop.now)
    place.loop.scan()
    assert [place.loop.value("copy", "incidents_total") for _ in range(3)] == [1] * 3


def test_a_document_that_is_renamed_into_its_place_is_known_by_its_rows(tmp_path: Path) -> None:
    """trainer_state.json is another file with each checkpoint."""
    loop = Loop(tmp_path)
    path = append(tmp_path / "run/trainer_state.json", trainer_state(range(1, 51)), modified=loop.now)
    loop.scan()
    for last in (60, 60, 70):
        other = path.with_name("other")
        other.write_text(trainer_state(range(1, last + 1)))
        os.utime(other, (loop.now,) * 2)
        other.replace(path)
        loop.pass_time(5)
        assert loop.value("run", TRAIN) == last


# Any order of all that


class Life:
    """A log, what happens to it, and how many incidents and records there were to be counted."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.place = Place(root)
        self.letters = iter("abcdefghijklmnopqrstuvwxyz" * 20)
        self.rows = collapse(1, 61)
        self.step = 61
        self.place.write(self.rows)
        self.place.loop.scan()
        self.expected = self.place.counts()

    def grow(self) -> None:
        """The trainer goes on, sometimes into another incident."""
        many = self.random.choice([1, 3, 60])
        last = self.step + many
        more = collapse(self.step, last) if many == 60 else [row(step) for step in range(self.step, last)]
        self.place.write(more)
        self.rows += more
        self.step += many
        incidents, records = self.expected
        self.expected = (incidents or 0) + (many == 60), (records or 0) + many

    def copy(self) -> None:
        """The same in another file, or in the same one."""
        self.random.choice(list(PUTS.values()))(self.place, text_of(self.rows))

    def older(self) -> None:
        self.rows = self.rows[: self.random.randint(6, len(self.rows))]
        self.step = 1 + len(self.rows) if len(self.rows) < self.step - 1 else self.step
        self.random.choice(list(PUTS.values()))(self.place, text_of(self.rows))

    def other(self) -> None:
        last = self.random.choice([40, 200])
        self.rows, self.step = collapse(1, last, text=next(self.letters) * 40), last
        self.random.choice(list(PUTS.values()))(self.place, text_of(self.rows))

    def miss(self) -> None:
        """Away for longer than it takes to let it go."""
        away = self.place.log.rename(self.place.log.with_name("away"))
        self.place.loop.scan(SCANS_MISSING + 1)
        away.rename(self.place.log)
        self.place.loop.scan()

    def act(self) -> None:
        self.random.choice([self.grow, self.grow, self.copy, self.copy, self.older, self.other, self.miss])()
        self.place.wait(10)


@pytest.mark.parametrize("seed", range(LIVES))
def test_counters_tell_what_was_seen_to_grow_and_nothing_else(tmp_path: Path, seed: int) -> None:
    """In any order of growth, copies, older copies, other logs and absences."""
    life = Life(tmp_path, seed)
    for _ in range(life.random.randint(1, 8)):
        life.act()
        assert life.place.counts() == life.expected


# The program itself


WAYS = {
    "mv": "cp -p logging.jsonl t; cat more >> t; mv t logging.jsonl",
    "sed": "cat more >> logging.jsonl; sed -i 's/nothing/something/' logging.jsonl",
    "rsync": "cp logging.jsonl .l; cat more >> .l; touch -r logging.jsonl .l; mv .l logging.jsonl",
    "cp": "cp logging.jsonl t; cat more >> t; cp t logging.jsonl; rm t",
}


@pytest.mark.skipif(sys.platform != "linux", reason="sed -i is GNU's")
def test_a_log_replaced_nine_times_counts_as_one_reading(tmp_path: Path) -> None:
    """Incidents and signals as of one reading of what stands there at the end, and no zero in between."""
    logs = {how: append(tmp_path / how / "logging.jsonl", *OLD) for how in WAYS}
    with ExporterProcess([tmp_path, "--scan-interval", "1s"]) as exporter:
        eventually(lambda: steps(exporter.metrics()) == dict.fromkeys(WAYS, 126))
        scrapes = [exporter.metrics()]
        for last in range(127, 136):
            for how, log in logs.items():
                (log.parent / "more").write_text(f"{row(last)}\n")
                subprocess.run(["sh", "-ec", WAYS[how]], cwd=log.parent, check=True)
            eventually(partial(scraped, exporter, scrapes, last))
    before, after = counted(scrapes[0]), counted(scrapes[-1])
    grown = {name: after[name] - value for name, value in before.items() if after[name] != value}
    assert grown == {series("llmtrain_records_total", {"run": how, "kind": "train"}): 9 for how in WAYS}
    assert before.keys() == after.keys()
    assert all(scrape[name] >= value for scrape in scrapes for name, value in before.items())


def scraped(exporter: ExporterProcess, scrapes: list[dict[str, float]], last: int) -> bool:
    """Scrape once more; whether all logs were read up to a step."""
    scrapes.append(exporter.metrics())
    return steps(scrapes[-1]) == dict.fromkeys(WAYS, last)


def steps(values: Mapping[str, float]) -> dict[str, float | None]:
    """The step of each run in a scrape."""
    return {how: values.get(series("llmtrain_step", {"run": how})) for how in WAYS}
