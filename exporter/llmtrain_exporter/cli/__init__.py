"""The command line, one module per command, loaded when it is asked for.

What a command needs is loaded when it runs: --help is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from llmtrain_exporter import __version__
from llmtrain_exporter.cli.exit_codes import MISUSED
from llmtrain_exporter.cli.shell import PROGRAM, CommandModules, Commands, run

COMMANDS = (
    "serve",
    "check",
    "watch",
    "report",
    "guard",
    "history",
    "push",
    "replay",
    "demo",
    "setup",
    "calibrate",
    "config",
    "render",
    "relay",
)
"""Each stands under its name in the module of that name here."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the program."""
    sys.exit(run(commands, arguments))


@click.group(cls=Commands, commands=CommandModules(__name__, COMMANDS), invoke_without_command=True)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Reads the logs of LLM fine-tuning runs, and says early when one is dying.

    \b
    Examples:
      llmtrain-exporter demo
      llmtrain-exporter serve output/
      llmtrain-exporter check output/v0-20260131-120000
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(MISUSED)
