"""`serve`: the exporter."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from llmtrain_exporter.cli.exit_codes import FAILED
from llmtrain_exporter.cli.options import SettingsCommand, config_option, configured, exporter_settings
from llmtrain_exporter.cli.shell import PROGRAM, Failure, reporting
from llmtrain_exporter.cli.stopping import until_stopped

if TYPE_CHECKING:
    from llmtrain_exporter.config import Configured, Settings

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
      llmtrain-exporter serve . --stdout-log '*.log' --config llmtrain.yml

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 cannot go on (port in use, ...), 64 wrong usage or settings.
    """
    chosen = configured(flags, config_file)
    if not chosen.settings.paths:
        raise Failure(f"no logs to watch: give files or folders, as in {PROGRAM} serve output/")
    with until_stopped():
        return run_exporter(chosen, _announce)
    return 0


def _announce(url: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"Metrics at {url}/metrics; Ctrl-C ends this.", err=True)


def run_exporter(
    chosen: Configured[Settings], announce: Callable[[str], None], any_port: bool = False
) -> int:
    """Serve until something ends it; the exit code. `any_port`: another one where its own is in use."""
    from llmtrain_exporter import logs
    from llmtrain_exporter.config import ConfigError
    from llmtrain_exporter.serve import service

    settings = chosen.settings
    logs.configure(settings.log_format, settings.log_level, sys.stderr)
    for warning in chosen.warnings:
        log.warning("%s", warning)
    with reporting(ConfigError):
        return 0 if service.serve(settings, announce, any_port) else FAILED
