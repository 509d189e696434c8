"""From folders to run logs: what is found, what is left out and why, and what the runs are called."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.ingest import borders, holdings, walk
from llmtrain_exporter.ingest.dialect import Role
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.discover import Found, Scan, SearchOptions, discover
from llmtrain_exporter.ingest.readable import explain
from llmtrain_exporter.ingest.recognise import SNIFFED, sniff
from llmtrain_exporter.ingest.run_names import labels

DIALECTS = registered()
NOW = 1_800_000_000.0
DAY = 86400.0
SWIFT = '{"loss": 1.5, "global_step/max_steps": "1/10"}\n'
LLAMAFACTORY = '{"current_steps": 5, "total_steps": 60, "loss": 5.6}\n'
STATE = '{\n  "best_metric": null,\n  "epoch": 1.0,\n  "log_history": [\n  ]\n}\n'
PRINTED = "Loading checkpoint\n{'loss': '5.647', 'epoch': '0.96'}\n"

OPTIONS = SearchOptions()
PRINTED_TOO = replace(OPTIONS, stdout_log=("*.log",))


UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u2065\ufeff\ufff9\ufffa\ufffb"
"""Characters of no width."""


def put(path: Path, text: str = SWIFT, age: float = 0.0) -> Path:
    """A file in its folder, written so many seconds before NOW."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (NOW - age, NOW - age))
    return path


def scan(*roots: Path | str, options: SearchOptions = OPTIONS) -> Scan:
    return discover([str(root) for root in roots], options, NOW)


def sniffed(path: Path) -> str:
    """The dialect of a file by its content."""
    return sniff(str(path), tuple(DIALECTS.values())).name


def runs(scan: Scan) -> dict[str, str]:
    """Run to file."""
    return {found.run: found.path for found in scan.found}


def only(scan: Scan) -> Found:
    (found,) = scan.found
    return found


# --- what is found


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("logging.jsonl", "swift"),
        ("trainer_log.jsonl", "llamafactory"),
        ("trainer_state.json", "trainer_state"),
    ],
)
def test_a_log_is_known_by_its_name(tmp_path: Path, name: str, dialect: str) -> None:
    """Each producer has its file name; the folder that holds it is the run."""
    log = put(tmp_path / "qwen-vl" / "v107-20251126-022444" / name, "{}\n", age=5.0)
    state = log.stat()
    assert scan(tmp_path) == Scan(
        found=(
            Found(
                path=str(log),
                run="qwen-vl/v107-20251126-022444",
                dialect=DIALECTS[dialect],
                modified=NOW - 5.0,
                size=3,
                identity=(state.st_dev, state.st_ino),
                extra=(),
            ),
        ),
        left_out={},
        errors={},
    )


def test_other_files_are_no_logs(tmp_path: Path) -> None:
    """Nothing but the names asked for is looked at."""
    for name in ("args.json", "completions.jsonl", "x_logging.jsonl", "logging.jsonl.1", "train.txt"):
        put(tmp_path / name)
    assert scan(tmp_path) == Scan((), {}, {})


def test_a_pattern_finds_printed_logs(tmp_path: Path) -> None:
    """Each printed log is a run of its own, called after its path without the last suffix."""
    put(tmp_path / "a" / "sft.log", PRINTED)
    put(tmp_path / "a" / "dpo.v2.log", PRINTED)
    put(tmp_path / "nohup.out", PRINTED)
    options = replace(OPTIONS, stdout_log=("*.log", "nohup.out"))
    found = scan(tmp_path, options=options).found
    assert [(run.run, run.dialect.name) for run in found] == [
        ("a/dpo.v2", "printed"),
        ("a/sft", "printed"),
        ("nohup", "printed"),
    ]


def test_an_exact_name_goes_before_a_pattern(tmp_path: Path) -> None:
    """A pattern that fits everything does not turn known logs into printed ones."""
    put(tmp_path / "a" / "logging.jsonl")
    put(tmp_path / "b" / "out.txt", PRINTED)
    options = replace(OPTIONS, stdout_log=("*",))
    found = scan(tmp_path, options=options).found
    assert [(run.run, run.dialect.name) for run in found] == [("a", "swift"), ("b/out", "printed")]


def test_rotated_siblings_are_left_alone(tmp_path: Path) -> None:
    """Old parts of a log and packed logs are no runs, however generous the pattern."""
    for name in ("train.log", "train.log.1", "train.log.2.gz", "train.log.zst"):
        put(tmp_path / name, PRINTED)
    options = replace(OPTIONS, stdout_log=("train.log*",))
    result = scan(tmp_path, options=options)
    assert runs(result) == {"train": str(tmp_path / "train.log")}
    assert result.left_out == {"rotated": 3}


# --- several logs in one folder


def test_the_log_written_last_is_the_live_one(tmp_path: Path) -> None:
    """Of two logs of one run the newer is read; the other is named beside it."""
    put(tmp_path / "a" / "logging.jsonl", age=100.0)
    newer = put(tmp_path / "a" / "trainer_log.jsonl", LLAMAFACTORY, age=50.0)
    put(tmp_path / "a" / "trainer_state.json", STATE)
    found = only(scan(tmp_path))
    assert (found.path, found.dialect.name, found.run) == (str(newer), "llamafactory", "a")
    assert found.extra == (str(tmp_path / "a" / "logging.jsonl"), str(tmp_path / "a" / "trainer_state.json"))


def test_of_two_logs_of_the_same_time_the_order_of_names_decides(tmp_path: Path) -> None:
    """The answer is the same at every scan."""
    put(tmp_path / "logging.jsonl")
    put(tmp_path / "trainer_log.jsonl", LLAMAFACTORY)
    assert only(scan(tmp_path)).dialect.name == "swift"


def test_a_state_file_is_a_run_only_when_alone(tmp_path: Path) -> None:
    """It is written now and then, so a live log goes before it even when that is older."""
    put(tmp_path / "a" / "trainer_log.jsonl", LLAMAFACTORY, age=500.0)
    put(tmp_path / "a" / "trainer_state.json", STATE)
    put(tmp_path / "b" / "trainer_state.json", STATE)
    found = [(run.dialect.name, len(run.extra)) for run in scan(tmp_path).found]
    assert found == [("llamafactory", 1), ("trainer_state", 0)]


@pytest.mark.parametrize("name", ["logging.jsonl", "trainer_log.jsonl", "trainer_state.json"])
def test_a_printed_log_beside_another_log_is_covered(tmp_path: Path, name: str) -> None:
    """The same run is not told twice: the log that the trainer wrote as data says it better."""
    put(tmp_path / "a" / name, "{}\n")
    put(tmp_path / "a" / "train.log", PRINTED)
    put(tmp_path / "a" / "deeper" / "train.log", PRINTED)
    result = scan(tmp_path, options=PRINTED_TOO)
    assert list(runs(result)) == ["a", "a/deeper/train"]
    assert result.left_out == {"covered": 1}


def test_a_printed_log_beside_the_folder_of_its_run_is_covered(tmp_path: Path) -> None:
    """run1.log is what the run in run1/ printed; one that was named by hand stays, under another name."""
    put(tmp_path / "run1" / "logging.jsonl")
    log = put(tmp_path / "run1.log", PRINTED)
    put(tmp_path / "run2.log", PRINTED)
    put(tmp_path / "run2" / "notes.txt")
    result = scan(tmp_path, options=PRINTED_TOO)
    assert list(runs(result)) == ["run1", "run2"]
    assert result.left_out == {"covered": 1}
    assert len(scan(tmp_path / "run1", log, options=PRINTED_TOO).found) == 2


def test_a_log_that_is_left_out_covers_nothing(tmp_path: Path) -> None:
    """A printed log that is being written is not hidden by what an earlier run left in its folder."""
    put(tmp_path / "logging.jsonl", age=30 * DAY)
    put(tmp_path / "train.log", PRINTED)
    result = scan(tmp_path, options=PRINTED_TOO)
    assert only(result).dialect.name == "printed"
    assert result.left_out == {"too_old": 1}


# --- what is left out


def test_runs_that_ended_long_ago_leave(tmp_path: Path) -> None:
    """The limit is on the time of the last write; without a limit all stay."""
    put(tmp_path / "old" / "logging.jsonl", age=7 * DAY + 1)
    put(tmp_path / "new" / "logging.jsonl", age=7 * DAY - 1)
    result = scan(tmp_path)
    assert (list(runs(result)), result.left_out) == (["new"], {"too_old": 1})
    for limit in (None, float("inf")):
        result = scan(tmp_path, options=replace(OPTIONS, ignore_older=limit))
        assert (list(runs(result)), result.left_out) == (["new", "old"], {})


def test_an_old_file_leaves_though_it_was_named(tmp_path: Path) -> None:
    """The limit holds for files as for folders."""
    result = scan(put(tmp_path / "logging.jsonl", age=8 * DAY))
    assert result == Scan((), {"too_old": 1}, {})


def test_checkpoints_and_working_folders_are_not_entered(tmp_path: Path) -> None:
    """A checkpoint holds a copy of the state of its run, which is no run."""
    put(tmp_path / "logging.jsonl")
    for name in ("checkpoint-10", "checkpoint-20", ".git", ".hidden", *holdings.SKIPPED_FOLDERS):
        put(tmp_path / name / "trainer_state.json", STATE)
    result = scan(tmp_path)
    assert len(result.found) == 1
    assert result.left_out == {"checkpoint": 2, "skipped_folder": 6}


@pytest.mark.parametrize("name", ["checkpoint-10", "runs", ".hidden"])
def test_a_folder_that_is_named_is_entered_whatever_its_name(tmp_path: Path, name: str) -> None:
    """Whoever names a folder means it."""
    put(tmp_path / name / "trainer_state.json", STATE)
    assert only(scan(tmp_path / name)).run == name


def test_the_walk_has_a_depth(tmp_path: Path) -> None:
    """Folders below the depth are counted, not entered."""
    put(tmp_path / "1" / "2" / "logging.jsonl")
    put(tmp_path / "1" / "2" / "3" / "logging.jsonl")
    result = scan(tmp_path, options=replace(OPTIONS, max_depth=2))
    assert (list(runs(result)), result.left_out) == (["1/2"], {"too_deep": 1})


def make_folder(path: Path) -> None:
    path.mkdir()


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # relative, since the path of a socket must be short


@pytest.mark.parametrize("make", [os.mkfifo, make_folder, make_socket])
def test_what_is_no_file_is_counted_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    """A pipe, a folder or a socket under the name of a log is no log."""
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "logging.jsonl")
    assert scan(tmp_path) == Scan((), {"not_a_file": 1}, {})


def test_a_folder_that_cannot_be_read_is_an_error_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, and its path says what is wrong."""
    put(tmp_path / "a" / "logging.jsonl")
    locked = put(tmp_path / "b" / "logging.jsonl").parent
    scandir = os.scandir

    def refused(path: str) -> object:
        if path == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    result = scan(tmp_path)
    assert list(runs(result)) == ["a"]
    assert result.left_out == {"unreadable": 1}
    assert result.errors == {str(locked): explain(PermissionError(13, "Permission denied"))}


def test_a_link_to_nowhere_is_unreadable(tmp_path: Path) -> None:
    """A log that is gone behind its link is told, for somebody expects it."""
    link = tmp_path / "logging.jsonl"
    link.symlink_to(tmp_path / "gone")
    result = scan(tmp_path)
    assert (result.found, result.left_out) == ((), {"unreadable": 1})
    assert "No such file" in result.errors[str(link)]


# --- links and overlapping roots


def test_a_link_to_a_folder_in_which_all_lies_is_not_entered(tmp_path: Path) -> None:
    """As the `root -> /` of a container: the whole machine is not what somebody watches."""
    put(tmp_path / "here" / "a" / "logging.jsonl")
    put(tmp_path / "others" / "logging.jsonl")
    (tmp_path / "here" / "root").symlink_to("/")
    (tmp_path / "here" / "up").symlink_to("..")
    result = scan(tmp_path / "here")
    assert (list(runs(result)), result.left_out) == (["a"], {"leads_up": 2})


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no such system")
def test_what_the_kernel_shows_of_itself_is_entered_by_no_link(tmp_path: Path) -> None:
    put(tmp_path / "a" / "logging.jsonl")
    (tmp_path / "proc").symlink_to("/proc")
    result = scan(tmp_path)
    assert (list(runs(result)), result.left_out) == (["a"], {"system_folder": 1})


def test_links_lead_to_so_many_folders_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not reached by a link is not counted among them."""
    monkeypatch.setattr(borders, "MOST_BY_LINKS", 3)
    for number in range(5):
        put(tmp_path / "here" / str(number) / "logging.jsonl")
        put(tmp_path / "there" / str(number) / "logging.jsonl")
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there")
    result = scan(tmp_path / "here")
    assert (len(result.found), result.left_out) == (7, {"too_many_by_links": 3})


def test_loops_of_links_are_harmless(tmp_path: Path) -> None:
    """Each folder is visited once, and a link to itself is an error of its own."""
    put(tmp_path / "a" / "logging.jsonl")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    result = scan(tmp_path)
    assert list(runs(result)) == ["a"]
    assert result.left_out == {"unreadable": 1}


def test_a_run_is_called_after_the_place_where_it_lies(tmp_path: Path) -> None:
    """A link to the latest run gives neither a second run nor the first one's name, whatever sorts first."""
    put(tmp_path / "v1" / "logging.jsonl")
    (tmp_path / "latest").symlink_to(tmp_path / "v1")
    assert list(runs(scan(tmp_path))) == ["v1"]


def test_a_linked_file_counts_once(tmp_path: Path) -> None:
    """Two names of one file are one run, called after the file and not after the link."""
    log = put(tmp_path / "z" / "logging.jsonl")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "logging.jsonl").symlink_to(log)
    result = scan(tmp_path)
    assert runs(result) == {"z": str(log)}
    assert result.left_out == {"duplicate": 1}


def test_links_lead_out_of_the_root(tmp_path: Path) -> None:
    """A folder of links to runs elsewhere is a way to choose them."""
    put(tmp_path / "elsewhere" / "logging.jsonl")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "mine").symlink_to(tmp_path / "elsewhere")
    assert list(runs(scan(tmp_path / "root"))) == ["mine"]


def test_links_are_not_followed_where_that_is_not_wanted(tmp_path: Path) -> None:
    """Neither to folders nor to files; a root may be a link all the same."""
    log = put(tmp_path / "elsewhere" / "logging.jsonl")
    root = tmp_path / "root"
    put(root / "own" / "logging.jsonl")
    (root / "folder").symlink_to(log.parent)
    (root / "logging.jsonl").symlink_to(log)
    (tmp_path / "link").symlink_to(root)
    options = replace(OPTIONS, follow_links=False)
    assert list(runs(scan(root, options=options))) == ["own"]
    assert list(runs(scan(tmp_path / "link", options=options))) == ["own"]


@pytest.mark.parametrize("inner_first", [False, True])
def test_overlapping_roots_find_each_run_once(tmp_path: Path, inner_first: bool) -> None:
    """A root below another keeps its own name, in whatever order they are given."""
    put(tmp_path / "all" / "a" / "logging.jsonl")
    put(tmp_path / "all" / "mine" / "b" / "logging.jsonl")
    roots = [tmp_path / "all", tmp_path / "all" / "mine"]
    result = scan(*(reversed(roots) if inner_first else roots))
    assert list(runs(result)) == ["all/a", "mine/b"]
    assert result.left_out == {}


def test_the_same_root_twice_is_one_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spelled differently it is still the same folder, and needs no label."""
    put(tmp_path / "out" / "a" / "logging.jsonl")
    monkeypatch.chdir(tmp_path)
    assert list(runs(scan("out", "out/", tmp_path / "out", "./out/../out"))) == ["a"]


def test_a_file_and_its_folder_find_the_run_once(tmp_path: Path) -> None:
    """A root that is a file counts before the folders."""
    log = put(tmp_path / "a" / "logging.jsonl")
    result = scan(tmp_path, log)
    assert runs(result) == {"a": str(log)}
    assert result.left_out == {"duplicate": 1}


# --- roots


def test_a_missing_root_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    """It is told by its path, found when it appears, and its coming changes no other name."""
    put(tmp_path / "here" / "a" / "logging.jsonl")
    missing = tmp_path / "later"
    result = scan(tmp_path / "here", missing)
    assert list(runs(result)) == ["here/a"]
    assert list(result.errors) == [str(missing)]
    assert "no such file or folder" in result.errors[str(missing)]
    put(missing / "b" / "logging.jsonl")
    result = scan(tmp_path / "here", missing)
    assert (list(runs(result)), result.errors) == (["here/a", "later/b"], {})


def test_a_root_that_is_neither_file_nor_folder_is_an_error(tmp_path: Path) -> None:
    """The error says what stands there."""
    pipe = tmp_path / "logging.jsonl"
    os.mkfifo(pipe)
    result = scan(pipe)
    assert result.errors == {str(pipe): "is a named pipe, not a regular file"}
    assert result.left_out == {"not_a_file": 1}


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (SWIFT, "swift"),
        ("\n\n" + SWIFT, "swift"),
        ('{"loss": NaN, "grad_norm": Infinity}\n', "swift"),
        ('{"model_parameter_info": "7B", "log_history": []}\n', "swift"),
        (LLAMAFACTORY, "llamafactory"),
        (STATE, "trainer_state"),
        ('{"best_metric": null, "log_history": [{"step": 1}], "global_step": 1}', "trainer_state"),
        (PRINTED, "printed"),
        ("{'loss': 1.5, 'epoch': 0.1}\n", "printed"),
        ('[{"data": "x"}]', "printed"),
        ("[" * 5000, "printed"),
        ("\x00\xff\n", "printed"),
        ("", "printed"),
    ],
)
def test_a_file_of_any_name_is_taken_for_what_it_holds(tmp_path: Path, text: str, dialect: str) -> None:
    """Where the name says nothing, the first bytes do."""
    path = put(tmp_path / "some.txt", text)
    assert sniffed(path) == dialect
    assert only(scan(path)).dialect.name == dialect


def test_the_name_of_a_file_goes_before_what_it_holds(tmp_path: Path) -> None:
    """A log that is still empty, or that changed its schema, is what its name says."""
    assert only(scan(put(tmp_path / "trainer_log.jsonl", ""))).dialect.name == "llamafactory"


def test_only_the_first_bytes_are_looked_at(tmp_path: Path) -> None:
    """A huge file costs no more than a small one."""
    path = put(tmp_path / "big.json", STATE.replace("]", " " * (1 << 20) + "]"))
    assert sniffed(path) == "trainer_state"
    assert sniffed(put(tmp_path / "late", " " * SNIFFED + SWIFT)) == "printed"


def test_a_file_that_cannot_be_looked_into_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without a telling name must be readable to be taken."""
    path = put(tmp_path / "some.txt")

    def refused(path: str, _: object) -> str:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(walk, "sniff", refused)
    result = scan(path)
    assert (result.found, result.left_out) == ((), {"unreadable": 1})
    assert result.errors == {str(path): explain(PermissionError(13, "Permission denied"))}


def test_a_file_brings_the_other_logs_of_its_folder(tmp_path: Path) -> None:
    """Naming the live log says the same of the run as naming its folder."""
    live = put(tmp_path / "a" / "trainer_log.jsonl", LLAMAFACTORY)
    state = put(tmp_path / "a" / "trainer_state.json", STATE)
    assert only(scan(live)).extra == (str(state),)
    assert only(scan(live)) == only(scan(tmp_path / "a"))
    assert only(scan(state)).extra == ()


# --- names


def test_the_root_itself_can_be_the_run(tmp_path: Path) -> None:
    """It is called by the folder's own name."""
    put(tmp_path / "v0" / "logging.jsonl")
    assert list(runs(scan(tmp_path / "v0"))) == ["v0"]
    put(tmp_path / "v0" / "deeper" / "logging.jsonl")
    assert list(runs(scan(tmp_path / "v0"))) == ["deeper", "v0"]


def test_a_file_is_called_after_its_folder_and_a_printed_one_after_itself(tmp_path: Path) -> None:
    """A log with a fixed name says nothing by it; a printed log was named by somebody."""
    assert only(scan(put(tmp_path / "v0" / "logging.jsonl"))).run == "v0"
    assert only(scan(put(tmp_path / "v0" / "sft.log", PRINTED))).run == "sft"


def test_several_roots_get_the_shortest_labels_that_tell_them_apart(tmp_path: Path) -> None:
    """Each run's name starts with the label of its root."""
    for folder in ("alice/out", "bob/out", "carol/exp"):
        put(tmp_path / folder / "v0" / "logging.jsonl")
    put(tmp_path / "bob" / "out" / "logging.jsonl")
    result = scan(tmp_path / "alice" / "out", tmp_path / "bob" / "out", tmp_path / "carol" / "exp")
    assert list(runs(result)) == ["alice/out/v0", "bob/out", "bob/out/v0", "exp/v0"]


def test_several_files_get_labels_of_their_folders(tmp_path: Path) -> None:
    """Printed logs get labels of themselves."""
    files = [
        put(tmp_path / "a" / "v0" / "logging.jsonl"),
        put(tmp_path / "b" / "v0" / "logging.jsonl"),
        put(tmp_path / "c" / "train.log", PRINTED),
        put(tmp_path / "d" / "train.log", PRINTED),
        put(tmp_path / "d" / "dpo.log", PRINTED),
    ]
    assert list(runs(scan(*files))) == ["a/v0", "b/v0", "c/train", "d/train", "dpo"]


def test_of_names_that_collide_the_first_stays_plain(tmp_path: Path) -> None:
    """No run hides another, the first path keeps the name, and the marks stay the same."""
    logs = [put(tmp_path / name, PRINTED) for name in ("sft.log", "sft.out", "other.log")]
    options = replace(OPTIONS, stdout_log=("*.log", "*.out"))
    first, second = scan(tmp_path, options=options), scan(tmp_path, options=options)
    assert first == second
    names = {Path(path).name: run for run, path in runs(first).items()}
    assert len(first.found) == len(logs)
    assert names["other.log"] == "other"
    assert names["sft.log"] == "sft"
    assert names["sft.out"].startswith("sft~")
    assert len(names["sft.out"]) == 12


def test_a_folder_keeps_its_name_when_a_printed_log_of_that_name_appears(tmp_path: Path) -> None:
    """A folder's log goes before a printed one, whichever path is the first."""
    folder = put(tmp_path / os.fsdecode(b"a\xff") / "logging.jsonl")
    before = runs(scan(tmp_path, options=PRINTED_TOO))
    put(tmp_path / os.fsdecode(b"a\xfe.log"), PRINTED)
    after = runs(scan(tmp_path, options=PRINTED_TOO))
    assert len(after) == 2
    assert before["a\ufffd"] == after["a\ufffd"] == str(folder)


def test_a_mark_that_was_forged_does_not_make_two_runs_one(tmp_path: Path) -> None:
    """A log called like the marked name of another run keeps that name, and the other gets another mark."""
    options = replace(OPTIONS, stdout_log=("*.log", "*.out"))
    put(tmp_path / "sft.log", PRINTED)
    put(tmp_path / "sft.out", PRINTED)
    _, forged = runs(scan(tmp_path, options=options))
    put(tmp_path / f"{forged}.log", PRINTED)
    named = runs(scan(tmp_path, options=options))
    assert len(named) == 3
    assert named[forged] == str(tmp_path / f"{forged}.log")


def test_names_are_printable(tmp_path: Path) -> None:
    """Undecodable bytes, control and direction characters become U+FFFD; other scripts stay."""
    name = os.fsencode("训练 émile ") + b"\xff\n\x1b[31m" + "\u202e".encode()
    folder = os.path.join(os.fsencode(tmp_path), name)
    os.mkdir(folder)
    with open(os.path.join(folder, b"logging.jsonl"), "w") as log:
        log.write(SWIFT)
    result = scan(tmp_path, options=replace(OPTIONS, ignore_older=None))
    assert only(result).run == "训练 émile \ufffd\ufffd\ufffd[31m\ufffd"
    assert os.path.exists(only(result).path)


@pytest.mark.parametrize("hidden", UNSEEN, ids=[f"U+{ord(each):04X}" for each in UNSEEN])
def test_a_name_with_characters_of_no_width_does_not_look_like_another(tmp_path: Path, hidden: str) -> None:
    """What nobody sees is shown as U+FFFD: of two runs that look alike each has a name of its own."""
    put(tmp_path / "run" / "logging.jsonl")
    put(tmp_path / f"r{hidden}un" / "logging.jsonl")
    assert sorted(runs(scan(tmp_path))) == ["run", "r\ufffdun"]


def test_names_that_are_alike_once_printable_stay_apart(tmp_path: Path) -> None:
    """Two folders that differ in unprintable characters alone are two runs."""
    for name in (b"a\xff", b"a\xfe"):
        folder = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"logging.jsonl"), "w") as log:
            log.write(SWIFT)
    assert len(runs(scan(tmp_path, options=replace(OPTIONS, ignore_older=None)))) == 2


def test_long_names_are_cut_and_stay_apart(tmp_path: Path) -> None:
    """Beyond the limit a mark of the path stands for the rest."""
    deep = Path(*["x" * 60] * 4)
    put(tmp_path / deep / "a" / "logging.jsonl")
    put(tmp_path / deep / "b" / "logging.jsonl")
    names = list(runs(scan(tmp_path)))
    assert [len(name) for name in names] == [200, 200]
    assert all(name[:-8].endswith("x~") for name in names)


def test_a_run_at_the_very_root_has_a_name() -> None:
    """The root of the file system has no name of its own."""
    assert labels(["/"]) == ["root"]


# --- the real logs


def test_the_corpus_is_found_whole(corpus: Path) -> None:
    """Each folder with a log of data is one run, each printed log elsewhere another, under unique names."""
    result = scan(corpus, options=replace(PRINTED_TOO, ignore_older=None))
    names = {"logging.jsonl", "trainer_log.jsonl", "trainer_state.json"}
    others = ("tensorboard", "verl_file")
    files = list(corpus.rglob("*"))
    folders = {str(path.parent) for path in files if path.name in names}
    shown = [path for path in files if path.suffix == ".log" or path.name.startswith("log_1")]
    printed = {str(path) for path in shown if str(path.parent) not in folders}
    by_dialect = Counter(found.dialect.name for found in result.found)
    consoles = {run.path for run in result.found if run.dialect.role is Role.CONSOLE}
    data = [run for run in result.found if run.path not in consoles and run.dialect.name not in others]
    assert {os.path.dirname(run.path) for run in data} == folders
    alone = [*(corpus / "public" / "tfevents").iterdir(), *corpus.glob("public/negative/*/events.out.*")]
    assert by_dialect["tensorboard"] == len(alone)
    assert by_dialect["verl_file"] == 1
    assert consoles == printed
    beside = sum(by_dialect[name] for name in others)
    assert len(runs(result)) == len(result.found) == len(folders) + len(printed) + beside
    assert all(by_dialect[dialect] for dialect in ("swift", "llamafactory", "trainer_state", "printed"))
    assert result.errors == {}


def test_the_corpus_has_its_names_and_extras(corpus: Path) -> None:
    """Runs are called by their folders; the state beside a live log comes with it."""
    result = scan(corpus / "produced", options=replace(OPTIONS, ignore_older=None))
    found = {run.run: run for run in result.found}
    assert found["swift-sft/output/v0-20261120-100548"].dialect.name == "swift"
    assert found["trl-sft/out"].dialect.name == "trainer_state"
    run = found["llamafactory-sft/out"]
    assert run.dialect.name == "llamafactory"
    assert [os.path.basename(path) for path in run.extra] == ["trainer_state.json"]


def test_real_logs_are_known_by_what_they_hold(corpus: Path) -> None:
    """Looking into the file gives the dialect that its name stands for."""
    scanned = scan(corpus, options=replace(PRINTED_TOO, ignore_older=None))
    wrong = {run.run for run in scanned.found if sniffed(Path(run.path)) != run.dialect.name}
    assert [name for name in wrong if "negative" not in name] == []
