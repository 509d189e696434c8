"""`history`: every record of logs as a file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from llmtrain_exporter.cli.exit_codes import FAILED, NO_VERDICT
from llmtrain_exporter.cli.extras import require
from llmtrain_exporter.cli.options import history_metric_option, log_options, settings_for_logs
from llmtrain_exporter.cli.shell import Failure, reporting

FORMATS = ("openmetrics", "csv", "jsonl", "parquet")
"""Those of `push.history_files`, which would load too much for a command line that only helps."""


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="openmetrics", show_default=True)
@click.option(
    "-o",
    "--output",
    "out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it, instead of standard output; a file that is there is replaced.",
)
@history_metric_option
@log_options
def history(
    logs: tuple[str, ...],
    format_: str,
    out: Path | None,
    profile: str | None,
    config_file: str | None,
    **flags: object,
) -> int:
    """Write every record of logs with its step and its time.

    The time is that at which it was written. LOG is a log or a folder with logs. Each record has what a
    scrape right after it would have shown of it: what it logs, derived ratios, baselines, spikes, signals.

    openmetrics is for Prometheus' own storage, without a receiver. csv, jsonl and parquet are tables for
    pandas and its like: a row for each record. Parquet needs pyarrow:
    pip install 'llmtrain-exporter[parquet]'

    \b
    Examples:
      llmtrain-exporter history output/ -o history.om
      promtool tsdb create-blocks-from openmetrics history.om /var/lib/prometheus/data
      llmtrain-exporter history train.log --format csv -o train.csv
      llmtrain-exporter history output/ --format jsonl --history-metric 'reward*' | jq .step

    Exit codes: 0 written, 1 cannot be written, 3 a path has no log that can be read (the others are written),
    64 wrong usage or settings.
    """
    if format_ == "parquet":
        require("history --format parquet", ("pyarrow",), "parquet", FAILED)
    if format_ in ("parquet", "openmetrics") and out is None and sys.stdout.isatty():
        raise Failure(f"{format_} on a terminal is of no use: give a file with -o")
    from llmtrain_exporter.push.history_files import HistoryError, HistoryWanted, write_history

    settings = settings_for_logs(profile, config_file, flags)
    wanted = HistoryWanted(format_, out, profile)
    with reporting(HistoryError):
        written = write_history(logs, settings, wanted, sys.stderr, time.time())
    runs, records = written.runs, written.records
    click.echo(f"{records} records of {runs} {'run' if runs == 1 else 'runs'} written", err=True)
    return 0 if written.whole else NO_VERDICT
