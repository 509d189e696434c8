"""`check`: the verdict on logs."""

from __future__ import annotations

import sys

import click

from llmtrain_exporter.cli.exit_codes import gated
from llmtrain_exporter.cli.options import fail_on_option, lang_option, log_options, settings_for_reading
from llmtrain_exporter.cli.shell import exit_code_is_verdict, loading


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@lang_option
@click.option(
    "--verbose",
    "-v",
    is_flag=True,
    help="Tell all of a run, however long, and of several the healthy ones too.",
)
@fail_on_option("watch")
@log_options
def check(
    logs: tuple[str, ...],
    format_: str,
    lang: str,
    verbose: bool,
    fail_on: str,
    profile: str | None,
    config_file: str | None,
    **flags: object,
) -> int:
    """Say whether finished or running logs are healthy, and why not.

    LOG is a log or a folder with logs. Of the settings those apply that concern reading and judging: runs,
    profiles, stdout_log, logging_steps.

    \b
    Examples:
      llmtrain-exporter check output/v0-20260131-120000
      llmtrain-exporter check train.log --profile sft --lang zh
      llmtrain-exporter check output/ --config llmtrain.yml --fail-on broken
      llmtrain-exporter check --format json output/ | jq '.runs[].health'

    Exit codes: 0 healthy, 1 watch (0 with --fail-on broken), 2 broken, 3 a path has no log that can be read,
    64 wrong usage or settings. Of several runs the worst counts.
    """
    with loading():
        from llmtrain_exporter.publish.check import CheckOutput, run_check

        settings = settings_for_reading(profile, config_file, flags)
    output = CheckOutput(format_, lang, verbose)
    with exit_code_is_verdict():
        return gated(run_check(logs, settings, profile, output, sys.stdout, sys.stderr), fail_on)
