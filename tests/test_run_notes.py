"""Notes about runs: a file of an operator's, shown wherever runs are, and harmless whatever is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from llmtrain_exporter.knowledge.notes_words import MOST_PATTERNS
from llmtrain_exporter.serve.run_notes import (
    LONGEST,
    NONE,
    Notes,
    NotesError,
    NotesFile,
    parsed,
)

from tests.servers import ExporterProcess, eventually
from tests.serving import RUN, Site, running
from tests.training import append, swift


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A server with a run."""
    with running(Site()) as site:
        site.fleet.publish(RUN)
        yield site


class Desk:
    """Who looks at a file, what it took of it and what it told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notes.yml"
        self.taken: list[Notes] = []
        self.told: list[Mapping[str, str]] = []
        self.file = NotesFile(self.path, self.taken.append, self.told.append)

    def look(self) -> None:
        """Once."""
        self.file.look(self.path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A file that is not there yet."""
    return Desk(tmp_path)


# What is noted.


def test_a_run_has_what_is_noted_under_its_name_and_under_patterns() -> None:
    """Its own first, then each pattern's in their order; the same text once."""
    notes = parsed(b"'qwen-*': reference\nqwen-1: |\n  bad data,\n  ask Li\n'*-1': reference\n'*2': 007\n")
    assert notes.of("qwen-1") == "bad data,\nask Li\nreference"
    assert notes.of("qwen-2") == "reference\n007"
    assert notes.of("other") == NONE.of("qwen-1") == ""


def test_a_name_may_look_like_a_pattern_or_a_number() -> None:
    """It is found as it stands; values are as they are written."""
    notes = parsed("\ufeff'run[1]': yes\n12: 2026-01-31\nnull:\n".encode())
    assert (notes.of("run[1]"), notes.of("12"), notes.of("null")) == ("yes", "2026-01-31", "")
    assert notes.of("run1") == "yes"  # the pattern that it is, too


def test_what_is_long_is_cut_and_what_steers_is_shown() -> None:
    """A list has it in each of its lines; a terminal takes no orders of it."""
    notes = parsed(f"'*': {'x' * 900}\n'r*': {'y' * 900}\nrun: \"a\\e[2J\\u202eb\"\n".encode())
    text = notes.of("run")
    assert len(text) == LONGEST
    assert text.endswith("y…")
    assert text.startswith("a\ufffd[2J\ufffdb\nxxx")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"- a", "must be a mapping from names of runs to texts, as in `my-run: bad data, ask Li`"),
        (b"just a text", "must be a mapping"),
        (b"a: fine\nb:\n  - list", "line 2: b: must be a text"),
        (b"a: {b: c}", "line 1: a: must be a text"),
        (b"a: 1\na: 2", "line 2, column 1: a: stands twice, the first time on line 1"),
        (b"a: [", "line 1, column 5"),
        (b"*/train: all", "(a name that begins with * or [ needs quotes)"),
        (b"a: &x b\nc: *x", "line 2, column 4: *x: aliases are not supported"),
        (b"a: \xff", "not UTF-8 text at byte 3"),
        (b"? [a]\n: b", "found unhashable key"),
        (b"[" * 5000, "nested deeper than 20 levels"),
        (b"a: " + b"x" * 300_000, "larger than 256 KiB"),
        (
            "".join(f"'{at}*': x\n" for at in range(MOST_PATTERNS + 1)).encode(),
            f"has more than {MOST_PATTERNS} globs",
        ),
    ],
)
def test_what_cannot_be_used_says_why(content: bytes, problem: str) -> None:
    """With the line, where there is one."""
    with pytest.raises(NotesError) as error:
        parsed(content)
    assert problem in str(error.value)


@pytest.mark.parametrize("content", [b"a: \xff", b"a: x" + b"x" * 300_000, b"a: 1\na: 2"])
def test_what_has_nothing_to_do_with_names_is_no_matter_of_quotes(content: bytes) -> None:
    """Only where a name begins so."""
    with pytest.raises(NotesError) as error:
        parsed(content)
    assert "quotes" not in str(error.value)


def test_an_empty_file_notes_nothing() -> None:
    """Nor does one of comments."""
    assert parsed(b"").of("a") == parsed(b"# none yet\n").of("a") == ""


# The file.


def test_the_file_is_read_again_when_it_changes(desk: Desk) -> None:
    """And only then; when it goes, so do the notes."""
    desk.look()
    assert desk.taken == []
    desk.path.write_text("a: first")
    for _ in range(3):
        desk.look()
    desk.path.write_text("a: second and longer")
    desk.look()
    desk.path.unlink()
    desk.look()
    assert [notes.of("a") for notes in desk.taken] == ["first", "second and longer", ""]
    assert desk.told == []


def test_a_file_that_cannot_be_used_changes_nothing_and_is_told_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it can be used again."""
    desk.path.write_text("a: kept")
    desk.look()
    desk.path.write_text("a: [broken")
    desk.look()
    desk.look()
    [problem] = desk.told[0].values()
    assert "line 1" in problem
    assert [record.getMessage() for record in caplog.records] == [
        f"{desk.path}: {problem}; the notes stay as they were"
    ]
    desk.path.write_text("a: mended, at last")
    desk.look()
    assert [notes.of("a") for notes in desk.taken] == ["kept", "mended, at last"]
    assert desk.told[1:] == [{}]


def test_what_is_no_file_is_not_waited_for(desk: Desk) -> None:
    """A named pipe, a folder, a device without an end, a link to itself."""
    os.mkfifo(desk.path)
    desk.look()
    desk.path.unlink()
    opened = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    desk.path.mkdir()
    desk.look()
    assert not opened or len(os.listdir("/proc/self/fd")) == opened
    desk.path.rmdir()
    desk.path.symlink_to("/dev/zero")
    desk.look()
    desk.path.unlink()
    desk.path.symlink_to(desk.path)
    desk.look()
    assert [*desk.told[0].values(), *desk.told[-1].values()] == [
        "is a named pipe, not a regular file",
        "Too many levels of symbolic links",
    ]
    assert desk.taken == []


# Where it is shown.


def test_a_note_is_found_in_lists_pages_and_answers(site: Site) -> None:
    """Escaped, and searched like a name; a run that comes later has its note, too."""
    site.fleet.take_notes(Notes({RUN.run: "do <b>not</b> stop\nask Li"}, {"later*": "as before"}))
    site.fleet.publish(replace(RUN, run="later-run"))
    named = {run["run"]: run["note"] for run in site.get("/api/v1/runs").json()["runs"]}
    assert named == {RUN.run: "do <b>not</b> stop\nask Li", "later-run": "as before"}
    for search, found in {"NOT li": [RUN.run], "before": ["later-run"], "nothing": []}.items():
        runs = site.get("/api/v1/list", params={"search": search}).json()["runs"]
        assert [run["run"] for run in runs] == found
        assert [run["note"] for run in runs] == [named[run] for run in found]
    assert site.get("/api/v1/run", params={"run": RUN.run}).json()["note"] == named[RUN.run]
    for path in ("/", f"/run?run={RUN.run}", "/fragment/list", f"/fragment/run?run={RUN.run}"):
        page = site.get(path).text
        assert "do &lt;b&gt;not&lt;/b&gt; stop\nask Li" in page
        assert "<b>not" not in page


def test_a_note_that_changes_is_another_answer(site: Site) -> None:
    """Whoever has the old one gets the new one."""
    for path in (
        "/api/v1/runs",
        "/api/v1/list",
        f"/api/v1/run?run={RUN.run}",
        f"/fragment/run?run={RUN.run}",
    ):
        site.fleet.take_notes(Notes({RUN.run: "old"}, {}))
        known = {"If-None-Match": site.get(path).headers["ETag"]}
        assert site.get(path, headers=known).status_code == 304
        site.fleet.take_notes(Notes({RUN.run: "new"}, {}))
        assert "new" in site.get(path, headers=known).text


def test_an_exporter_shows_the_notes_of_its_state_folder(tmp_path: Path) -> None:
    """They come, change and break while it works."""
    append(tmp_path / "logs/a/logging.jsonl", swift(1))
    notes = tmp_path / "state/notes.yml"
    notes.parent.mkdir()
    notes.write_text("a: first\n")
    with ExporterProcess(
        [tmp_path / "logs", "--scan-interval", "1s", "--state-dir", str(notes.parent)]
    ) as exporter:

        def note() -> str:
            [run] = exporter.get("/api/v1/runs").json()["runs"] or [{"note": None}]
            return str(run["note"])

        def noted(text: str) -> None:
            """At once, as editors do it: nobody finds the file empty meanwhile."""
            notes.with_name("next").write_text(text)
            notes.with_name("next").replace(notes)

        eventually(lambda: note() == "first")
        noted("a: second\n")
        eventually(lambda: note() == "second")
        noted("a: [\n")
        eventually(lambda: str(notes) in exporter.get("/").text)
        assert note() == "second"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("- a", "必须是“训练名: 备注”形式的映射，例如 `my-run: 数据有误，问小李`"),
        ("a: fine\nb:\n  - list", "第 2 行：b：备注必须是文本"),
        ("a: 1\na: 2", "第 2 行第 1 列：a：重复出现，第一次在第 1 行"),
        ("a: b: c", "第 1 行第 5 列：无法作为 YAML 读取：文本中含有冒号加空格时须加引号"),
        ("*/train: all", "第 1 行第 2 列：无法作为 YAML 读取：while scanning an alias"),
        ("*/train: all", "（以 * 或 [ 开头的训练名须加引号）"),
    ],
)
def test_the_list_says_in_chinese_what_is_wrong_with_the_notes(
    site: Site, desk: Desk, content: str, problem: str
) -> None:
    """Where, and what is expected; the library's own words are quoted behind that."""
    desk.path.write_text(content)
    desk.look()
    site.fleet.problems = desk.told[0]
    try:
        text = unescape(site.get("/?lang=zh").text)
    finally:
        site.fleet.problems = {}
    assert problem in text
