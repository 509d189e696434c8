"""`config`: the settings in force, and what is wrong in a file of them."""

from __future__ import annotations

import click

from llmtrain_exporter.cli.options import (
    SettingsCommand,
    config_option,
    configured,
    exporter_settings,
    warn,
)
from llmtrain_exporter.cli.shell import Failure, reporting


@click.command(cls=SettingsCommand, settings=exporter_settings)
@click.option("--show", is_flag=True, help="Print the settings in force, and where each comes from.")
@click.option("--check", metavar="FILE", help="Say what is wrong in a file of settings, and do no more.")
@config_option
def config(show: bool, check: str | None, config_file: str | None, **flags: object) -> None:
    """Show or check settings. It takes all of serve, and starts nothing.

    \b
    Examples:
      llmtrain-exporter config --show > llmtrain.yml
      llmtrain-exporter config --show --config llmtrain.yml --listen :9848
      llmtrain-exporter config --check llmtrain.yml

    Exit codes: 0 in order, 64 not.
    """
    from llmtrain_exporter import config as settings

    if show == bool(check):
        raise Failure("give either --show or --check FILE")
    if check:
        with reporting(settings.ConfigError):
            settings.check_file(settings.EXPORTER, check)
        click.echo(f"{check}: in order")
        return
    chosen = configured(flags, config_file)
    warn(chosen.warnings)
    click.echo(settings.show(chosen), nl=False)
