"""`watch`: a run in the terminal while it trains."""

from __future__ import annotations

import sys

import click

from llmtrain_exporter.cli.options import lang_option, log_options, settings_for_logs
from llmtrain_exporter.cli.shell import exit_code_is_verdict
from llmtrain_exporter.cli.stopping import interruptible_sleep

SHORTEST_INTERVAL = 0.05
"""Seconds; looking more often tells nobody anything."""


@click.command()
@click.argument("log", metavar="LOG")
@lang_option
@click.option("--run", metavar="NAME", help="Of a folder with several runs the one to show in full.")
@click.option(
    "--interval", metavar="DURATION", default="1s", show_default=True, help="Time between two looks."
)
@log_options
def watch(
    log: str,
    lang: str,
    run: str | None,
    interval: str,
    profile: str | None,
    config_file: str | None,
    **flags: object,
) -> int:
    """Watch a run in the terminal while it trains, until it is over.

    LOG is a log or a folder with logs, and may not be there yet. Of a folder with several runs the one in
    most trouble that is training is shown in full, of equally bad ones the newest, below an overview of all;
    Up and Down (k, j) show another one, a goes back, q ends. Where the output is no terminal there is a line
    for each thing that happens. Ctrl-C ends it early.

    \b
    Examples:
      llmtrain-exporter watch output/v0-20260131-120000
      llmtrain-exporter watch output/ --lang zh
      llmtrain-exporter watch train.log --profile sft | tee events.txt

    Exit codes: 0 healthy, 1 watch, 2 broken, 3 no log that can be read, 64 wrong usage or settings. Of a
    folder the worst run that was seen training counts; where none was, the one that is shown.
    """
    from llmtrain_exporter.publish.watch.keyboard import keyboard
    from llmtrain_exporter.publish.watch.loop import Clock, WatchRequest, run_watch

    settings = settings_for_logs(profile, config_file, flags)
    request = WatchRequest(log, lang, profile, run, max(_seconds(interval), SHORTEST_INTERVAL))
    with exit_code_is_verdict(), keyboard() as keys, interruptible_sleep(*keys.files) as wait:
        return run_watch(request, settings, sys.stdout, Clock(wait), keys)


def _seconds(interval: str) -> float:
    from llmtrain_exporter.config import seconds

    try:
        return seconds(interval)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--interval'") from None
