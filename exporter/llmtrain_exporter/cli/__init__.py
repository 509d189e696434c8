"""The command line, one module per command. What a command needs is loaded when it runs: --help is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from llmtrain_exporter import __version__
from llmtrain_exporter.cli.calibrate import calibrate
from llmtrain_exporter.cli.check import check
from llmtrain_exporter.cli.config import config
from llmtrain_exporter.cli.demo import demo
from llmtrain_exporter.cli.exit_codes import MISUSED
from llmtrain_exporter.cli.guard import guard
from llmtrain_exporter.cli.history import history
from llmtrain_exporter.cli.push import push
from llmtrain_exporter.cli.relay import relay
from llmtrain_exporter.cli.render import render
from llmtrain_exporter.cli.replay import replay
from llmtrain_exporter.cli.report import report
from llmtrain_exporter.cli.serve import serve
from llmtrain_exporter.cli.setup import setup
from llmtrain_exporter.cli.shell import PROGRAM, Commands, run
from llmtrain_exporter.cli.watch import watch


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the program."""
    sys.exit(run(commands, arguments))


@click.group(cls=Commands, invoke_without_command=True)
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


for _command in (
    serve,
    check,
    watch,
    report,
    guard,
    history,
    push,
    replay,
    demo,
    setup,
    calibrate,
    config,
    render,
    relay,
):
    commands.add_command(_command)
