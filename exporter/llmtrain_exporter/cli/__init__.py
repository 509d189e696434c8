"""The command line. What a command needs is imported when it runs, so that --help answers at once."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from llmtrain_exporter import __version__
from llmtrain_exporter.cli.relay import relay
from llmtrain_exporter.cli.report import report
from llmtrain_exporter.cli.shell import (
    FAILED,
    MISUSED,
    PROGRAM,
    Commands,
    Failure,
    SettingsCommand,
    config_option,
    configured,
    explain,
    lang_option,
    log_if_debugging,
    logging_steps_option,
    profile_option,
    run,
    stdout_log_option,
    told,
    until_stopped,
)
from llmtrain_exporter.cli.watch import watch

if TYPE_CHECKING:
    from llmtrain_exporter.config import Configured

log = logging.getLogger(__name__)


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


@commands.command(cls=SettingsCommand)
@config_option
def serve(config_file: str | None, **flags: object) -> int:
    """Watch files and folders, and serve their metrics to Prometheus.

    Each setting can also be given in the environment, under the name in brackets, or in a file.

    \b
    Examples:
      llmtrain-exporter serve output/
      llmtrain-exporter serve /logs --listen 0.0.0.0:9848 --label team=nlp
      llmtrain-exporter serve . --stdout-log '*.log' --config llmtrain.yml

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 cannot go on (port in use, ...), 2 wrong settings.
    """
    chosen = configured(flags, config_file)
    if not chosen.settings.paths:
        raise Failure(f"no logs to watch: give files or folders, as in {PROGRAM} serve output/")
    with until_stopped():
        return _serve(chosen, _announce)
    return 0


def _announce(url: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"Metrics at {url}/metrics; Ctrl-C ends this.", err=True)


@commands.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@lang_option
@profile_option
@stdout_log_option
@logging_steps_option
@click.option("--verbose", "-v", is_flag=True, help="Of several runs tell the healthy ones in full too.")
@config_option
def check(
    logs: tuple[str, ...],
    format_: str,
    lang: str,
    profile: str | None,
    verbose: bool,
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
      llmtrain-exporter check output/ --config llmtrain.yml
      llmtrain-exporter check --format json output/ | jq '.runs[].health'

    Exit codes: 0 healthy, 1 watch, 2 broken (or wrong usage), 3 a path has no log that can be read.
    """
    from llmtrain_exporter.publish.check import UNREADABLE, CheckOutput, run_check

    chosen = configured(flags, config_file)
    _warn(chosen)
    if profile is not None and profile not in chosen.settings.known_profiles:
        allowed = ", ".join(chosen.settings.known_profiles)
        raise click.BadParameter(f"must be one of {allowed}, not {profile!r}.", param_hint="'--profile'")
    log_if_debugging(chosen.settings)
    wanted = CheckOutput(format_, lang, verbose)
    try:
        return run_check(logs, chosen.settings, profile, wanted, sys.stdout, sys.stderr)
    except BrokenPipeError:
        raise
    except OSError as error:
        # The usual exit code of a failure is a verdict here.
        raise Failure(explain(error), code=UNREADABLE) from error


@commands.command()
@click.argument("source", metavar="LOG", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--speed", metavar="LINES", default="10", show_default=True, help='Lines per second, or "max".')
@click.option("--interval", "every", metavar="DURATION", help="Time from line to line, instead of --speed.")
@click.option("--limit", metavar="LINES", type=click.IntRange(1), help="Write no more than so many.")
@click.option("--torn", is_flag=True, help="Write lines in pieces, as a reader sees them on a busy disk.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Where --torn tears.")
@click.option("--append", "existing", flag_value="append", help="Go on at the end of a log that is there.")
@click.option("--force", "existing", flag_value="replace", help="Replace a log that is there.")
@click.option("--no-args", is_flag=True, help="Write no args.json with the run's hyper-parameters.")
@click.option("--keep-open", is_flag=True, help="Open the file once and not for each line.")
def replay(
    source: Path,
    folder: Path,
    speed: str,
    every: str | None,
    limit: int | None,
    torn: bool,
    seed: int,
    existing: str | None,
    no_args: bool,
    keep_open: bool,
) -> None:
    """Write a log once more into DIR, line by line, as if it were being trained now.

    \b
    Examples:
      llmtrain-exporter replay run1/logging.jsonl /tmp/watched/run1 --speed 2
      llmtrain-exporter replay run1/logging.jsonl /tmp/watched/run1 --speed max --torn

    Exit codes: 0 written, 1 cannot be read or written, 2 refused or wrong usage, 130 ended by Ctrl-C.
    """
    import random

    from llmtrain_exporter.publish import replay as again

    tears = random.Random(seed) if torn else None  # noqa: S311  # the same tears each time are wanted
    manner = again.Manner(limit, existing or "", not no_args, keep_open, tears)
    with told(again.ReplayError):
        steps = again.replay(source, folder, manner, again.Pace(again.interval(speed, every)))
        _show_progress(steps, source.stat().st_size)


def _show_progress(steps: Iterator[int], total: int) -> None:
    """Take all steps, with a bar if somebody looks; elsewhere click would still print an empty line."""
    if not sys.stderr.isatty():
        deque(steps, maxlen=0)
        return
    with click.progressbar(length=total, file=sys.stderr) as progress:
        for size in steps:
            progress.update(size)


@commands.command()
@click.option("--listen", metavar="HOST:PORT", help="Address to serve on. Another port if this one is taken.")
@click.option("--speed", metavar="LINES", default="5", show_default=True, help="Lines per second of a run.")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the logs here, and leave them there.",
)
def demo(listen: str | None, speed: str, keep: Path | None) -> int:
    """Watch a bundled GRPO run collapse beside a healthy one.

    \b
    Examples:
      llmtrain-exporter demo
      llmtrain-exporter demo --speed 1 --keep /tmp/demo

    Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 cannot go on, 2 wrong usage.
    """
    from llmtrain_exporter.publish.demo import playing, where_to_look
    from llmtrain_exporter.publish.replay import ReplayError, interval

    with until_stopped(), told(ReplayError), playing(keep, interval(speed)) as folder:
        chosen = configured({"paths": (str(folder),), "listen": listen}, None, {})
        return _serve(chosen, lambda url: click.echo(where_to_look(url, folder)), any_port=True)
    return 0


@commands.command(cls=SettingsCommand)
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

    Exit codes: 0 in order, 2 not.
    """
    from llmtrain_exporter import config as settings

    if show == bool(check):
        raise Failure("give either --show or --check FILE")
    if check:
        with told(settings.ConfigError):
            settings.check_file(check)
        click.echo(f"{check}: in order")
        return
    chosen = configured(flags, config_file)
    _warn(chosen)
    click.echo(settings.show(chosen), nl=False)


def _warn(chosen: Configured) -> None:
    for warning in chosen.warnings:
        click.echo(f"Warning: {warning}", err=True)


def _serve(chosen: Configured, announce: Callable[[str], None], any_port: bool = False) -> int:
    from llmtrain_exporter import logs
    from llmtrain_exporter.serve.service import serve
    from llmtrain_exporter.web.web_config import WebConfigError

    settings = chosen.settings
    logs.configure(settings.log_format, settings.log_level, sys.stderr)
    for warning in chosen.warnings:
        log.warning("%s", warning)
    with told(WebConfigError):
        return 0 if serve(settings, announce, any_port) else FAILED


@commands.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; say which files are not up to date.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Only the files in this language.")
@click.option(
    "--grafana-url", metavar="URL", help="Where alerts link to Grafana. [default: http://localhost:3000]"
)
@click.option(
    "--exporter-url",
    metavar="URL",
    help="Where they link to the page of a run; {instance} in it stands for the address that Prometheus "
    "scrapes. [default: http://localhost:9848]",
)
@click.option(
    "--runbook-url",
    metavar="URL",
    help="Where they link to the runbook; {lang} in it stands for en or zh. [default: the exporter's page]",
)
def render(folder: Path, check: bool, lang: str | None, **urls: str | None) -> int:
    """Write the rendered files of the project in DIR from the knowledge tables.

    \b
    Examples:
      llmtrain-exporter render
      llmtrain-exporter render --check
      llmtrain-exporter render --lang zh --grafana-url https://grafana.example.com bundle/

    Exit codes: 0 up to date or written, 1 not up to date (--check) or cannot be written, 2 wrong usage.
    """
    from llmtrain_exporter import bundle
    from llmtrain_exporter.bundle.alerting.places import Places
    from llmtrain_exporter.knowledge.text import Lang

    given = {name.removesuffix("_url"): url.rstrip("/") for name, url in urls.items() if url}
    files = bundle.rendered(Lang(lang) if lang else None, Places(**given))
    paths = list((bundle.outdated if check else bundle.write)(folder, files))
    for path in paths:
        click.echo(f"{path}: {'not up to date' if check else 'written'}")
    return int(check and bool(paths))


commands.add_command(report)
commands.add_command(relay)
commands.add_command(watch)
