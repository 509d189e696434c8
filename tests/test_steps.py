"""Where a printed run stands: by its bar, epochs and logging interval; with resumes, ranks and buffers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.schedule import Schedule
from llmtrain_exporter.ingest.source import read_lines
from llmtrain_exporter.knowledge.producers import TRANSFORMERS
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import HyperParameters, Resume, RowKind, State
from llmtrain_exporter.story.facts import fact_lines
from llmtrain_exporter.story.run_object import run_object

from tests.printed_logs import Truth, random_log

NOW = 1_700_000_000.0
UNKNOWN = Schedule()
CLEARED = "\r" + " " * 60 + "\r"
FINAL = "{'train_runtime': 9.0, 'train_loss': 0.5, 'epoch': 1.0}\n"
FAILED = "Traceback (most recent call last):\n"
BANNER = "***** Running training *****\n"


def read(text: str, schedule: Schedule = UNKNOWN) -> tuple[list[int | None], Run]:
    """The steps of the training records that count, and their run."""
    reader = Readers().reader(registered()["printed"], schedule)
    run, records = Run(RunOptions(), HyperParameters()), read_lines(reader, text.encode().split(b"\n"))[0]
    folded = [record for record in records if run.fold(record, NOW)]
    return [record.step for record in folded if record.kind is RowKind.TRAIN], run


def row(step: int, seed: int = 0, per_epoch: float = 100.0) -> str:
    """A row that tells its step by its epoch alone. `seed`: other values of the same step."""
    return f"{{'loss': {2 - step / 1000 + seed / 7:.4f}, 'epoch': {step / per_epoch:.4f}}}\n"


def rows(steps: Sequence[int], seed: int = 0) -> str:
    return "".join(row(step, seed) for step in steps)


def bar(step: int, planned: int = 100, elapsed: str = "00:08<00:24, 1.25it/s") -> str:
    return f"\r {100 * step // planned}%|###   | {step}/{planned} [{elapsed}]"


def fresh(planned: int = 100) -> str:
    """As a process draws its bar first."""
    return bar(0, planned, "00:00<?, ?it/s")


def process(begin: int, end: int, interval: int = 10, planned: int = 100, seed: int = 0) -> str:
    """All that one process shows on a terminal."""
    text = fresh(planned)
    for step in range(begin + 1, end + 1):
        text += bar(step, planned)
        if not step % interval:
            text += CLEARED + row(step, seed) + bar(step, planned)
    return text


# At random


RANDOM = 300


def told(log: Truth) -> tuple[list[int | None], Run]:
    """What is read of it, with what its arguments say where they are there."""
    schedule = UNKNOWN
    if log.writing.stated:
        schedule = Schedule(log.fraction or log.interval, log.planned if log.fraction else None)
    return read(log.text, schedule)


def first_rows(steps: Sequence[int]) -> set[int]:
    """The places of the first rows of each process, where a quick bar does not tell steps yet."""
    begins = [at for at, step in enumerate(steps) if not at or step <= steps[at - 1]]
    return {at + more for at in begins for more in range(3)}


def is_right(log: Truth, steps: Sequence[int | None], run: Run) -> bool:
    """Each step, and each resume; where the bar is drawn too seldom, but for the first rows."""
    unsure = first_rows(log.steps) if log.writing.quick else set()
    same = len(steps) == len(log.steps) and all(
        step == true or (at in unsure and abs((step or 0) - true) <= log.interval)
        for at, (step, true) in enumerate(zip(steps, log.steps, strict=True))
    )
    resumes = len(run.position.resumes)
    return same and log.resumes <= resumes <= max(log.resumes, log.restarts)


def test_random_logs_are_read_as_they_were_written() -> None:
    """Whatever the bar, the buffer, the ranks, the resumes: only where no bar was is a resume overlooked."""
    logs = [random_log(seed) for seed in range(RANDOM)]
    wrong = [log for log in logs if not is_right(log, *told(log))]
    assert len(wrong) <= RANDOM // 50
    assert {log.writing.bar for log in wrong} <= {"none"}


def test_no_random_log_is_taken_beyond_its_plan_or_for_finished_before_its_end() -> None:
    """An estimate is never a claim."""
    for log in map(random_log, range(RANDOM, 2 * RANDOM)):
        steps, run = told(log)
        assert all((step or 0) <= log.planned for step in steps), log
        if run.state(NOW) is State.FINISHED:
            assert log.finished or log.steps[-1:] == [log.planned], log


# Processes


@pytest.mark.parametrize("last", [705, 709])
def test_a_process_that_goes_on_from_a_checkpoint_is_a_resume(last: int) -> None:
    """The bar begins anew and jumps to the checkpoint."""
    steps, run = read(process(0, last, planned=1000) + FAILED + process(500, 830, planned=1000))
    assert steps == [*range(10, 701, 10), *range(510, 831, 10)]
    assert run.position.resumes == [Resume(700, 510)]
    assert run.state(NOW) is State.RUNNING


def test_a_process_that_takes_no_logged_step_again_is_a_resume_too() -> None:
    """It was at 19 of them, and goes on at 15: no row is printed again, but work is done again."""
    steps, run = read(process(0, 19) + "\n" + process(15, 40))
    assert steps == [10, 20, 30, 40]
    assert run.position.resumes == [Resume(19, 15)]


def test_a_process_that_goes_on_where_the_last_one_was_repeats_nothing() -> None:
    """A job that was put back into the queue."""
    steps, run = read(process(0, 20) + FINAL + process(20, 40))
    assert (steps, run.position.resumes) == ([10, 20, 30, 40], [])


def test_a_restart_from_the_beginning_stands_where_it_is() -> None:
    """With other values or, after a traceback, with the very same ones."""
    for seed in (0, 1):
        steps, run = read(process(0, 70) + FAILED + process(0, 40, seed=seed))
        assert steps == [*range(10, 71, 10), *range(10, 41, 10)]
        assert run.position.resumes == [Resume(70, 10)]


def test_equal_rows_of_a_killed_process_are_taken_again() -> None:
    """Nothing but the bar shows that it was another process."""
    steps, run = read(process(0, 35) + "\n" + process(20, 50))
    assert steps == [10, 20, 30, 30, 40, 50]
    assert run.position.resumes == [Resume(35, 20)]


def test_a_longer_plan_is_taken_over() -> None:
    """The next process has a bar of another length."""
    steps, run = read(process(0, 55) + "\n" + process(50, 80, planned=300))
    assert steps == [10, 20, 30, 40, 50, 60, 70, 80]
    assert run.position.max_steps == 300


def test_without_a_bar_the_epoch_tells_where_a_process_goes_on() -> None:
    """In steps where the interval is known, else in records."""
    text = rows(range(10, 710, 10)) + rows(range(510, 830, 10), 1)
    steps, run = read(text, Schedule(10))
    assert steps == [*range(10, 710, 10), *range(510, 830, 10)]
    assert (run.position.resumes, run.position.step_is_record) == ([Resume(700, 510)], False)
    steps, run = read(text)
    assert steps == [*range(1, 71), *range(51, 83)]
    assert (run.position.resumes, run.position.step_is_record) == ([Resume(70, 51)], True)


def test_a_banner_tells_the_plan_and_where_a_process_goes_on() -> None:
    """Without a bar, and with a share of all steps as the interval."""
    plan = "  Total optimization steps = 1,000\n"
    text = BANNER + plan + rows([50, 100, 150]) + BANNER + plan
    text += "  Continuing training from global step 100\n" + rows([150, 200], 1)
    steps, run = read(text, Schedule(0.05))
    assert steps == [50, 100, 150, 150, 200]
    assert (run.position.resumes, run.position.max_steps) == ([Resume(150, 150)], 1000)


def test_a_first_row_at_step_1_is_known_by_the_next() -> None:
    """Trainers can log the first step as well; without a bar the epochs tell so."""
    assert read(rows([1, 10, 20, 30]), Schedule(10))[0] == [10, 10, 20, 30]


@pytest.mark.parametrize("epoch", ["nan", "inf", "-inf", "-1.0", "5e-324", "1e308", "'nan'"])
def test_no_epoch_makes_a_row_fail(epoch: str) -> None:
    """Whatever a log holds: rows are counted, and stay within the plan."""
    odd = "".join(f"{{'loss': {at}.5, 'epoch': {epoch}}}\n" for at in range(3))
    for text in (
        odd,
        rows([10, 20]) + odd + rows([10]),
        process(0, 20) + BANNER + odd + fresh() + CLEARED + odd,
    ):
        steps, _ = read(text + "Total steps = ,,,\n" + odd, Schedule(10, 100))
        assert steps
        assert all(0 < (step or 0) <= 100 for step in steps)


# Ranks


@pytest.mark.parametrize("ranks", [2, 4])
def test_rows_of_several_ranks_count_once(ranks: int) -> None:
    """With a bar, and without one."""
    text = "".join(row(step) * ranks for step in range(10, 60, 10))
    assert read(text)[0] == [1, 2, 3, 4, 5]
    assert read(text, Schedule(10))[0] == [10, 20, 30, 40, 50]
    shown = fresh() + "".join(bar(step) + CLEARED + row(step) * ranks + bar(step) for step in (10, 20, 30))
    steps, run = read(shown)
    assert (steps, run.position.resumes, run.state(NOW)) == ([10, 20, 30], [], State.RUNNING)


def test_bars_of_two_nodes_that_are_a_step_apart_are_no_restart() -> None:
    """Each draws its own."""
    text = fresh() * 2
    for step in range(1, 41):
        text += bar(step) + (bar(step - 1) if step > 1 else "")
        if not step % 5:
            text += (CLEARED + row(step) + bar(step)) * 2
    steps, run = read(text)
    assert (steps, run.position.resumes) == (list(range(5, 41, 5)), [])


def test_rows_of_a_dead_run_are_no_second_rank() -> None:
    """The bar moves on between them, or each of the last rows came once."""
    dead = "{'loss': 0.0, 'epoch': 0.0}\n"
    text = fresh() + "".join(bar(step) + CLEARED + dead + bar(step) for step in range(10, 60, 10))
    assert read(text)[0] == [10, 20, 30, 40, 50]
    assert read(rows(range(1, 7)) + row(6) * 3)[0] == list(range(1, 10))


# Estimates


def test_an_interval_that_the_bar_contradicts_is_not_believed() -> None:
    """Arguments can be another run's."""
    held = fresh() + "".join(bar(step) + CLEARED + bar(step) for step in (20, 40, 60)) + rows([20, 40, 60])
    steps, run = read(held + bar(65) + CLEARED + row(80) + bar(80), Schedule(7))
    assert steps[:3] == [20, 40, 60]
    assert run.position.max_steps == 100


def test_an_estimate_that_reaches_the_plan_finishes_nothing() -> None:
    """Rows whose values differ from rank to rank count each: the last step is not known to be that."""
    text = "".join(f"{{'loss': {1 / (at + 1):.5f}, 'epoch': 0.0}}\n" for at in range(30))
    steps, run = read(text, Schedule(10, 100))
    assert max(step or 0 for step in steps) == 100
    assert run.state(NOW) is State.RUNNING
    assert read(text + FINAL, Schedule(10, 100))[1].state(NOW) is State.FINISHED


# Ends


def facts(run: Run, lang: Lang) -> str:
    """The first line that is said of a run."""
    snapshot = run.snapshot("run", "/logs/train.log", TRANSFORMERS, NOW)
    return "".join(map(str, next(fact_lines(snapshot, lang))))


def test_a_run_that_its_trainer_closed_early_has_ended_and_is_not_finished() -> None:
    """Early stopping writes the closing row; the words say how far it came."""
    _, run = read(process(0, 29, planned=120) + FINAL)
    assert run.state(NOW) is State.FINISHED
    assert run.ended_early
    assert facts(run, Lang.EN).endswith("ended at step 29 of 120")
    assert facts(run, Lang.ZH).endswith("提前结束，第 29 / 120 步")


@pytest.mark.parametrize("end", [120, 125])
def test_a_run_that_came_to_its_end_is_finished(end: int) -> None:
    """Though the last row stands before the last step."""
    _, run = read(process(0, end, planned=end) + FINAL)
    assert (run.position.last_step, run.ended_early) == (end, False)
    assert facts(run, Lang.EN).endswith(f"finished at step {end} of {end}")


def test_without_a_bar_a_run_that_has_less_than_one_interval_left_is_finished() -> None:
    """Nothing tells the step of the closing row."""
    assert not read(rows(range(10, 121, 10)) + FINAL, Schedule(10, 125))[1].ended_early
    assert read(rows(range(10, 101, 10)) + FINAL, Schedule(10, 125))[1].ended_early


def test_whether_steps_are_numbers_of_records_stands_in_the_answer() -> None:
    """Only where nothing told steps."""
    counted, shown = read(rows([5, 10]))[1], read(process(0, 20))[1]
    answers = [run_object(run.snapshot("run", "log", TRANSFORMERS, NOW)) for run in (counted, shown)]
    assert [(answer["step_is_record"], answer["max_steps"]) for answer in answers] == [
        (True, None),
        (False, 100),
    ]
