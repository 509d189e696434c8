"""`serve`: the exporter."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from llmtrain_exporter.cli.exit_codes import FAILED
from llmtrain_exporter.cli.options import SettingsCommand, config_option, configured, exporter_settings
from llmtrain_exporter.cli.shell import PROGRAM, reporting
from llmtrain_exporter.cli.stopping import until_stopped

if TYPE_CHECKING:
    from llmtrain_exporter.config import Configured, Settings
    from llmtrain_exporter.guard.keep.protector import Protector

NOTHING_TO_WATCH = f"no logs to watch: give files or folders, as in {PROGRAM} serve output/"

log = logging.getLogger(__name__)


@click.command(cls=SettingsCommand, settings=exporter_settings)
@config_option
def serve(config_file: str | None, **flags: object) -> int:
    """Watch files and folders, and serve their metrics to Prometheus.

    Each setting can also be given in the environment, under the name in brackets, or in a file.

    \b
    Examples:
      llmtrain-exporter serve output/
      llmtrain-exporter serve /logs --listen 0.0.0.0:9848 --label team=nlp
      llmtrain-exporter serve output/ --protect
      llmtrain-exporter serve . --stdout-log 'console*.txt' --config llmtrain.yml

    SIGHUP has it read its settings again, with the certificates and users that they name; runs go on as they
    are. What cannot be used is logged, and changes nothing. Another address to listen on needs a new start,
    and so do another state_dir and the first server that history is sent to.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 cannot go on (port in use, ...), 64 wrong usage or settings.
    """
    from llmtrain_exporter.config import ConfigError

    with reporting(ConfigError):
        chosen = _with_paths(configured(flags, config_file))

    def read_again() -> Configured[Settings]:
        from llmtrain_exporter.config import EXPORTER, configure

        return configure(EXPORTER, flags, os.environ, config_file)

    with until_stopped():
        return run_exporter(chosen, _announce, read_again=read_again)
    return 0


def _announce(url: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"Runs at {url}/, metrics at {url}/metrics; Ctrl-C ends this.", err=True)


def run_exporter(
    chosen: Configured[Settings],
    announce: Callable[[str], None],
    any_port: bool = False,
    read_again: Callable[[], Configured[Settings]] | None = None,
) -> int:
    """Serve until something ends it; the exit code. `any_port`: another one where its own is in use.

    `read_again`: the settings as they are when SIGHUP comes. Without it SIGHUP is not heard.
    """
    from llmtrain_exporter import logs
    from llmtrain_exporter.config import ConfigError
    from llmtrain_exporter.serve import service

    def log_as(now: Configured[Settings]) -> None:
        logs.configure(now.settings.log_format, now.settings.log_level, sys.stderr)
        for warning in now.warnings:
            log.warning("%s", warning)

    def renew(change: Callable[[Settings], None]) -> None:
        now = _with_paths(read_again()) if read_again else chosen
        change(now.settings)
        log_as(now)

    log_as(chosen)
    with reporting(ConfigError):
        hears = renew if read_again else None
        protection = _protection(chosen.settings)
        return 0 if service.serve(chosen.settings, announce, any_port, hears, protection) else FAILED


def _protection(settings: Settings) -> Protector | None:
    """Who protects the runs, where that is wanted."""
    if not settings.protect:
        return None
    from llmtrain_exporter.guard.keep.keeping import Bounds
    from llmtrain_exporter.guard.keep.protector import Protector, Wishes

    bounds = Bounds(settings.keep, settings.keep_free)
    return Protector(Wishes(bounds, from_start=settings.keep_from == "start"))


def _with_paths(chosen: Configured[Settings]) -> Configured[Settings]:
    """The same; a ConfigError if there is nothing to watch."""
    from llmtrain_exporter.config import ConfigError

    if not chosen.settings.paths:
        raise ConfigError([NOTHING_TO_WATCH])
    return chosen
