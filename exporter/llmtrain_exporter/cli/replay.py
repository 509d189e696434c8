"""`replay`: a finished log, written once more."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from llmtrain_exporter.cli.shell import reporting


@click.command()
@click.argument("source", metavar="LOG", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--speed", metavar="LINES", default="10", show_default=True, help='Lines per second, or "max".')
@click.option("--interval", "every", metavar="DURATION", help="Time from line to line, instead of --speed.")
@click.option("--limit", metavar="LINES", type=click.IntRange(1), help="Write no more than so many.")
@click.option("--torn", is_flag=True, help="Write lines in pieces, as a reader sees them on a busy disk.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Where --torn tears.")
@click.option("--append", "existing", flag_value="append", help="Go on at the end of a log that is there.")
@click.option("--force", "existing", flag_value="replace", help="Replace a log that is there.")
@click.option("--no-args", is_flag=True, help="Write no args.json with the run's hyper-parameters.")
@click.option("--keep-open", is_flag=True, help="Open the file once and not for each line.")
def replay(
    source: Path,
    folder: Path,
    speed: str,
    every: str | None,
    limit: int | None,
    torn: bool,
    seed: int,
    existing: str | None,
    no_args: bool,
    keep_open: bool,
) -> None:
    """Write a log once more, line by line, as if it trained now.

    It goes into the folder DIR under its own name.

    \b
    Examples:
      llmtrain-exporter replay run1/logging.jsonl /tmp/watched/run1 --speed 2
      llmtrain-exporter replay run1/logging.jsonl /tmp/watched/run1 --speed max --torn

    Exit codes: 0 written, 1 cannot be read or written, 64 refused or wrong usage, 130 ended by Ctrl-C.
    """
    import random

    from llmtrain_exporter.publish import replay as rewriting

    tears = random.Random(seed) if torn else None  # noqa: S311  # the same tears each time are wanted
    manner = rewriting.Manner(limit, existing or "", not no_args, keep_open, tears)
    with reporting(rewriting.ReplayError):
        pace = rewriting.Pace(rewriting.interval(speed, every))
        _show_progress(rewriting.replay(source, folder, manner, pace), source.stat().st_size)


def _show_progress(steps: Iterator[int], total: int) -> None:
    """Take all steps, with a bar if somebody looks; elsewhere click would still print an empty line."""
    if not sys.stderr.isatty():
        deque(steps, maxlen=0)
        return
    with click.progressbar(length=total, file=sys.stderr) as progress:
        for size in steps:
            progress.update(size)
