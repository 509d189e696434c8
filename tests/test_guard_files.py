"""What the guard's parts hand to each other: options in the environment, events, the file of a training."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path

import pytest
from llmtrain_exporter.guard.events import event_object
from llmtrain_exporter.guard.guard_file import guard_path, write_guard_file
from llmtrain_exporter.guard.options import VARIABLE, GuardOptions, GuardOptionsError, LiveControl
from llmtrain_exporter.ingest.guard_file import event_of, read_guard_file
from llmtrain_exporter.knowledge.guard_limits import EVENTS_KEPT
from llmtrain_exporter.model.guarded import Attempt, GuardEvent, GuardFile, SettingChange, StopReason
from llmtrain_exporter.output_file import write_anew

EVENT = GuardEvent(1.5, 7, "set", "kl 0.2", {"learning_rate": 1e-4, "setting": "learning_rate"})
FULL = GuardFile(
    "rescued",
    StopReason("kl_high", "critical", 43, "kl", 12.5),
    "Look at the reward.",
    (
        Attempt(
            1,
            25,
            "out/checkpoint-25",
            {"learning_rate": SettingChange(3e-3, 3e-4), "seed": SettingChange(None, 7)},
            18,
        ),
    ),
    (EVENT,),
)


def test_options_come_back_from_the_environment_as_they_were() -> None:
    """Every field survives the way through the variable."""
    options = GuardOptions(
        "rescue",
        "warning",
        ("kl_high", "collapse"),
        3,
        True,
        LiveControl(kl_target=0.01, beta_target=0.02, clip_at=4.0),
        5,
        1 << 20,
        2,
        40,
        0.1,
    )
    assert GuardOptions.from_env(options.to_env()) == options
    assert GuardOptions.from_env(GuardOptions().to_env()) == GuardOptions()


def test_an_environment_without_options_has_none() -> None:
    """Not set and empty are the same."""
    assert GuardOptions.from_env({}) is None
    assert GuardOptions.from_env({VARIABLE: ""}) is None


def test_what_a_newer_launcher_says_besides_is_passed_by() -> None:
    """Unknown names change nothing, known ones count."""
    assert GuardOptions.from_env({VARIABLE: '{"keep": 3, "news": 1}'}) == GuardOptions(keep=3)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"on_incident": "explode"}',
        '{"severity": "bad"}',
        '{"lang": "tlh"}',
        '{"lang": ["en"]}',
        '{"signals": "kl_high"}',
        '{"signals": [1]}',
        '{"keep": -1}',
        '{"keep": true}',
        '{"keep": "3"}',
        '{"for_records": 1.5}',
        '{"skip_bad_updates": 1}',
        '{"scale_learning_rate": 0}',
        '{"settings": [1]}',
        '{"settings": {"beta": "high"}}',
        '{"resume_from": 3}',
        '{"scale_learning_rate": NaN}',
        '{"live": 3}',
        '{"live": {"kl_target": -1}}',
        '{"live": {"factor": "x"}}',
        '{"on_incident": []}',
        '{"severity": {}}',
    ],
)
def test_options_that_cannot_be_meant_are_named(text: str) -> None:
    """The error says the variable and is no other exception than its own."""
    with pytest.raises(GuardOptionsError, match=VARIABLE):
        GuardOptions.from_env({VARIABLE: text})


def test_the_file_of_a_training_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """What one process writes another one reads, under the names of the contract."""
    path = guard_path(tmp_path)
    write_guard_file(path, FULL)
    assert read_guard_file(path) == FULL
    written = json.loads(path.read_text())
    assert written["version"] == 1
    assert written["attempts"][0]["changes"]["learning_rate"] == {"from": 3e-3, "to": 3e-4}
    assert [file.name for file in tmp_path.iterdir()] == ["llmtrain-guard.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"state": "odd"}', '{"state": []}', "[" * 100_000])
def test_a_file_that_is_none_is_read_as_none(tmp_path: Path, text: str) -> None:
    """Whatever lies there: no exception."""
    path = guard_path(tmp_path)
    assert read_guard_file(path) is None
    path.write_text(text)
    assert read_guard_file(path) is None
    assert read_guard_file(tmp_path) is None


def test_parts_of_a_file_that_are_broken_are_left_out(tmp_path: Path) -> None:
    """The rest still counts."""
    path = guard_path(tmp_path)
    odd = {
        "state": "stopped",
        "next": 3,
        "reason": {"signal": "x"},
        "attempts": [
            None,
            {"attempt": 1},
            {"attempt": 1, "from_step": 2, "checkpoint": "c", "wasted_steps": 3},
        ],
        "events": [1, {"action": "fly"}, {**event_object(EVENT), "details": {"a": [], "b": 2.0}}],
    }
    path.write_text(json.dumps(odd))
    read = read_guard_file(path)
    assert read is not None
    assert (read.state, read.next, read.reason) == ("stopped", "", None)
    assert read.attempts == (Attempt(1, 2, "c", {}, 3),)
    assert [event.details for event in read.events] == [{"b": 2.0}]


def test_a_folder_that_cannot_be_written_keeps_what_it_had(tmp_path: Path) -> None:
    """Nothing half written is left behind, and the error is the system's own."""
    path = tmp_path / "missing" / "llmtrain-guard.json"
    with pytest.raises(OSError, match="missing"):
        write_guard_file(path, FULL)
    assert list(tmp_path.iterdir()) == []


def test_a_file_takes_the_place_of_a_link_and_of_no_other_file(tmp_path: Path) -> None:
    """What the link leads to is somebody else's; the new one has the mode that is asked for."""
    mine, place = tmp_path / "mine", tmp_path / "rescue-1.yaml"
    mine.write_text("mine")
    place.symlink_to(mine)
    write_anew(place, "ours", 0o600)
    assert (mine.read_text(), place.read_text(), place.is_symlink()) == ("mine", "ours", False)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "rescue-1.yaml"]


def test_a_name_that_is_no_text_can_stand_in_the_file(tmp_path: Path) -> None:
    """Folders may have any bytes in their names."""
    attempt = Attempt(1, 5, os.fsdecode(b"/o\xff/checkpoint-5"), {}, 3)
    write_guard_file(tmp_path / "f.json", GuardFile(attempts=(attempt,)))
    read = read_guard_file(tmp_path / "f.json")
    assert read is not None
    assert read.attempts == (attempt,)


def test_events_come_back_and_odd_ones_do_not() -> None:
    """A value that is no number is none."""
    assert event_of(event_object(EVENT)) == EVENT
    assert event_of({**event_object(EVENT), "time": math.nan}) is None
    assert event_of({**event_object(EVENT), "step": True}) is None


def test_of_very_many_events_the_newest_stay() -> None:
    """The file stays small however long a training is."""
    content = GuardFile()
    for step in range(EVENTS_KEPT + 5):
        content = content.with_event(GuardEvent(0.0, step, "skip", "", {}))
    assert [content.events[0].step, len(content.events)] == [5, EVENTS_KEPT]
