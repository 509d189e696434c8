"""The benchmarks run: realistic logs, right arithmetic, and every contestant measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.dialects.swift import Swift
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.model import Health, Record, RowKind, Snapshot
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules
from prometheus_client import CollectorRegistry, Gauge, generate_latest

import benchmarks.__main__ as command
from benchmarks import catch_up, footprint, generate, growth, idle, latency, memory, report, scrape, start
from benchmarks.bench import Bench, Sizes
from benchmarks.measure import ContestantError, interleave, run
from benchmarks.peers import mtail
from benchmarks.report import Result, Row, Table, Target, Verdict
from benchmarks.watchers import MTAIL, OURS, PLAIN

TINY = Sizes(
    rounds=1,
    catch_up_rows=300,
    few_runs=2,
    many_runs=4,
    rows_per_run=10,
    scrape_series=60,
    wide_series=180,
    appends=2,
    appends_among_many=2,
    settle_seconds=0.0,
    idle_seconds=0.1,
    start_runs=3,
    start_rows=20,
    log_bytes=(20_000, 60_000),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Everything at its smallest, and a machine without mtail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mtail, "installed", lambda: False)
        yield Bench(tmp_path_factory.mktemp("bench"), TINY)


def whos(table: Table) -> list[str]:
    """The contestants of a table, in order."""
    return [row.who for row in table.rows]


def measured(tables: Sequence[Table]) -> bool:
    """Whether every contestant but mtail has a figure that a measurement can have."""
    rows = [row for table in tables for row in table.rows if not row.who.startswith(MTAIL)]
    return all(row.figure is not None and row.figure >= 0 for row in rows)


def test_a_generated_row_looks_like_the_trainers() -> None:
    """A row has 35 keys, about 1.1 KB, and the spellings of ms-swift."""
    row = next(generate.rows(1, first=299))
    cells = json.loads(row)
    assert len(cells) == 35
    assert 1000 < len(row) < 1250
    assert cells["global_step/max_steps"] == "299/1000000"
    assert cells["percentage"] == "0.03%"
    assert cells["elapsed_time"] == "59m 48s"
    assert cells["remaining_time"] == "138d 20h 20m 12s"
    assert {"memory(GiB)", "train_speed(s/it)", "kl", "reward"} <= set(cells)


def test_generated_rows_depend_on_the_seed_alone() -> None:
    """The same seed gives the same rows, another seed gives others, and no row of a run comes twice."""
    rows = list(generate.rows(5000, seed=1))
    assert rows == list(generate.rows(5000, seed=1))
    assert rows != list(generate.rows(5000, seed=2))
    assert len(set(rows)) == 5000


def test_a_generated_log_reads_as_a_healthy_finished_run(tmp_path: Path) -> None:
    """Every line is a record, the last two close the run, and no signal fires: the usual path is measured."""
    log = generate.log_path(tmp_path, 0)
    size = generate.write_log(log, 3000, finished=True)
    assert log.stat().st_size == size
    reader = Swift(Normaliser())
    found = [one for line in log.read_bytes().splitlines() for one in reader.read(line)]
    kinds = [one.kind for one in found if isinstance(one, Record)]
    assert kinds == [RowKind.TRAIN] * 3000 + [RowKind.FINAL, RowKind.SUMMARY]
    (snapshot,) = read_each(read_log, [str(log)], RunRules(Settings(), RunOptions()), log.stat().st_mtime)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.profile, snapshot.health) == ("grpo", Health.HEALTHY)


def test_each_run_of_a_folder_has_a_log_of_its_own(tmp_path: Path) -> None:
    """So many run folders are written, all different."""
    size = generate.write_runs(tmp_path, 3, 5)
    logs = [generate.log_path(tmp_path, number).read_bytes() for number in range(3)]
    assert len(set(logs)) == 3
    assert sum(map(len, logs)) == size


def test_mtails_program_picks_25_metrics() -> None:
    """The peer does what the targets say: 25 regular expressions, each feeding a gauge."""
    program = mtail.program()
    assert program.count("gauge ") == program.count("float($value)") == 25


def test_contestants_take_turns_and_the_median_counts() -> None:
    """Each round asks every contestant once, so that a slow minute hits all of them."""
    asked: list[str] = []
    figures = {"a": iter([1.0, 9.0, 2.0]), "b": iter([5.0, 4.0, 6.0])}

    def contestant(name: str) -> float:
        asked.append(name)
        return next(figures[name])

    medians = interleave({"a": lambda: contestant("a"), "b": lambda: contestant("b")}, 3)
    assert asked == ["a", "b"] * 3
    assert medians == {"a": 2.0, "b": 5.0}


def test_a_program_that_fails_is_named_with_what_it_said() -> None:
    """A contestant that dies is reported by its command, its exit code and its last words."""
    with pytest.raises(ContestantError, match=r"ended with 2: .*no such file"):
        run(["sh", "-c", "echo no such file >&2; exit 2"])


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("a", 5.0, "s"), Verdict.NONE),
        (Row("a", 5.0, "s", ratio=2.0, target=Target(2.0)), Verdict.PASS),
        (Row("a", 5.0, "s", ratio=1.9, target=Target(2.0)), Verdict.FAIL),
        (Row("a", 5.0, "s", target=Target(6.0, at_most=True)), Verdict.PASS),
        (Row("a", 7.0, "s", target=Target(6.0, at_most=True)), Verdict.FAIL),
        (Row("a", None, "s", target=Target(2.0)), Verdict.MISSING),
    ],
)
def test_a_target_bounds_the_ratio_or_else_the_figure(row: Row, verdict: Verdict) -> None:
    """A row passes, fails or has nobody to be compared with."""
    assert row.verdict is verdict


def test_ratios_say_how_many_times_better_ours_is() -> None:
    """Above 1 is better whether more or less of the figure is good, and too small to measure is no error."""
    assert report.rates("rows/s", ("ours", 30.0), [("peer", 10.0, None)])[1].ratio == 3.0
    assert report.costs("ms", ("ours", 10.0), [("peer", 30.0, None)])[1].ratio == 3.0
    assert report.costs("ms", ("ours", 0.0), [("peer", 30.0, None)])[1].ratio == float("inf")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01234, "0.0123"), (17.34, "17.3"), (1234567.0, "1,230,000")]
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    """More digits than a measurement has are not shown."""
    assert report.number(value) == text


def test_results_fill_their_section_of_the_readme_alone() -> None:
    """A section between its marks is replaced, all other text stays, and doing it again changes nothing."""
    readme = "a\n<!-- idle -->\nold\n<!-- /idle -->\nb\n<!-- scrape -->\nkept\n<!-- /scrape -->\n"
    results = [Result("idle", (Table("title", (Row("ours", 1.5, "%"),)),))]
    filled = report.fill_in(readme, results, "2 cores")
    assert "2 cores\n\n**title**" in filled
    assert "| ours | 1.5 | % |  |  |  |" in filled
    assert "old" not in filled
    assert filled.startswith("a\n")
    assert filled.endswith("b\n<!-- scrape -->\nkept\n<!-- /scrape -->\n")
    assert report.fill_in(filled, results, "2 cores") == filled


def test_every_benchmark_has_a_section_in_the_readme() -> None:
    """The results of each benchmark have a place to be filled in."""
    readme = command.README.read_text("utf-8")
    assert [name for name in command.BENCHMARKS if f"<!-- {name} -->\n" not in readme] == []


@pytest.mark.parametrize(
    ("row", "required", "code"),
    [
        (Row("ours", 3.0, "s", target=Target(4.0, at_most=True)), "", 0),
        (Row("ours", 5.0, "s", target=Target(4.0, at_most=True)), "", 1),
        (Row(MTAIL, None, "s", target=Target(2.0)), "", 0),
        (Row(MTAIL, None, "s", target=Target(2.0)), "1", 1),
    ],
)
def test_the_exit_code_says_whether_a_target_was_missed(
    row: Row, required: str, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missed target fails, a missing peer only where everything must be there; the file has both."""
    monkeypatch.setenv("REQUIRE_REAL", required)
    monkeypatch.setitem(command.BENCHMARKS, "idle", lambda _: (Table("title", (row,)),))
    file = tmp_path / "figures.json"
    assert command.main(["--quick", "--only", "idle", "--json", str(file)]) == code
    (found,) = json.loads(file.read_text())["benchmarks"]
    assert found["tables"][0]["rows"][0]["verdict"] == row.verdict.value


def test_a_benchmark_that_cannot_be_measured_fails_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What went wrong with a contestant is said, and the other benchmarks still run."""

    def broken(_: Bench) -> tuple[Table, ...]:
        raise ContestantError("it never answered")

    monkeypatch.setitem(command.BENCHMARKS, "idle", broken)
    monkeypatch.setitem(command.BENCHMARKS, "start", lambda _: (Table("title", (Row("ours", 1.0, "s"),)),))
    assert command.main(["--only", "idle", "--only", "start"]) == 1
    said = capsys.readouterr().out
    assert "idle: could not be measured: it never answered\n" in said
    assert "start: title\n" in said


def test_bodies_with_other_samples_are_no_match() -> None:
    """The scrape benchmark compares what it times: one value that differs is found."""

    def body(value: float) -> bytes:
        registry = CollectorRegistry()
        gauge = Gauge("a", "text", ["run"], registry=registry)
        gauge.labels("one").set(1.0)
        gauge.labels("two").set(value)
        return generate_latest(registry)

    assert scrape.same(body(2.0), body(2.0)) == 2
    with pytest.raises(ContestantError, match="differ in 2 of 3 samples"):
        scrape.same(body(2.0), body(3.0))


def test_catch_up_measures_all_contestants(bench: Bench) -> None:
    """Both tables have ours, the peers and the floors; a missing mtail is a row without a figure."""
    tables = catch_up.measure(bench)
    floors = [catch_up.PARSED, catch_up.LINES]
    assert whos(tables[0]) == [catch_up.WHOLE, MTAIL, PLAIN, *floors]
    assert whos(tables[1]) == [catch_up.PARSING, MTAIL, PLAIN, *floors]
    assert measured(tables)
    assert tables[0].rows[1].verdict is Verdict.MISSING


def test_scrape_measures_the_same_samples_of_all(bench: Bench) -> None:
    """Ours and generate_latest render the same 60 series of each run, as text and compressed."""
    tables = scrape.measure(bench)
    assert [len(table.rows) for table in tables] == [3, 3, 2]
    assert measured(tables)
    assert "All 240 samples" in tables[0].notes[0]


def test_latency_sees_what_was_appended(bench: Bench) -> None:
    """With one file and with several, an appended row becomes visible."""
    tables = latency.measure(bench)
    assert whos(tables[0]) == [f"{OURS}, p99", f"{MTAIL}, p99", f"{OURS}, p50", f"{MTAIL}, p50"]
    assert measured(tables)


def test_a_quantile_is_one_of_the_figures() -> None:
    """p99 of a hundred figures is the second largest, and of few the largest."""
    assert latency.quantile([float(n) for n in range(100)], 0.99) == 98.0
    assert latency.quantile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_idle_measures_all_contestants(bench: Bench) -> None:
    """Few and many runs are watched by ours and by the peers."""
    tables = idle.measure(bench)
    assert all(whos(table)[:3] == [OURS, MTAIL, PLAIN] for table in tables)
    assert measured(tables)


def test_memory_measures_live_runs_finished_runs_and_long_logs(bench: Bench) -> None:
    """What a run adds, and what a long log adds, are figures of real processes."""
    live, series, finished, long_log = memory.measure(bench)
    assert whos(live)[:3] == whos(series) == [OURS, MTAIL, PLAIN]
    assert all(row.figure is not None for row in series.rows if row.who != MTAIL)
    assert whos(finished)[0] == OURS
    assert [(row.figure or 0.0) > 1.0 for row in long_log.rows] == [True, True]


def test_start_is_complete_when_it_is_ready_and_reads_no_old_run(bench: Bench) -> None:
    """The start is timed only when every run has all its rows; of old runs not a byte is read."""
    finished, by_the_clock, restarted, old = start.measure(bench)
    assert measured([finished, by_the_clock, restarted])
    assert restarted.rows[-1].verdict is Verdict.PASS
    assert [row.verdict for row in old.rows] == [Verdict.NONE, Verdict.PASS, Verdict.PASS]


def test_growth_compares_few_runs_with_many(bench: Bench) -> None:
    """Each cost is measured at both sizes."""
    (table,) = growth.measure(bench)
    assert len(table.rows) == 2 * len(growth.COSTS)
    assert all((row.ratio is None) is ("2 runs" in row.who) for row in table.rows)


def test_footprint_weighs_and_times_an_installation(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain installation has a limit, as the import of the analysis has; every start is timed."""
    weights = {"": footprint.Weight(39_000_000, 24), "report": footprint.Weight(290_000_000, 36)}
    monkeypatch.setattr(footprint, "install", lambda _: weights)
    sizes, starts = footprint.measure(bench)
    assert [(row.figure, row.unit) for row in sizes.rows] == [
        *((39.0, "MB"), (24, "packages")),
        *((290.0, "MB"), (36, "packages")),
    ]
    assert [row.verdict for row in sizes.rows] == [Verdict.PASS, *[Verdict.NONE] * 3]
    assert measured([starts])
    assert [row.who for row in starts.rows if row.target] == [footprint.IMPORT]


def test_footprint_without_a_package_index_weighs_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are marked as those of a contestant that is not installed, and a line says what is needed."""

    def offline(_: Path) -> dict[str, footprint.Weight]:
        raise ContestantError("no matching distribution")

    monkeypatch.setattr(footprint, "install", offline)
    table = footprint.sizes(bench)
    assert {row.verdict for row in table.rows} == {Verdict.MISSING}
    assert table.notes == ("Needs pip and a package index: no matching distribution",)


def test_a_copy_of_the_source_has_no_leftovers(tmp_path: Path) -> None:
    """What a build needs, and no byte code of another interpreter."""
    copied = footprint.copy_source(tmp_path)
    assert (copied / "exporter" / "llmtrain_exporter" / "cli" / "__init__.py").is_file()
    assert sorted(path.name for path in copied.iterdir()) == sorted([*footprint.BUILT_FROM, "exporter"])
    assert list(copied.rglob("__pycache__")) + list(copied.rglob("*.egg-info")) == []
