"""A training whose log stands in several files: found as one run, read in order, live too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.discover import Found, SearchMemory, SearchOptions, discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import Source
from llmtrain_exporter.ingest.source import open_source
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record, Resume, RowKind, Snapshot, State, series
from llmtrain_exporter.watching.observer import unobserved
from llmtrain_exporter.watching.on_demand import read_log
from llmtrain_exporter.watching.rules import RunRules
from llmtrain_exporter.watching.run_set import RunSet

from tests.tracker_files import swanlab_file, wandb_file
from tests.training import append, swift, touch

NOW = 1_800_000_000.0
DAY = 86400.0
BEGAN = NOW - DAY
RULES = RunRules(Settings(), RunOptions())
TRAIN = series(c.RECORDS, ("kind", "train"))


def search(folder: Path, older: float | None = None, memory: SearchMemory | None = None) -> list[Found]:
    """The runs below a folder."""
    options = SearchOptions(ignore_older=older)
    return list(discover([str(folder)], options, NOW, memory=memory or SearchMemory(options)).found)


def names(folder: Path) -> list[str]:
    """What they are called."""
    return [found.run for found in search(folder)]


def judged(found: Found) -> Snapshot:
    """The run as it stands in its files."""
    outcome = read_log(found, RunOptions(), Readers(), NOW)
    assert isinstance(outcome, Snapshot)
    return outcome


def looked(source: Source, now: float = 0.0) -> list[Record]:
    """What a look brings; all of it, where all is read again."""
    records: list[Record] = []
    while (reading := source.poll(now)) is not None:
        if reading.restarted or reading.again:
            records.clear()
        records += reading.records
    return records


def steps(records: Sequence[Record]) -> list[int | None]:
    """The steps of the rows of the training."""
    return [record.step for record in records if record.kind is RowKind.TRAIN]


def tracked(over: Sequence[int], began: float = BEGAN) -> Iterator[Mapping[str, object]]:
    """Rows as Transformers logs them to W&B, one in ten seconds."""
    for at, step in enumerate(over):
        place = {"_step": at, "_timestamp": began + 10.0 * at, "train/global_step": step}
        yield {"train/loss": 1 / step, "train/grad_norm": 0.5, **place}


def wandb_run(folder: Path, start: str, rows: Sequence[int], **more: object) -> Path:
    """The file of one process with the id `abc`."""
    path = folder / f"{start}-abc" / "run-abc.wandb"
    began, code = float(str(more.get("began", BEGAN))), more.get("exit_code")
    return wandb_file(path, tracked(rows, began), code if isinstance(code, int) else None)


# Trackers


def test_a_run_that_wandb_resumes_is_one_run(tmp_path: Path) -> None:
    """In another folder, under the same id; steps go back to the checkpoint, and that is counted."""
    wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 31), exit_code=1)
    wandb_run(tmp_path / "wandb", "run-20260101_090000", range(21, 51), began=BEGAN + 1000, exit_code=0)
    (found,) = search(tmp_path)
    assert found.run == "wandb/run-20260101_080000-abc"
    assert [Path(part).parent.name for part in found.parts] == ["run-20260101_090000-abc"]
    run = judged(found)
    assert (run.last_step, list(run.resumes), run.state) == (50, [Resume(30, 21)], State.FINISHED)


def test_offline_and_online_parts_are_in_the_order_of_their_starts(tmp_path: Path) -> None:
    """Whatever their folders are called else."""
    wandb_run(tmp_path / "wandb", "run-20260101_090000", range(21, 31), began=BEGAN + 1000)
    wandb_run(tmp_path / "wandb", "offline-run-20260101_080000", range(1, 21))
    wandb_run(tmp_path / "wandb", "offline-run-20260102_080000", range(31, 41), began=BEGAN + 2000)
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers(), patient=False)) as source:
        assert steps(looked(source)) == list(range(1, 41))


def test_a_resumed_run_keeps_its_begin_beside_a_checkpoint_that_has_most_rows(tmp_path: Path) -> None:
    """The checkpoint has rows of both files, and the second one goes on behind it."""
    began, resumed = NOW - 5000.0, NOW - 600.0
    first = wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 61), began=began, exit_code=1)
    touch(first, began + 600.0)
    rows = [{"step": step, "loss": 1 / step, "grad_norm": 0.5} for step in range(1, 71)]
    state = append(tmp_path / "out/checkpoint-70/trainer_state.json", json.dumps({"log_history": rows}))
    touch(state, NOW - 400.0)
    second = wandb_run(tmp_path / "wandb", "run-20260101_090000", range(51, 91), began=resumed)
    touch(second, resumed + 400.0)
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers(), patient=False)) as source:
        assert steps(looked(source)) == [*range(1, 61), *range(51, 91)]


def test_runs_of_other_ids_or_places_are_others(tmp_path: Path) -> None:
    """The same id elsewhere is of another project; a folder of no start stands for itself."""
    wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 11))
    wandb_run(tmp_path / "other" / "wandb", "run-20260101_090000", range(1, 11))
    wandb_file(tmp_path / "wandb" / "run-20260101_090000-abd" / "run-abd.wandb", tracked(range(1, 11)))
    wandb_file(tmp_path / "wandb" / "kept" / "run-abc.wandb", tracked(range(1, 11)))
    assert len(search(tmp_path)) == 4


def test_parts_that_are_named_by_hand_are_read_as_they_were_named(tmp_path: Path) -> None:
    """Each for itself."""
    paths = [
        wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 31)),
        wandb_run(tmp_path / "wandb", "run-20260101_090000", range(21, 51), began=BEGAN + 1000),
    ]
    found = discover(list(map(str, paths)), SearchOptions(ignore_older=None), NOW).found
    assert [each.parts for each in found] == [(), ()]


def test_processes_that_log_at_the_same_time_are_no_resume(tmp_path: Path) -> None:
    """Each rank of a training under one id: the first is read, nothing of it twice."""
    for second in range(3):
        wandb_run(tmp_path / "wandb", f"run-20260101_08000{second}", range(1, 31), began=BEGAN + second)
    (found,) = search(tmp_path)
    run = judged(found)
    assert (run.records[RowKind.TRAIN], run.last_step, list(run.resumes)) == (30, 30, [])


def test_what_swanlab_resumes_is_one_run(tmp_path: Path) -> None:
    """The row that it held is told before the next process goes on."""
    for start, rows, began in (("080000", range(1, 31), BEGAN), ("090000", range(21, 51), BEGAN + 1000)):
        folder = tmp_path / "swanlog" / f"run-20260101_{start}-0123456789abcdefghijk"
        keys = {"step": "train/global_step", "_timestamp": "_timestamp", "train/loss": "train/loss"}
        numbers = ({name: row[key] for name, key in keys.items()} for row in tracked(rows, began))
        swanlab_file(folder / "backup.swanlab", numbers)
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers())) as source:
        assert steps(looked(source)) == [*range(1, 31), *range(21, 50)]
        assert steps(looked(source, 100.0)) == [50]
    run = judged(found)
    assert (run.last_step, list(run.resumes)) == (50, [Resume(30, 21)])


def test_a_part_that_is_too_old_is_read_with_the_newer_one(tmp_path: Path) -> None:
    """The run keeps its name for as long as it trains; an old one alone is left out."""
    first = wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 31))
    touch(first, NOW - 9 * DAY)
    touch(wandb_run(tmp_path / "wandb", "run-20260101_090000", range(21, 51), began=BEGAN + 1000), NOW)
    (found,) = search(tmp_path, older=7 * DAY)
    assert (found.path, found.modified) == (str(first), NOW)
    touch(Path(found.parts[0]), NOW - 8 * DAY)
    options = SearchOptions(ignore_older=7 * DAY)
    scan = discover([str(tmp_path)], options, NOW)
    assert (scan.found, scan.left_out) == ((), {"too_old": 2})


def test_a_part_that_begins_before_our_eyes_goes_on_with_the_run(tmp_path: Path) -> None:
    """Nothing is counted twice, and the run keeps its name."""
    runs = RunSet(RULES, unobserved, 10)
    folder = tmp_path / "wandb"
    wandb_run(folder, "run-20260101_080000", range(1, 31), exit_code=1)

    def look(at: float) -> None:
        runs.update(RULES.search([str(tmp_path)], at), at)
        for run in runs.awake:
            while run.read_on(at, at) is not None:
                pass

    look(NOW)
    (first,) = runs.awake
    wandb_file(folder / "run-20260101_090000-abc" / "run-abc.wandb", ())
    look(NOW + 10)
    wandb_run(folder, "run-20260101_090000", range(21, 26), began=BEGAN + 1000)
    look(NOW + 20)
    wandb_run(folder, "run-20260101_090000", range(21, 51), began=BEGAN + 1000)
    look(NOW + 30)
    (run,) = runs.awake
    assert run.name == first.name
    assert run.folded.counters()[TRAIN] == 60
    assert run.folded.position.resumes == [Resume(30, 21)]


def test_an_older_part_that_grows_late_is_put_in_order(tmp_path: Path) -> None:
    """All is read again; and at last nothing more is taken of it."""
    first = wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 21))
    wandb_run(tmp_path / "wandb", "run-20260101_090000", range(31, 51), began=BEGAN + 1000)
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers())) as source:
        assert steps(looked(source)) == [*range(1, 21), *range(31, 51)]
        for more in range(21, 24):
            wandb_file(first, tracked(range(1, more + 1)))
            assert steps(looked(source)) == [*range(1, more + 1), *range(31, 51)]
        wandb_file(first, tracked(range(1, 25)))
        assert steps(looked(source)) == []


def test_settings_that_the_first_part_states_later_have_all_read_again(tmp_path: Path) -> None:
    """With what is known by now; those of the others are no news."""
    first = wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 21))
    second = wandb_run(tmp_path / "wandb", "run-20260101_090000", range(21, 31), began=BEGAN + 1000)
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers())) as source:
        looked(source)
        wandb_file(first, tracked(range(1, 21)), settings={"learning_rate": 1e-5})
        reading = source.poll(1.0)
        assert reading is not None
        assert (reading.again, reading.restarted) == (True, False)
        assert steps([*reading.records, *looked(source)]) == list(range(1, 31))
        wandb_file(second, tracked(range(21, 31), BEGAN + 1000), settings={"learning_rate": 1e-5})
        assert looked(source) == []


def test_another_log_in_the_place_of_a_part_is_read_with_the_others(tmp_path: Path) -> None:
    """From the first row of the first one on."""
    wandb_run(tmp_path / "wandb", "run-20260101_080000", range(1, 21))
    wandb_run(tmp_path / "wandb", "run-20260101_090000", range(31, 51), began=BEGAN + 1000)
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers())) as source:
        looked(source)
        wandb_run(tmp_path / "wandb", "run-20260101_090000", range(11, 16), began=BEGAN + 2000)
        reading = source.poll(1.0)
        assert reading is not None
        assert reading.restarted
        assert steps([*reading.records, *looked(source)]) == [*range(1, 21), *range(11, 16)]


def test_what_each_part_printed_and_the_trainers_own_log_are_of_the_run_too(tmp_path: Path) -> None:
    """W&B keeps the output of each process; a log of the trainer with all rows goes before."""
    starts = (
        ("run-20260101_080000", range(1, 31), BEGAN),
        ("run-20260101_090000", range(21, 51), BEGAN + 1000),
    )
    for start, rows, began in starts:
        path = wandb_run(tmp_path / "wandb", start, rows, began=began)
        printed = (json.dumps({"loss": 1 / step, "grad_norm": 0.5, "epoch": 0.1}) for step in rows)
        append(path.parent / "files" / "output.log", *(line.replace('"', "'") for line in printed))
    scan = discover([str(tmp_path)], SearchOptions(ignore_older=None), NOW)
    (found,) = scan.found
    left = {(Path(each.path).name, each.instead) for each in scan.passed if each.reason == "covered"}
    assert (len(found.parts), left) == (1, {("output.log", found.path)})
    own = [swift(step, grad_norm=0.5) for _, rows, _ in starts for step in rows]
    append(tmp_path / "logging.jsonl", *own)
    assert [each.path for each in search(tmp_path)] == [str(tmp_path / "logging.jsonl")]


# torchtune


def torchtune(path: Path, over: Sequence[int], seed: float = 0.0) -> Path:
    """Rows as torchtune's DiskLogger writes them."""
    rows = (f"Step {step} | loss:{seed + 1 / step:.6f} lr:2e-05 grad_norm:{seed + 0.5} " for step in over)
    return append(path, *rows)


def test_torchtunes_files_of_a_resumed_training_are_one_run(tmp_path: Path) -> None:
    """Each process begins another one in the folder; a torn last row of the one before is told before it."""
    torchtune(tmp_path / "logs" / "log_1790000000.txt", range(1, 31))
    with (tmp_path / "logs" / "log_1790000000.txt").open("a") as file:
        file.write("Step 31 | loss:0.5 lr:2e-05 grad_no")
    torchtune(tmp_path / "logs" / "log_1790003600.txt", range(21, 51))
    (found,) = search(tmp_path)
    assert found.run == "logs/log_1790000000"
    run = judged(found)
    assert (run.last_step, list(run.resumes)) == (50, [Resume(31, 21)])


def test_torchtunes_file_that_begins_anew_is_another_training(tmp_path: Path) -> None:
    """A process that was not resumed writes there too, and may be resumed itself."""
    for start, rows in enumerate((range(1, 31), range(21, 41), range(1, 21), range(11, 61))):
        torchtune(tmp_path / f"log_179000000{start}.txt", rows, seed=float(start // 2))
    found = search(tmp_path)
    assert [[Path(path).name for path in (each.path, *each.parts)] for each in found] == [
        ["log_1790000000.txt", "log_1790000001.txt"],
        ["log_1790000002.txt", "log_1790000003.txt"],
    ]
    assert [judged(each).last_step for each in found] == [40, 60]


def test_the_first_steps_of_torchtunes_files_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that follows opens none of them."""
    torchtune(tmp_path / "log_1790000000.txt", range(1, 31))
    torchtune(tmp_path / "log_1790000001.txt", range(21, 41))
    memory = SearchMemory(SearchOptions(ignore_older=None))
    before = search(tmp_path, memory=memory)
    monkeypatch.setattr("llmtrain_exporter.ingest.joined_logs.read_first", None)
    assert search(tmp_path, memory=memory) == before


def test_an_old_file_of_torchtune_is_read_with_the_newer_one(tmp_path: Path) -> None:
    """As those of trackers are."""
    first = touch(torchtune(tmp_path / "log_1790000000.txt", range(1, 31)), NOW - 9 * DAY)
    touch(torchtune(tmp_path / "log_1790000001.txt", range(21, 41)), NOW)
    (found,) = search(tmp_path, older=7 * DAY)
    assert found.path == str(first)


# prime-rl

Timed = tuple[float, str]


def orchestrated(over: Sequence[int], began: float = BEGAN) -> list[Timed]:
    """What the orchestrator writes, a step ahead of the trainer."""
    return [_timed(step, began + 10.0 * step, {"reward/all/mean": step / 100}) for step in over]


def trained(over: Sequence[int], began: float = BEGAN) -> list[Timed]:
    """What the trainer writes of a step, in three lines."""
    parts = (
        {"perf/mfu": 31.2},
        {"optim/lr": 1e-6, "optim/grad_norm": 0.5},
        {"loss/mean": 0.25, "entropy/all/mean": 0.3},
    )
    return [_timed(step, began + 10.0 * step + 15.0, part) for step in over for part in parts]


def _timed(step: int, time: float, cells: Mapping[str, float]) -> Timed:
    return time, json.dumps({"step": step, "time": time, **cells})


def written(path: Path, lines: Sequence[Timed]) -> Path:
    """A metrics.jsonl with these lines."""
    return append(path, *(line for _, line in lines))


LAYOUTS = [("trainer", "orchestrator"), (".", "run_default"), (".", "orchestrator")]


@pytest.mark.parametrize(("trainer", "orchestrator"), LAYOUTS)
def test_what_prime_rls_trainer_and_orchestrator_write_is_one_run(
    tmp_path: Path, trainer: str, orchestrator: str
) -> None:
    """Called after the folder of both, with the rows that one file of both would give."""
    written(tmp_path / "shared" / "metrics.jsonl", sorted([*orchestrated(range(40)), *trained(range(40))]))
    written(tmp_path / "apart" / orchestrator / "metrics.jsonl", orchestrated(range(40)))
    written(tmp_path / "apart" / trainer / "metrics.jsonl", trained(range(40)))
    apart, shared = search(tmp_path)
    assert (apart.run, shared.run) == ("apart", "shared")
    records = []
    for found in (apart, shared):
        with closing(open_source(found, Readers(), patient=False)) as source:
            records.append([*looked(source), *source.rest()[0]])
    rows = [[(each.step, sorted(each.values)) for each in found] for found in records]
    assert rows[0] == rows[1]
    assert steps(records[0]) == list(range(40))
    assert {(each.get(c.LOSS), each.get(c.LEARNING_RATE)) for each in records[0]} == {(0.25, 1e-6)}
    assert judged(apart).profile == judged(shared).profile == "grpo"


def test_one_of_prime_rls_files_is_called_after_the_training_too(tmp_path: Path) -> None:
    """So a run keeps its name when the other one comes."""
    written(tmp_path / "x" / "orchestrator" / "metrics.jsonl", orchestrated(range(3)))
    written(tmp_path / "y" / "trainer" / "metrics.jsonl", trained(range(3)))
    assert names(tmp_path) == ["x", "y"]


def test_prime_rls_files_are_read_in_the_order_of_time_however_large_they_are(tmp_path: Path) -> None:
    """One of them is read on only where the other one has come as far; what was resumed goes back in both."""
    filler = {f"env/{at}": 0.5 for at in range(100)}
    first, again = range(200), range(150, 300)
    rolled = [*orchestrated(first), *orchestrated(again, BEGAN + 10_000)]
    lines = [(time, json.dumps({**json.loads(line), **filler})) for time, line in rolled]
    written(tmp_path / "orchestrator" / "metrics.jsonl", lines)
    written(tmp_path / "trainer" / "metrics.jsonl", [*trained(first), *trained(again, BEGAN + 10_000)])
    (found,) = search(tmp_path)
    assert found.run == tmp_path.name
    with closing(open_source(found, Readers(), patient=False)) as source:
        records = [*looked(source), *source.rest()[0]]
    assert steps(records) == [*first, *again]
    assert list(judged(found).resumes) == [Resume(199, 150)]


def test_prime_rls_files_are_read_while_they_are_written(tmp_path: Path) -> None:
    """A row comes when both have written of it; another log in the place of one has both read again."""
    paths = [tmp_path / name / "metrics.jsonl" for name in ("orchestrator", "trainer")]
    written(paths[0], orchestrated(range(2)))
    written(paths[1], trained(range(1)))
    (found,) = search(tmp_path)
    with closing(open_source(found, Readers())) as source:
        assert steps(looked(source)) == []
        assert not source.grown()
        for step in range(1, 10):
            written(paths[0], orchestrated([step + 1]))
            written(paths[1], trained([step]))
            assert source.grown()
            assert steps(looked(source, float(step))) == [step - 1]
        assert steps(looked(source, 100.0)) == [9]
        source.park()
        written(paths[1], trained([10]))
        assert steps(looked(source, 101.0)) == []
        assert steps(source.rest()[0]) == [10]
        paths[1].unlink()
        written(paths[1], trained(range(3), BEGAN + 5))
        source.check(110.0)
        seen = [reading for now in range(111, 140) if (reading := source.poll(float(now))) is not None]
        assert any(reading.restarted for reading in seen)
        assert source.error is None


def test_prime_rls_second_file_comes_before_our_eyes(tmp_path: Path) -> None:
    """Whichever it is: the name stays, and rows are counted once."""
    for first, second in (("trainer", "orchestrator"), ("orchestrator", "trainer")):
        folder = tmp_path / first / "exp"
        lines = {"trainer": trained(range(5)), "orchestrator": orchestrated(range(5))}
        runs = RunSet(RULES, unobserved, 10)
        for at, name in enumerate((first, second)):
            written(folder / name / "metrics.jsonl", lines[name])
            runs.update(RULES.search([str(tmp_path / first)], NOW), NOW)
            (run,) = runs.awake
            assert run.name == "exp"
            while run.read_on(float(at), NOW) is not None:
                pass
        run.take_rest(NOW)
        assert run.folded.records[RowKind.TRAIN] == 5


def test_what_is_read_of_a_run_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file, and why it is of the training; nothing of it is left out."""
    written(tmp_path / "rl" / "orchestrator" / "metrics.jsonl", orchestrated(range(3)))
    written(tmp_path / "rl" / "trainer" / "metrics.jsonl", trained(range(3)))
    torchtune(tmp_path / "tune" / "log_1790000000.txt", range(1, 31))
    torchtune(tmp_path / "tune" / "log_1790000001.txt", range(21, 41))
    assert run_cli(commands, ["config", "--explain", str(tmp_path)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "together with: rl/trainer/metrics.jsonl, which another process of the same training" in text
    assert "and then: tune/log_1790000001.txt, in which the resumed training goes on" in text
    assert "left out" not in text
