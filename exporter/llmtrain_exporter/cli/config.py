"""`config`: the settings in force, what is wrong in a file of them, and what they find."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from llmtrain_exporter.cli.options import (
    SettingsCommand,
    config_option,
    configured,
    exporter_settings,
    lang_option,
    warn,
)
from llmtrain_exporter.cli.shell import Failure, reporting

if TYPE_CHECKING:
    from llmtrain_exporter.config import Settings


@click.command(cls=SettingsCommand, settings=exporter_settings)
@click.option("--show", is_flag=True, help="Print the settings in force, and where each comes from.")
@click.option("--check", metavar="FILE", help="Say what is wrong in a file of settings, and do no more.")
@click.option(
    "--explain", metavar="PATH", help="Say what serve would find there and below further PATHs, and why."
)
@lang_option
@config_option
def config(
    show: bool, check: str | None, explain: str | None, lang: str, config_file: str | None, **flags: object
) -> int:
    """Show or check settings, or explain what they find. It takes all of serve, and starts nothing.

    --explain prints the runs below files or folders: which log is followed for each and why, what other logs
    of it add or repeat, what was left out, and what a file would need to be read.

    \b
    Examples:
      llmtrain-exporter config --show > llmtrain.yml
      llmtrain-exporter config --show --config llmtrain.yml --listen :9848
      llmtrain-exporter config --check llmtrain.yml
      llmtrain-exporter config --explain output/ --lang zh
      llmtrain-exporter config --explain output/ /data/runs/

    Exit codes: 0 in order, 3 a path to explain has no log that can be read, 64 wrong usage or settings.
    """
    from llmtrain_exporter import config as settings

    if [show, bool(check), bool(explain)].count(True) != 1:
        raise Failure("give either --show or --check FILE, or --explain PATH")
    if check:
        with reporting(settings.ConfigError):
            settings.check_file(settings.EXPORTER, check)
        click.echo(f"{check}: in order")
        return 0
    chosen = configured(flags, config_file)
    warn(chosen.warnings)
    if explain:
        paths = dict.fromkeys((explain, *_named(flags)))
        return max(_explain(path, chosen.settings, lang) for path in paths)
    click.echo(settings.show(chosen), nl=False)
    return 0


def _named(flags: Mapping[str, object]) -> Sequence[str]:
    """The paths of the command line; those in the file of settings are not what somebody asks about."""
    paths = flags.get("paths")
    return paths if isinstance(paths, tuple) else ()


def _explain(path: str, settings: Settings, lang: str) -> int:
    from llmtrain_exporter.publish.check import style_for
    from llmtrain_exporter.publish.explain import explain

    lines, code = explain(path, settings, time.time(), style_for(lang, sys.stdout))
    click.echo("".join(lines), nl=False)
    return code
