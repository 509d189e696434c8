"""Around the commands: how they end, and how mistakes are reported."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

import click

from llmtrain_exporter.cli.exit_codes import FAILED, INTERRUPTED, MISUSED, NO_VERDICT, PIPE_CLOSED

PROGRAM = "llmtrain-exporter"


class Failure(Exception):  # noqa: N818  # a misuse is no error of the program
    """What cannot be done, line by line, and the exit code that says so."""

    def __init__(self, *lines: str, code: int = MISUSED) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.code = code


@contextmanager
def loading() -> Iterator[None]:
    """What is loaded for a command is no garbage: to look for some takes a tenth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


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
        return report_failure(failure.lines, failure.code)
    except click.UsageError as error:
        hint = f" See {error.ctx.command_path} --help." if error.ctx else ""
        return report_failure([_sentence(error) + hint], MISUSED)
    except click.ClickException as error:
        return report_failure([_sentence(error)], FAILED)
    return code if isinstance(code, int) else 0


def _sentence(error: click.ClickException) -> str:
    """What click says of an error, on one line. It ends some of its messages and others not."""
    text = " ".join(error.format_message().split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _open_missing_streams() -> None:
    """Where a process begins without them, every print would fail, or go to a file opened later."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def report_failure(lines: Iterable[str], code: int) -> int:
    """Say what cannot be done; the exit code. For a command that goes on with something else."""
    from llmtrain_exporter.logs import escaped

    for line in lines:
        click.echo(f"Error: {escaped(line)}", err=True)
    return code


class CommandModules(Mapping[str, click.Command]):
    """The commands of a package by their names, each loaded when it is asked for: most runs need one."""

    def __init__(self, package: str, names: Sequence[str]) -> None:
        """Each stands under its name in the module of that name."""
        self._package = package
        self._names = names

    def __getitem__(self, name: str) -> click.Command:
        """Raises KeyError where there is no such command."""
        if name not in self._names:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f"{self._package}.{name}"), name)
        return command

    def __iter__(self) -> Iterator[str]:
        """The names, in their order."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._names)


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
            raise Failure(_explained(error), code=FAILED) from error
        return result


def _explained(error: OSError) -> str:
    """What went wrong, with the file where there is one."""
    reason = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason


@contextmanager
def reporting(*kinds: type[ValueError]) -> Iterator[None]:
    """Errors of these kinds are mistakes of whoever called, and reported line by line."""
    try:
        yield
    except kinds as error:
        raise Failure(*str(error).splitlines()) from None


@contextmanager
def exit_code_is_verdict() -> Iterator[None]:
    """The exit code is a verdict, which the usual code of a failure must not be taken for."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(_explained(error), code=NO_VERDICT) from error
