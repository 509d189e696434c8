"""`history`: every record of logs in files that Prometheus' own tools and table readers take."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from llmtrain_exporter.cli import commands
from llmtrain_exporter.cli.history import FORMATS
from llmtrain_exporter.cli.shell import run as run_cli
from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge.jobs import HISTORY_JOB
from llmtrain_exporter.printable import label_value, number_text
from llmtrain_exporter.publish import demo
from llmtrain_exporter.push import history_files
from llmtrain_exporter.push.formats.open_metrics import (
    CHUNK_BYTES,
    OpenMetricsWriter,
    seconds_text,
)
from llmtrain_exporter.push.history_files import HistoryWanted, write_history
from llmtrain_exporter.push.read_history import histories
from llmtrain_exporter.push.record_samples import RecordSamples
from llmtrain_exporter.push.run_history import RunHistory
from llmtrain_exporter.push.series_text import labels_text, series_text
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.histories import NOW, WRITTEN, logged
from tests.servers import Server, backfilled, series
from tests.training import append, printed, swift, swift_eval

Tool = Callable[[str], Path]


def read(paths: Sequence[Path], now: float = NOW) -> Iterator[RecordSamples]:
    """The samples of all logs there."""
    for history in histories([str(path) for path in paths], Settings(), None, now):
        if isinstance(history, RunHistory):
            yield from history.samples(0.0, now)


def written(format_: str, *paths: Path, now: float = NOW) -> bytes:
    """What the command writes."""
    out = io.BytesIO()
    with closing(history_files.FORMATS[format_](out)) as writer:
        for samples in read(paths, now):
            writer.write(samples)
        writer.finish()
    return out.getvalue()


Points = dict[str, list[tuple[int, float]]]
"""Milliseconds and values, by the series as one writes it."""


def points(records: Iterator[RecordSamples]) -> Points:
    """All samples as they should be found again."""
    found: Points = defaultdict(list)
    for record in records:
        for key, value in record.values.items():
            labels = {"job": HISTORY_JOB, "run": label_value(record.run), **dict(key.labels)}
            found[series(key.metric.sample_name, labels)].append((record.time_ms, value))
    return found


def same(found: Points, expected: Points) -> bool:
    """Whether they are equal, NaN to NaN."""
    return repr(sorted(found.items())) == repr(sorted(expected.items()))


def families_of(text: str) -> Iterator[Any]:
    """As the Prometheus project's own client reads them."""
    return text_string_to_metric_families(text)  # type: ignore[no-any-return,no-untyped-call]


class TestOpenMetrics:
    """The format that `promtool` makes blocks of."""

    def test_another_parser_reads_every_sample_back(self) -> None:
        """The families in one piece each, every value and time exact, by another client."""
        text = written("openmetrics", demo.BUNDLED).decode()
        found: Points = defaultdict(list)
        for family in families_of(text):
            for sample in family.samples:
                at = round(float(sample.timestamp) * 1000)
                found[series(sample.name, sample.labels)].append((at, sample.value))
        assert same(found, points(read([demo.BUNDLED])))
        assert text.endswith("\n# EOF\n")
        heads = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        assert len(heads) == len(set(heads))

    def test_series_that_are_longer_than_what_is_held_stay_in_one_piece(self, tmp_path: Path) -> None:
        """Chunks of one series are found again in their order."""
        log = logged(tmp_path, *map(swift, range(1, 2 * CHUNK_BYTES // 20)))
        lines = written("openmetrics", log).decode().splitlines()
        losses = [line.split() for line in lines if line.startswith("llmtrain_loss{")]
        assert [float(value) for _, value, _ in losses] == [1 / step for step in range(1, len(losses) + 1)]
        assert len(losses) > 1600
        times = [float(time) for _, _, time in losses]
        assert times == sorted(times)

    def test_whoever_cuts_the_seconds_gets_the_millisecond(self) -> None:
        """Prometheus multiplies by 1000 and cuts: no time is one millisecond early."""
        times = range(1_790_000_000_000, 1_790_000_020_000)
        assert [int(float(seconds_text(time)) * 1000) for time in times] == list(times)
        assert all(abs(float(seconds_text(time)) * 1000 - time) < 0.5 for time in times)

    def test_odd_names_and_numbers_are_in_the_words_of_the_format(self, tmp_path: Path) -> None:
        """Quotes, line ends and NULs of a run's name break no line; NaN and infinities have names."""
        assert [number_text(value) for value in (math.nan, math.inf, -math.inf, 0.1)] == [
            *("NaN", "+Inf", "-Inf", "0.1")
        ]
        odd = tmp_path / 'a"b\\c\nd'
        log = append(odd / "logging.jsonl", swift(1, loss=math.nan), swift(2), modified=WRITTEN)
        text = written("openmetrics", log.parent).decode()
        families = {family.name: family for family in families_of(text)}
        losses = families["llmtrain_loss"].samples
        assert {sample.labels["run"] for sample in losses} == {'a"b\\c\ufffdd'}
        assert math.isnan(losses[0].value)

    def test_no_record_is_still_a_document(self) -> None:
        """The end says that all is there."""
        out = io.BytesIO()
        with closing(OpenMetricsWriter(out)) as writer:
            writer.finish()
        assert out.getvalue() == b"# EOF\n"


class TestTables:
    """CSV and JSON lines, a row for each record."""

    def test_csv_has_all_columns_of_all_runs(self, tmp_path: Path) -> None:
        """What a record does not have is empty, NaN is not, and no number loses a digit."""
        logged(tmp_path / "a", swift(1), swift(3, loss=math.nan, kl=1e-17), swift_eval(3))
        append(tmp_path / "b" / "train.log", printed(1), modified=WRITTEN)
        rows = list(csv.DictReader(io.StringIO(written("csv", tmp_path).decode())))
        loss = 'llmtrain_loss{split="train"}'
        assert [(row["run"][0], row["record"], row["step"]) for row in rows] == [
            *(("a", "1", "1"), ("a", "2", "3"), ("a", "3", "3"), ("b", "1", "1"))
        ]
        assert [row[loss] for row in rows] == ["1.0", "NaN", "", "1.0"]
        assert [row['llmtrain_kl{split="train"}'] for row in rows] == ["", "1e-17", "", ""]
        assert rows[2]['llmtrain_loss{split="eval"}'] == repr(2 / 3)
        assert rows[1]["time"] == moment(WRITTEN)
        assert [row["time_source"] for row in rows] == ["clock", "clock", "clock", "guessed"]

    def test_json_lines_say_what_was_not_finite(self, tmp_path: Path) -> None:
        """JSON has no word for it: null, and which of them it was."""
        log = logged(tmp_path, swift(1), swift(2, loss=math.nan, grad_norm=math.inf))
        first, second = map(json.loads, written("jsonl", log).splitlines())
        loss = 'llmtrain_loss{split="train"}'
        assert (first[loss], first["step"], first["record"]) == (1.0, 1, 1)
        assert "non_finite" not in first
        assert (second[loss], second["llmtrain_grad_norm"]) == (None, None)
        assert {loss: "NaN", "llmtrain_grad_norm": "+Inf"}.items() <= second["non_finite"].items()
        assert second["time"] == moment(WRITTEN)

    @pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
    def test_pandas_reads_what_the_samples_say(self, format_: str, tmp_path: Path) -> None:
        """Every value and time of two runs, in whichever table."""
        pandas = pytest.importorskip("pandas")
        if format_ == "parquet":
            pytest.importorskip("pyarrow")
        file = tmp_path / "table"
        file.write_bytes(written(format_, demo.BUNDLED))
        names = ('llmtrain_loss{split="train"}', 'llmtrain_spike_score{metric="loss"}')
        table = {
            # As texts: pandas before 3 reads a number with a digit less than it has, unless asked.
            "csv": lambda: pandas.read_csv(file, dtype=dict.fromkeys(names, str)),
            "jsonl": lambda: pandas.DataFrame(map(json.loads, file.read_text().splitlines())),
            "parquet": lambda: pandas.read_parquet(file),
        }[format_]()
        records = list(read([demo.BUNDLED]))
        assert list(table["record"]) == [record.record for record in records]
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
        times = (time.to_pydatetime() - epoch for time in pandas.to_datetime(table["time"]))
        found = [round(time / timedelta(milliseconds=1)) for time in times]
        assert found == [record.time_ms for record in records]
        for name in names:
            values = [{series_text(key): value for key, value in record.values.items()} for record in records]
            wanted = [each.get(name, math.nan) for each in values]
            assert repr([float(value) for value in table[name]]) == repr(wanted)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class TestCommand:
    """How it is called, and how it ends."""

    def test_the_formats_that_are_offered_are_those_that_are_written(self) -> None:
        """The command line knows their names without loading what writes them."""
        assert set(FORMATS) == set(history_files.FORMATS)

    def test_a_file_comes_whole_and_the_log_stays(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What it has written stands on standard error, so that a pipe gets records alone."""
        log = logged(tmp_path, swift(1), swift(2))
        out = tmp_path / "out.csv"
        out.write_text("old")
        assert run_cli(commands, ["history", str(log), "--format", "csv", "-o", str(out)]) == 0
        assert out.read_text().startswith("run,record,time")
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]
        assert capsys.readouterr() == ("", "2 records of 1 run written\n")

    def test_chosen_metrics_alone_are_written(self, tmp_path: Path) -> None:
        """By flag, as by the setting."""
        out = tmp_path / "out.csv"
        arguments = ["history", str(logged(tmp_path, swift(1))), "--format", "csv", "-o", str(out)]
        assert run_cli(commands, [*arguments, "--history-metric", "loss"]) == 0
        (columns,) = csv.reader(out.read_text().splitlines()[:1])
        assert columns[5:] == [
            *('llmtrain_loss{split="train"}', "llmtrain_resumes_total", "llmtrain_elapsed_seconds")
        ]

    def test_the_log_itself_is_not_overwritten(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A slip of the hand costs no training."""
        log = logged(tmp_path, swift(1))
        before = log.read_bytes()
        assert run_cli(commands, ["history", str(log), "-o", str(log)]) == 64
        assert "is a log that is to be read" in capsys.readouterr().err
        assert log.read_bytes() == before

    def test_what_is_no_log_is_told_and_the_others_are_written(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Exit code 3, as of all commands that read logs."""
        log, out = logged(tmp_path, swift(1)), tmp_path / "out.om"
        assert run_cli(commands, ["history", str(log), str(tmp_path / "gone"), "-o", str(out)]) == 3
        assert "gone" in capsys.readouterr().err
        assert b"llmtrain_loss" in out.read_bytes()

    def test_a_log_that_breaks_the_reading_does_not_stop_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told as broken; what could be read of it, and the others, are there."""
        bad, good = logged(tmp_path / "a", swift(1)), logged(tmp_path / "b", swift(1))
        whole = RunHistory.samples

        def samples(self: RunHistory, monotonic: float, now: float) -> Iterator[RecordSamples]:
            if self.file == str(bad):
                raise ZeroDivisionError
            return whole(self, monotonic, now)

        monkeypatch.setattr(RunHistory, "samples", samples)
        said, out = io.StringIO(), tmp_path / "out"
        wanted = HistoryWanted("jsonl", out, None)
        result = write_history([str(bad), str(good)], Settings(), wanted, said, NOW)
        assert (result.runs, result.records, result.whole) == (1, 1, False)
        assert str(bad) in said.getvalue()
        assert len(out.read_bytes().splitlines()) == 1

    def test_a_full_disk_leaves_what_was_there(self, tmp_path: Path) -> None:
        """Half a history is none."""
        log = logged(tmp_path, swift(1))
        wanted = HistoryWanted("jsonl", tmp_path / "none" / "out", None)
        with pytest.raises(OSError, match="none/out"):
            write_history([str(log)], Settings(), wanted, io.StringIO(), NOW)


def stored(server: Server, run: str, last_ms: int) -> Points:
    """Every sample of a run, by an instant query of a range."""
    query = f"{{{labels_text([('run', run)])}}}[3000d]"
    answer = server.get("/api/v1/query", params={"query": query, "time": (last_ms + 1) / 1000}).json()
    assert answer["status"] == "success", answer
    return {
        series(name_of(item["metric"]), item["metric"]): [
            (round(time * 1000), float(value)) for time, value in item["values"]
        ]
        for item in answer["data"]["result"]
    }


def name_of(labels: dict[str, str]) -> str:
    return labels.pop("__name__")


@pytest.mark.parametrize("version", ["", "3"])
def test_prometheus_has_every_value_time_and_step_of_real_logs(
    version: str, real_tool: Tool, corpus: Path, tmp_path: Path
) -> None:
    """The logs of each producer through promtool into Prometheus, and out by PromQL: all of it, exactly."""
    binary, promtool = real_tool(f"prometheus{version}"), real_tool(f"promtool{version}")
    paths = [demo.BUNDLED, corpus / "produced", corpus / "public" / "tfevents"]
    now = max(path.stat().st_mtime for path in corpus.rglob("*")) + 86400
    by_run: Mapping[str, list[RecordSamples]] = defaultdict(list)
    for samples in read(paths, now):
        by_run[samples.run].append(samples)
    assert len(by_run) > 20
    history = written("openmetrics", *paths, now=now)
    with backfilled(tmp_path, history, binary=binary, promtool=promtool) as server:
        for run, records in by_run.items():
            last_ms = max(record.time_ms for record in records)
            assert same(stored(server, run, last_ms), points(iter(records))), run


def test_the_steps_of_a_log_are_found_by_time(real_tool: Tool, tmp_path: Path) -> None:
    """A query for step and one for loss meet at the same moments: the curve over steps is the log's."""
    log = tmp_path / "w" / "run"
    shutil.copytree(demo.BUNDLED / demo.COLLAPSE, log)
    rows = [json.loads(line) for line in (log / "logging.jsonl").read_text().splitlines()]
    rows = [row for row in rows if "loss" in row]
    binary, promtool = real_tool("prometheus"), real_tool("promtool")
    now = (log / "logging.jsonl").stat().st_mtime + 3600
    (history,) = histories([str(log)], Settings(), None, now)
    exported = written("openmetrics", log, now=now)
    with backfilled(tmp_path, exported, binary=binary, promtool=promtool) as server:
        found: dict[str, Any] = {
            name.partition("{")[0]: dict(values)
            for name, values in stored(server, history.name, round(now * 1000)).items()  # type: ignore[union-attr]
            if name.startswith("llmtrain_step{") or ('split="train"' in name and "llmtrain_loss{" in name)
        }
    curve = [(found["llmtrain_step"][time], loss) for time, loss in sorted(found["llmtrain_loss"].items())]
    steps = [int(row["global_step/max_steps"].split("/")[0]) for row in rows]
    assert curve == list(zip(steps, [row["loss"] for row in rows], strict=True))


def test_parquet_without_its_library_is_told(tmp_path: Path) -> None:
    """In one line, with what to install."""
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'pyarrow' else find(name, *more)\n"
        "from llmtrain_exporter.cli import main; main(sys.argv[1:])"
    )
    arguments = ["history", str(tmp_path), "--format", "parquet", "-o", str(tmp_path / "x")]
    answer = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert answer.returncode == 1
    assert "pip install 'llmtrain-exporter[parquet]'" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_log_of_which_nothing_is_chosen_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a run, and not said to be none; beside one of which something is chosen it is only told."""
    log = logged(tmp_path / "a", *map(swift, range(1, 9)))
    other = logged(tmp_path / "b", *(swift(step, loss=9.0 / step) for step in range(1, 9)), swift_eval(8))
    told = f"{log}: none of its metrics is chosen by --history-metric (or history_metrics): eval*"
    chosen = ("--format", "csv", "--history-metric", "eval*")
    assert run_cli(commands, ["history", str(log), *chosen]) == 3
    assert told in capsys.readouterr().err
    assert run_cli(commands, ["history", str(tmp_path), *chosen]) == 0
    assert told in capsys.readouterr().err
    assert run_cli(commands, ["history", str(log), str(other), *chosen]) == 3


def test_a_log_without_a_record_is_none_whatever_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As without a choice."""
    log = logged(tmp_path, "nothing")
    assert run_cli(commands, ["history", str(log), "--format", "csv", "--history-metric", "eval*"]) == 3
    assert "no run: no training record in it" in capsys.readouterr().err
