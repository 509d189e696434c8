"""What is said where no row of a training was found: what a file is, and what has the rows instead."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.ingest import survey
from llmtrain_exporter.ingest.unread_rows import LOOKED_AT, unread_rows
from llmtrain_exporter.knowledge.finding_words import NO_LOG_WHAT_TO_DO, ROWS_ARE_ELSEWHERE, WATCH_WAITS
from llmtrain_exporter.knowledge.no_run import UnreadRows

from tests.conftest import ROOT
from tests.training import append, llamafactory, printed, swift, trainer_state

SHOWN = {
    UnreadRows.AREAL: "INFO: Epoch 1/5 Step 41/100 Train step 41/500 done.\nStats:\n│ a/avg │ 5.3e-01 │",
    UnreadRows.NEMO_RL: "=============== Step 41/500 ====\n  • Loss: 0.0021\n  • Avg Reward: 0.5300",
    UnreadRows.PRIME_RL: "10:00:01 \x1b[32mSUCCESS\x1b[0m Step 41 |   1m 4s | Loss 0.0021 | Entropy 0.3100",
    UnreadRows.LITGPT: "epoch,iter,iter_time,learning_rate,loss,step\n0,1,0.2,1e-05,2.99,1",
    UnreadRows.BARS: "Train step:  10%|█   | 10/100 [00:01<00:09,  9.80it/s, gpt_loss=0.51, lr=1e-5]\r",
}

Told = Callable[..., str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """What a command prints, on one line; paths with blanks are one word each."""

    def run(*arguments: str | Path, code: int = 3) -> str:
        assert run_cli(commands, [*map(str, arguments)]) == code
        return " ".join(capsys.readouterr().out.split())

    return run


# --- a tracker's store without a run


def test_a_named_database_without_a_run_says_so(tmp_path: Path, told: Told) -> None:
    """Of another program, empty, or none at all: which formats were tried, and what to do."""
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE metrics (id INTEGER)")
    other.close()
    (tmp_path / "mlflow.db").write_bytes(b"\1\0\2" * 1000)
    for name in ("other.db", "mlflow.db"):
        text = told("check", tmp_path / name)
        assert "no run: no training record in it Read as mlflow" in text
        assert "No run of a tracker stands in it" in text
        assert "No run of a tracker stands in it" in told("config", "--explain", tmp_path / name)
        assert "其中没有跟踪工具的训练" in told("check", tmp_path / name, "--lang", "zh")
    (tmp_path / "empty.db").touch()
    assert "empty.db: no run: empty" in told("check", tmp_path / "empty.db")


def test_a_meta_yaml_of_another_program_says_so(tmp_path: Path, told: Told) -> None:
    """With its first lines."""
    text = told("check", append(tmp_path / "meta.yaml", "package: x"))
    assert "It begins with: package: x No run of a tracker stands in it" in text


def test_it_is_told_beside_runs(tmp_path: Path, told: Told) -> None:
    """Somebody has named it; a store beside what was named is not told."""
    log = append(tmp_path / "out" / "logging.jsonl", *map(swift, range(1, 9)))
    store = append(tmp_path / "out" / "thumbs.db", "none")
    assert f"{store}: no run" in told("check", log, store)
    assert "thumbs.db" not in told("check", log.parent, code=0)
    assert run_cli(commands, ["check", str(store), "--format", "json"]) == 3


def test_a_tracker_without_a_row_is_not_told_to_be_no_text(tmp_path: Path, told: Told) -> None:
    """Its writer holds rows back."""
    head = bytes.fromhex("18000000000000000000000009") + b"\0" * 8 + b"\x1a\x0dbrain.Event:2"
    events = tmp_path / "runs" / "events.out.tfevents.1.host"
    events.parent.mkdir()
    events.write_bytes(head)
    assert "It has no row of a training yet" in told("check", events)
    assert "It has no row of a training yet" in told("check", append(tmp_path / "run-a.wandb"))


# --- rows that are not read


@pytest.mark.parametrize("rows", UnreadRows)
def test_rows_that_are_not_read_are_known(rows: UnreadRows, tmp_path: Path, told: Told) -> None:
    """By what a trainer prints, wherever it stands in its log; and what has them is named."""
    path = append(tmp_path / "a" / "train.log", SHOWN[rows])
    assert unread_rows(str(path)) is rows
    wanted = ROWS_ARE_ELSEWHERE[rows]
    assert f"A training stands in it: {wanted.en}." in told("check", path)
    assert wanted.zh.replace(" ", "") in told("check", path, "--lang", "zh").replace(" ", "")
    assert f"train.log: {wanted.en}" in told("check", path.parent)
    if rows is not UnreadRows.LITGPT:
        late = append(tmp_path / "b" / "train.log", *["Loading the model"] * LOOKED_AT, SHOWN[rows])
        assert unread_rows(str(late)) is rows


@pytest.mark.parametrize("text", ["Loading", "Step 3 | begins", "10%|█ | 1/9 [00:01<00:09]", "a,b\n1,2", ""])
def test_other_texts_show_no_training(text: str, tmp_path: Path) -> None:
    """A bar alone, or a table of anything."""
    assert unread_rows(str(append(tmp_path / "x.log", text))) is None


def test_hostile_texts_are_looked_through_in_a_moment(tmp_path: Path) -> None:
    """Whatever they repeat."""
    for piece in ("1%|", "1%| | loss", "Step 1 |", "a,", "loss", "Epoch 1/1 Step 1/1 ", "• Loss: "):
        path = append(tmp_path / "x.log", piece * 20_000)
        began = time.process_time()
        unread_rows(str(path))
        assert time.process_time() - began < 2.0


# --- what lies in a folder


def test_a_summary_is_no_log_under_an_odd_name(tmp_path: Path, told: Told) -> None:
    """Transformers leaves some beside each training: one value in JSON, on one line or on several."""
    results = {"train_loss": 1.5, "train_runtime": 9.5, "epoch": 3.0}
    append(tmp_path / "all_results.json", json.dumps(results, indent=4))
    append(tmp_path / "train_results.json", json.dumps(results))
    append(tmp_path / "rows.jsonl", printed(1))
    text = told("check", tmp_path)
    assert "results.json" not in text
    assert "rows.jsonl: rows of a training stand in it" in text


def test_what_is_said_to_help_helps(tmp_path: Path, told: Told) -> None:
    """Rows of an unknown writer under a name that a trainer's log has: the flag has them read."""
    rows = ({"epoch": step, "train_loss": 1 / step, "val_loss": 1.01 / step} for step in range(1, 9))
    append(tmp_path / "metrics.jsonl", *map(json.dumps, rows))
    assert "read with --stdout-log 'metrics.jsonl'" in told("check", tmp_path)
    text = told("check", tmp_path, "--stdout-log", "metrics.jsonl", code=0)
    assert "8 training records, 8 evaluations" in text


def test_rows_that_a_run_has_already_need_no_flag(tmp_path: Path, told: Told) -> None:
    """LLaMA-Factory leaves its output beside its log, under an odd name."""
    rows = [{"loss": round(3 / step, 4), "lr": 1e-05, "epoch": step / 100} for step in range(1, 31)]
    logged = ({"current_steps": step, "total_steps": 30, **row} for step, row in enumerate(rows, 1))
    append(tmp_path / "out" / "trainer_log.jsonl", *map(json.dumps, logged))
    shown = ({"loss": row["loss"], "learning_rate": 1e-05, "epoch": row["epoch"]} for row in rows)
    append(tmp_path / "out" / "running_log.txt", *map(str, shown))
    append(tmp_path / "other.txt", printed(1))
    text = told("config", "--explain", tmp_path, code=0)
    assert "not read: out/running_log.txt, of the same training" in text
    assert "--stdout-log 'running_log.txt'" not in text
    assert "--stdout-log 'other.txt'" in text


def test_files_are_not_said_to_be_all_where_they_are_more(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were gone through are counted."""
    for number in range(5):
        append(tmp_path / f"{number}.bin", "x")
    assert "other files, which are not read: 5 *.bin" in told("check", tmp_path)
    monkeypatch.setattr(survey, "MOST_FILES", 3)
    assert "not read, and more than were counted: 3 *.bin" in told("check", tmp_path)
    monkeypatch.setattr(survey, "MOST_FOLDERS", 1)
    monkeypatch.setattr(survey, "MOST_FILES", 9)
    assert "which are not read: 5 *.bin" in told("check", tmp_path)
    (tmp_path / "more").mkdir()
    assert "more than were counted: 5 *.bin" in told("check", tmp_path)


def test_a_log_that_is_too_deep_has_no_odd_name(tmp_path: Path, told: Told) -> None:
    """What helps is said of its folder."""
    append(tmp_path.joinpath(*"abcdefghijk") / "x.log", printed(1))
    text = told("config", "--explain", tmp_path)
    assert "odd name" not in text
    assert "a/b/c/d/e/f/g/h/i: not entered: deeper than --max-depth; name it to have it searched" in text


def test_a_large_log_is_not_said_to_have_no_row(tmp_path: Path, told: Told) -> None:
    """Some of it was looked at; what has it read whole is said."""
    lines = ["some completion " * 4_000, printed(1)] * 9 + ["some completion " * 4_000]
    append(tmp_path / "train.log", *lines)
    append(tmp_path / "short.log", "words")
    text = told("check", tmp_path)
    assert "train.log: no row of a training in the 64 KB of it that were looked at" in text
    assert "read whole with --stdout-log 'train.log'" in text
    assert "short.log: text without a row of a training" in text
    assert "看过的 64 KB 里没有训练记录" in told("check", tmp_path, "--lang", "zh")
    assert "9 training records" in told("check", tmp_path, "--stdout-log", "train.log", code=0)


# --- what is said of runs


def test_settings_are_told_with_their_files(tmp_path: Path, told: Told) -> None:
    """A folder whose settings are read is not said to hold nothing."""
    rows = (
        {"step": step, "data": {"actor/pg_loss": 1 / step, "critic/rewards/mean": 0.5}}
        for step in range(1, 9)
    )
    append(tmp_path / "exp.jsonl", *map(json.dumps, rows))
    append(
        tmp_path / ".hydra" / "config.yaml", "actor_rollout_ref:", "  actor:", "    ppo_mini_batch_size: 8"
    )
    append(tmp_path / ".git" / "config", "x")
    text = told("config", "--explain", tmp_path, code=0)
    assert "settings: .hydra/config.yaml" in text
    assert ".hydra: not entered" not in text
    assert ".git: not entered" in text


def test_a_log_that_is_followed_and_not_read_is_told_so(tmp_path: Path, told: Told) -> None:
    """By its name it is one; `check` finds no row in it."""
    append(tmp_path / "a" / "logging.jsonl", "words")
    append(tmp_path / "b" / "logging.jsonl", *map(swift, range(1, 9)))
    append(tmp_path / "c.log", printed(1), "Loading the shards " * 4000)
    text = told("config", "--explain", tmp_path, code=0)
    assert text.count("no row of a training stands in its first and last 32 KB") == 1


def test_a_log_of_checkpoints_is_told_where_it_is_read(tmp_path: Path, told: Told) -> None:
    """In the newest checkpoint, whether it is followed or not."""
    state = append(tmp_path / "a" / "checkpoint-8" / "trainer_state.json", trainer_state(range(1, 9)))
    assert "followed: a/checkpoint-8/trainer_state.json" in told("config", "--explain", tmp_path, code=0)
    append(state.parent.parent.parent / "a.log", *(printed(step) for step in range(1, 9)))
    assert "not read: a/checkpoint-8/trainer_state.json" in told("config", "--explain", tmp_path, code=0)


def test_a_path_is_told_in_one_piece(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However long it is, so that people can copy it, and `grep` finds it."""
    folder = tmp_path / "a b" / "-".join(["experiment"] * 9)
    append(folder / "trainer_log.jsonl", *map(llamafactory, range(1, 9)))
    append(folder / "trainer_state.json", trainer_state(range(1, 9)))
    assert run_cli(commands, ["config", "--explain", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for name in ("trainer_log.jsonl", "trainer_state.json"):
        assert f"{folder.relative_to(tmp_path)}/{name}" in text
    gone = tmp_path / folder.name / "gone.log"
    assert run_cli(commands, ["check", str(gone)]) == 3
    assert f"{gone}:" in capsys.readouterr().out


def test_a_format_shows_no_pattern_that_nobody_reads(tmp_path: Path, told: Told) -> None:
    """Of what was tried the names; of torchtune's own files what is the same in their names."""
    row = "Step {} | loss:2.0{} lr:2e-05 "
    rows = [row.format(step, step) for step in range(1, 9)]
    append(tmp_path / "log_1700000000.txt", *rows)
    assert "as torchtune (log_1*.txt), by" in told("config", "--explain", tmp_path, code=0)
    text = told("check", append(tmp_path / "odd.txt", "words"))
    assert "Formats tried: guarded, litgpt, llamafactory," in text
    assert "wandb" not in text  # what is text was never held to be that
    assert "[0-9]" not in text


def test_a_pasted_table_does_not_grow(tmp_path: Path, told: Told) -> None:
    """As the page of sources has it."""
    append(
        tmp_path / "table.log", "Step | Training Loss", *(f"{step} | {1 / step:.6f}" for step in range(1, 9))
    )
    text = told("config", "--explain", tmp_path, code=0)
    assert "as notebook_table (what programs print)" in text
    assert "it is written now and then" in text


# --- a folder without a log


@pytest.mark.parametrize("files", [(), ("notes.txt", "run.log")])
def test_a_folder_without_a_log_says_what_lies_there_and_what_to_do(
    tmp_path: Path, told: Told, files: tuple[str, ...]
) -> None:
    """Whether a training has begun or is still to begin."""
    for name in files:
        (tmp_path / name).write_text("nothing of a training\n")
    text = told("check", tmp_path)
    assert ("What lies there: - run.log: text without a row of a training" in text) == bool(files)
    assert ("Nothing lies there yet." in text) == (not files)
    assert text.endswith("llmtrain-exporter watch waits for the first record.")
    in_chinese = told("check", tmp_path, "--lang", "zh")
    assert in_chinese.replace(" ", "").endswith(WATCH_WAITS.zh.replace(" ", ""))
    assert "looked for in files called *.db, *.ipynb, *.jsonl, *.log, *.out" in text
    (read,) = json.loads(told("check", tmp_path, "--format", "json"))["no_runs"]
    assert read["what_to_do"] == f"{NO_LOG_WHAT_TO_DO.en} {WATCH_WAITS.en}"


@pytest.mark.parametrize(("page", "lang"), [("sources.md", "en"), ("sources.zh.md", "zh")])
def test_what_documents_show_of_a_folder_without_a_log_is_what_is_printed(
    tmp_path: Path, told: Told, page: str, lang: str
) -> None:
    """But for where its lines break."""
    append(tmp_path / "console.txt", *(swift(step) for step in range(1, 61)))
    (tmp_path / "train.log").write_text("hello\n")
    (tmp_path / "checkpoint-60").mkdir()
    shown = "".join((ROOT / "docs" / page).read_text().split())
    printed_now = told("check", tmp_path, "--lang", lang).replace(str(tmp_path), "/data/output")
    assert "".join(printed_now.split()) in shown


@pytest.mark.parametrize("page", ["sources.md", "sources.zh.md"])
def test_a_text_about_trainings_is_not_proposed_as_a_log(tmp_path: Path, told: Told, page: str) -> None:
    """A document shows rows in its sentences, too: nobody prints into one, whatever it is called."""
    shutil.copy(ROOT / "docs" / page, tmp_path)
    shutil.copy(ROOT / "docs" / page, tmp_path / "sources.txt")
    assert "--stdout-log 'sources" not in told("check", tmp_path)


@pytest.mark.parametrize(
    "behind",
    [
        *(
            "",
            "  ",
            "\x1b[0m",
            " 10%|\u2588 | 5/50 [00:05<00:45, 1.00s/it]",
            "Saving model checkpoint",
        ),
        *("Train:  10%|\u2588 | 5/50 [00:05<00:45, 1.00s/it]", "   trainer.py:123", " level=info host=gpu1"),
    ],
)
def test_a_printed_log_is_proposed_whatever_stands_behind_some_of_its_rows(
    tmp_path: Path, told: Told, behind: str
) -> None:
    """Bars, colours, what loggers add; what another process prints into the line of some rows."""
    row = "{'loss': 0.5, 'grad_norm': 1.0, 'learning_rate': 1e-05, 'epoch': 0.1}"
    others = "" if "Saving" not in behind else f"{row}\n"
    (tmp_path / "console.txt").write_text(f"Loading\n{row}{behind}\n{others}")
    assert "--stdout-log 'console.txt'" in told("check", tmp_path)
