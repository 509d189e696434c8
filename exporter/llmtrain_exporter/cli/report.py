"""`report`: the whole analysis in a file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from llmtrain_exporter.cli.exit_codes import NO_VERDICT, gated
from llmtrain_exporter.cli.extras import require
from llmtrain_exporter.cli.options import fail_on_option, lang_option, log_options, settings_for_reading
from llmtrain_exporter.cli.shell import exit_code_is_verdict, reporting


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
@click.option("--full", is_flag=True, help="Unfold the appendix, so that paper has it, too.")
@lang_option
@fail_on_option(None)
@log_options
def report(
    logs: tuple[str, ...],
    out: Path,
    full: bool,
    lang: str,
    fail_on: str | None,
    profile: str | None,
    config_file: str | None,
    **flags: object,
) -> int:
    """Write the whole analysis of logs, with charts.

    What each metric means and how the run did on it, every surge and drop, what broke first, the likely
    causes, what to change with the flags of the trainer, which checkpoint to take, and what the log does not
    say. The verdict is that of check.

    On paper a run takes two to three pages; what they rest on (each incident, surge and metric) is folded
    behind them, and printed where it is opened, or written with --full.

    LOG is a log or a folder with logs; of several runs the report begins with a comparison. A file that is
    there already is replaced.

    \b
    It needs pandas and matplotlib:
      pip install 'llmtrain-exporter[report]'

    \b
    Examples:
      llmtrain-exporter report output/v0-20260131-120000 -o report.html
      llmtrain-exporter report train.log --profile sft --lang zh -o report.md
      llmtrain-exporter report output/run1 output/run2 -o comparison.html --fail-on broken

    Exit codes: 0 written, whatever the verdict; with --fail-on 1 watch and 2 broken, as check. 3 a path has
    no log that can be read (the report tells of the others), or the report cannot be written. 64 wrong usage
    or settings.
    """
    require("report", ("pandas", "matplotlib"), "report", NO_VERDICT)
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.publish.report.write import ReportError, Wanted, run_report

    settings = settings_for_reading(profile, config_file, flags)
    wanted = Wanted(out, Lang(lang), profile, full)
    with exit_code_is_verdict(), reporting(ReportError):
        return gated(run_report(logs, settings, wanted, sys.stdout, sys.stderr, time.time()), fail_on)
