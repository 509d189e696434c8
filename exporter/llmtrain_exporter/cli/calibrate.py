"""`calibrate`: limits learned from own runs."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import click

from llmtrain_exporter.cli.options import lang_option, log_options, settings_for_logs
from llmtrain_exporter.cli.shell import exit_code_is_verdict, reporting
from llmtrain_exporter.knowledge.calibrating import BUDGET


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--output",
    "out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help='Where to write the profile, a file of settings; "-": standard output.',
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0),
    metavar="N",
    default=BUDGET,
    show_default=True,
    help="False alarms in 1,000 records of healthy runs that are put up with.",
)
@click.option(
    "--healthy",
    metavar="GLOB",
    multiple=True,
    help="Names of runs that are healthy, whatever was said of them; others are by how they went.",
)
@click.option("--broken", metavar="GLOB", multiple=True, help="Names of runs that broke.")
@click.option("--name", metavar="NAME", default="own", show_default=True, help="What the profile is called.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@lang_option
@log_options
def calibrate(
    runs: tuple[str, ...],
    out: Path,
    budget: float,
    healthy: tuple[str, ...],
    broken: tuple[str, ...],
    name: str,
    force: bool,
    format_: str,
    lang: str,
    profile: str | None,
    config_file: str | None,
    **flags: object,
) -> int:
    """Learn limits from your own runs, and write them as a profile.

    RUN is a log or a folder with logs. Limits move as little as keeps false alarms within the budget, and no
    further than every broken run is still told, two records later at the most. What each limit cost and
    found is printed, and stands above its number in the file; so does how the limits do in runs that they
    were not learned from.

    Healthy are runs that have ended with nothing critical and no incident, broken are those that check calls
    so. --healthy and --broken say otherwise.

    \b
    Examples:
      llmtrain-exporter calibrate output/ -o profile.yml
      llmtrain-exporter calibrate output/ -o profile.yml --budget 0.5 --broken '*-diverged'
      llmtrain-exporter serve output/ --config profile.yml

    Exit codes: 0 written, 1 the budget cannot be met and nothing is written, 3 a path has no log that can be
    read (the others are learned from), there is no healthy run, or the file cannot be written, 64 wrong usage
    or settings, or a file that is there. 130 ended by Ctrl-C.
    """
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.publish.calibrate.marked import CalibrateError
    from llmtrain_exporter.publish.calibrate.run import CalibrateWanted, run_calibrate

    if not math.isfinite(budget):
        raise click.BadParameter(f"{budget} is no number of false alarms.", param_hint="'--budget'")
    settings = settings_for_logs(profile, config_file, flags)
    wanted = CalibrateWanted(
        out, budget, healthy, broken, name, profile, force, format_ == "json", Lang(lang)
    )
    with exit_code_is_verdict(), reporting(CalibrateError):
        return run_calibrate(runs, settings, wanted, sys.stdout, sys.stderr, time.time())
