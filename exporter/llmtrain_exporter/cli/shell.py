"""Around the commands: how they end, how mistakes are told, and the settings as parameters."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from llmtrain_exporter.knowledge.profile import PROFILES

if TYPE_CHECKING:
    from llmtrain_exporter.config import Configured, Settings

PROGRAM = "llmtrain-exporter"
FAILED, MISUSED, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


def run(commands: click.Group, arguments: Sequence[str] | None) -> int:
    """Run a command line; its exit code. Without `arguments` those of the process."""
    _open_missing_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files and runs can be anything
    try:
        code = commands.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Failure as failure:
        return _tell(failure.lines, failure.code)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" See {context.command_path} --help." if context else ""
        return _tell([" ".join(error.format_message().split()) + hint], error.exit_code)
    return code if isinstance(code, int) else 0


def _open_missing_streams() -> None:
    """Where a process begins without them, every print would fail, or go to a file opened later."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _tell(lines: Iterable[str], code: int) -> int:
    from llmtrain_exporter.logs import escaped

    for line in lines:
        click.echo(f"Error: {escaped(line)}", err=True)
    return code


class Failure(Exception):  # noqa: N818  # a misuse is no error of the program
    """What cannot be done, line by line, and the exit code that says so."""

    def __init__(self, *lines: str, code: int = MISUSED) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.code = code


class Commands(click.Group):
    """The commands; what goes wrong outside of them becomes one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at its end, and would complain about the closed pipe there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(PIPE_CLOSED)
        except OSError as error:
            raise Failure(explain(error), code=FAILED) from error
        return result


def explain(error: OSError) -> str:
    """What went wrong, with the file where there is one."""
    reason = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason


class SettingsCommand(click.Command):
    """A command that takes every setting; they are looked up when it is asked for its parameters."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The settings, then what the command itself takes."""
        return [*_setting_parameters(), *super().get_params(ctx)]


def _setting_parameters() -> Iterator[click.Parameter]:
    from llmtrain_exporter.config import catalogue

    for setting in catalogue():
        if setting.text.positional:
            yield click.Argument([setting.key], nargs=-1, metavar=f"[{setting.text.metavar}]...")
            continue
        told = [
            part for part in (setting.default and f"default: {setting.default}", setting.variable) if part
        ]
        yield click.Option(
            [setting.key, setting.flag],
            metavar=setting.text.metavar,
            multiple=setting.text.repeated,
            help=f"{setting.description} [{'; '.join(told)}]",
        )


config_option = click.option(
    "config_file",
    "--config",
    metavar="FILE",
    help="Settings as YAML; environment and flags go before it. [LLMTRAIN_CONFIG]",
)

lang_option = click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)

# Of commands that read logs by themselves.
profile_option = click.option(
    "--profile",
    metavar="NAME",
    help=f"Kind of training, where the log does not tell: {', '.join(PROFILES)}, or one of your own.",
)
stdout_log_option = click.option(
    "--stdout-log", metavar="GLOB", multiple=True, help='File names of printed logs, as "*.log".'
)
logging_steps_option = click.option(
    "--logging-steps", metavar="N", type=click.IntRange(1), help="Steps per record, where a log does not say."
)


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C and SIGTERM are the usual end, before and after the server's own look-out for them too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def told(*kinds: type[ValueError]) -> Iterator[None]:
    """Errors of these kinds are people's, and told line by line."""
    try:
        yield
    except kinds as error:
        raise Failure(*str(error).splitlines()) from None


def log_if_debugging(settings: Settings) -> None:
    """Write a log to standard error where the settings ask for all of it: what a command leaves unsaid."""
    from llmtrain_exporter import logs

    if settings.log_level == "debug":
        logs.configure(settings.log_format, settings.log_level, sys.stderr)


def configured(
    flags: Mapping[str, object], file: str | None, environ: Mapping[str, str] = os.environ
) -> Configured:
    """The settings in force; what is wrong in them is told."""
    from llmtrain_exporter.config import ConfigError, configure

    with told(ConfigError):
        return configure(flags, environ, file)
