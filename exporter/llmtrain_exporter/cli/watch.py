"""`watch`: a run in the terminal while it trains."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from llmtrain_exporter.cli.shell import (
    Failure,
    config_option,
    configured,
    explain,
    lang_option,
    log_if_debugging,
    logging_steps_option,
    profile_option,
    stdout_log_option,
)

SHORTEST_INTERVAL = 0.05
"""Seconds; looking more often tells nobody anything."""


@click.command()
@click.argument("log", metavar="LOG")
@lang_option
@click.option("--run", metavar="NAME", help="Of a folder with several runs the one to show in full.")
@profile_option
@click.option(
    "--interval", metavar="DURATION", default="1s", show_default=True, help="Time between two looks."
)
@stdout_log_option
@logging_steps_option
@config_option
def watch(
    log: str,
    lang: str,
    run: str | None,
    profile: str | None,
    interval: str,
    config_file: str | None,
    **flags: object,
) -> int:
    """Watch a run in the terminal while it trains, until it is over.

    LOG is a log or a folder with logs, and may not be there yet. Of a folder with several runs the newest
    that is training is shown in full, below an overview of all. Where the output is no terminal there is a
    line for each thing that happens. Ctrl-C ends it early.

    \b
    Examples:
      llmtrain-exporter watch output/v0-20260131-120000
      llmtrain-exporter watch output/ --lang zh
      llmtrain-exporter watch train.log --profile sft | tee events.txt

    Exit codes: 0 healthy, 1 watch, 2 broken (or wrong usage), 3 no log that can be read. Of a folder the
    worst run that was seen training counts; where none was, the one that is shown.
    """
    from llmtrain_exporter.config import seconds
    from llmtrain_exporter.publish.check import UNREADABLE
    from llmtrain_exporter.publish.watch.loop import Clock, WatchRequest, run_watch

    chosen = configured(flags, config_file)
    for warning in chosen.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if profile is not None and profile not in chosen.settings.known_profiles:
        allowed = ", ".join(chosen.settings.known_profiles)
        raise click.BadParameter(f"must be one of {allowed}, not {profile!r}.", param_hint="'--profile'")
    try:
        between = seconds(interval)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--interval'") from None
    log_if_debugging(chosen.settings)
    request = WatchRequest(log, lang, profile, run, max(between, SHORTEST_INTERVAL))
    try:
        with _waiting() as wait:
            return run_watch(request, chosen.settings, sys.stdout, Clock(wait))
    except BrokenPipeError:
        raise
    except OSError as error:
        # The usual exit code of a failure is a verdict here.
        raise Failure(explain(error), code=UNREADABLE) from error


@contextmanager
def _waiting() -> Iterator[Callable[[float], bool]]:
    """A sleep that says whether Ctrl-C or SIGTERM came: no line is cut then, no record half counted.

    Once more ends it at once. A pipe, because a handler that locks can wait for the thread that it stopped.
    """
    reader, writer = os.pipe()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _: FrameType | None) -> None:
        os.write(writer, b"!")
        signal.signal(number, signal.default_int_handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield lambda seconds: bool(select.select([reader], [], [], seconds)[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
