"""The command that writes a report."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from llmtrain_exporter.cli.extras import require
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
    told,
)


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option(
    "-o",
    "--output",
    "out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Where to write it: an .html file, or an .md file with a folder of pictures beside it.",
)
@lang_option
@profile_option
@stdout_log_option
@logging_steps_option
@config_option
def report(
    logs: tuple[str, ...], out: Path, lang: str, profile: str | None, config_file: str | None, **flags: object
) -> int:
    """Write the whole analysis of finished or running logs, with charts.

    What each metric means and how the run did on it, every surge and drop, what broke first, the likely
    causes, what to change with the flags of the trainer, which checkpoint to take, and what the log does not
    say. The verdict is that of check.

    LOG is a log or a folder with logs; of several runs the report begins with a comparison. A file that is
    there already is replaced.

    \b
    It needs pandas and matplotlib:
      pip install 'llmtrain-exporter[report]'

    \b
    Examples:
      llmtrain-exporter report output/v0-20260131-120000 -o report.html
      llmtrain-exporter report train.log --profile sft --lang zh -o report.md
      llmtrain-exporter report output/run1 output/run2 -o comparison.html

    Exit codes: 0 healthy, 1 watch, 2 broken (or wrong usage), 3 a path has no log that can be read, or the
    report cannot be written.
    """
    require("report", ("pandas", "matplotlib"), "report")
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.publish.check import UNREADABLE
    from llmtrain_exporter.publish.report.write import ReportError, Wanted, run_report

    chosen = configured(flags, config_file)
    for warning in chosen.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if profile is not None and profile not in chosen.settings.known_profiles:
        allowed = ", ".join(chosen.settings.known_profiles)
        raise click.BadParameter(f"must be one of {allowed}, not {profile!r}.", param_hint="'--profile'")
    log_if_debugging(chosen.settings)
    wanted = Wanted(out, Lang(lang), profile)
    try:
        with told(ReportError):
            return run_report(logs, chosen.settings, wanted, sys.stdout, sys.stderr, time.time())
    except BrokenPipeError:
        raise
    except OSError as error:
        # The usual exit code of a failure is a verdict here.
        raise Failure(explain(error), code=UNREADABLE) from error
