"""`push`: every record of logs to a time series database."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import click

from llmtrain_exporter.cli.exit_codes import FAILED, NO_VERDICT
from llmtrain_exporter.cli.options import history_metric_option, log_options, settings_for_logs
from llmtrain_exporter.cli.shell import report_failure, reporting

if TYPE_CHECKING:
    from llmtrain_exporter.config import Settings
    from llmtrain_exporter.config.remote_write import RemoteWriteRule
    from llmtrain_exporter.push.push_logs import Pushed


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option(
    "--to",
    metavar="URL",
    help="Where it takes remote write; a server of the settings is meant by its address or its name.",
)
@click.option(
    "--state-dir",
    metavar="DIR",
    help="Where it keeps up to where each log was sent; without it below ~/.local/state.",
)
@click.option(
    "--give-up",
    metavar="DURATION",
    default="2m",
    show_default=True,
    help="A server that takes nothing for so long is given up.",
)
@history_metric_option
@log_options
def push(
    logs: tuple[str, ...],
    to: str | None,
    give_up: str,
    profile: str | None,
    config_file: str | None,
    **flags: object,
) -> int:
    """Send every record of logs to a time series database.

    Each comes with its step, at the time at which it was written. LOG is a log or a folder with logs. The
    server takes remote write: Prometheus (begun with --web.enable-remote-write-receiver, and with an
    out_of_order_time_window that reaches back to the first record), VictoriaMetrics, Mimir, Thanos. What it
    has already is not sent again. Passwords, tokens, headers and TLS stand in a file, under remote_write.

    \b
    Examples:
      llmtrain-exporter push output/ --to http://prometheus:9090/api/v1/write
      llmtrain-exporter push train.log --to http://victoria:8428/api/v1/write --history-metric 'loss'
      llmtrain-exporter push output/ --config llmtrain.yml

    Exit codes: 0 all was taken, 1 a server did not take all of it (the others are tried), 3 a path has no log
    that can be read (the others are sent), 64 wrong usage or settings.
    """
    from llmtrain_exporter.config import seconds

    settings = settings_for_logs(profile, config_file, flags)
    try:
        patience = seconds(give_up)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--give-up'") from None
    codes = [_push(logs, settings, rule, profile, patience) for rule in _servers(to, settings)]
    return max(codes, key=(0, NO_VERDICT, FAILED).index)


def _push(
    logs: tuple[str, ...], settings: Settings, rule: RemoteWriteRule, profile: str | None, give_up: float
) -> int:
    from llmtrain_exporter.logs import preceded_by
    from llmtrain_exporter.progress_line import ProgressLine
    from llmtrain_exporter.push.push_logs import (
        PROGRESS_SECONDS,
        Outside,
        PushError,
        PushWanted,
        push_logs,
    )
    from llmtrain_exporter.push.remote_write import Clocks
    from llmtrain_exporter.push.senders import state_folder

    folder = state_folder(settings.state_dir, os.environ)
    wanted = PushWanted(rule, folder, profile, give_up)
    progress = ProgressLine(sys.stderr, time.monotonic, PROGRESS_SECONDS)
    clocks = Clocks(time.monotonic, time.time)
    world = Outside(os.environ, clocks, time.sleep, sys.stderr, progress)
    try:
        with preceded_by(progress.clear):
            pushed = push_logs(logs, settings, wanted, world)
    except PushError as error:  # other servers are up perhaps
        return report_failure([str(error)], FAILED)
    click.echo(f"{_summary(pushed)} {rule.destination}", err=True)
    if pushed.dropped:
        return FAILED
    return 0 if pushed.whole else NO_VERDICT


def _summary(pushed: Pushed) -> str:
    runs = f"{pushed.runs} {'run' if pushed.runs == 1 else 'runs'}"
    dropped = ", ".join(f"{records} dropped ({reason})" for reason, records in pushed.dropped.items())
    taken = f"{pushed.records} records of {runs}, {pushed.samples} samples"
    return f"{taken}{f', {dropped}' if dropped else ''}: sent to"


def _servers(to: str | None, settings: Settings) -> list[RemoteWriteRule]:
    """The one that is meant, or those of the settings."""
    from llmtrain_exporter.config import ConfigError

    if to is None:
        if not settings.remote_write:
            raise click.UsageError("no server: give its address with --to, or in the settings.")
        return list(settings.remote_write)
    known = [rule for rule in settings.remote_write if to in (rule.url, rule.destination)]
    if known:
        return known
    with reporting(ConfigError):
        return list(_server(to))


def _server(url: str) -> tuple[RemoteWriteRule, ...]:
    from llmtrain_exporter.config import EXPORTER, configure

    return configure(EXPORTER, {"remote_write": (url,)}, {}, None).settings.remote_write
