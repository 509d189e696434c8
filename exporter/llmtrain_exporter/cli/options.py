"""Options that several commands have, and the settings that they make."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llmtrain_exporter.cli.exit_codes import FAIL_ON
from llmtrain_exporter.cli.shell import reporting
from llmtrain_exporter.knowledge.profile import PROFILES
from llmtrain_exporter.knowledge.variables import PREFIX

if TYPE_CHECKING:
    from llmtrain_exporter.config import Configured, Settings
    from llmtrain_exporter.config.catalogue import Setting
    from llmtrain_exporter.watching.reading_settings import ReadingSettings

_Command = TypeVar("_Command", bound=Callable[..., Any])

config_option = click.option(
    "config_file",
    "--config",
    metavar="FILE",
    help="Settings as YAML; environment and flags go before it. [LLMTRAIN_CONFIG]",
)

LANGUAGES = ("en", "zh")
"""Those of `Lang`, which would load too much for a command line that only helps."""

lang_option = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)

history_metric_option = click.option(
    "--history-metric",
    "history_metrics",
    metavar="GLOB",
    multiple=True,
    help='Metrics that records are to have, such as "loss", "reward*", or without others: "!other"; default: '
    "all.",
)

_LOG_OPTIONS = (
    click.option(
        "--profile",
        metavar="NAME",
        help=f"Kind of training, where the log does not tell: {', '.join(PROFILES)}, or one of your own.",
    ),
    click.option(
        "--stdout-log",
        metavar="GLOB",
        multiple=True,
        help='Odd file names of printed logs; *.log and *.out are found without it. "never": not even those.',
    ),
    click.option(
        "--logging-steps",
        metavar="N",
        type=click.IntRange(1),
        help="Steps per record, where a log does not say.",
    ),
    config_option,
)


def log_options(command: _Command) -> _Command:
    """The options of a command that reads logs by itself, see `settings_for_logs`."""
    for option in reversed(_LOG_OPTIONS):
        command = option(command)
    return command


def fail_on_option(default: str | None) -> Callable[[_Command], _Command]:
    """From which verdict on the exit code says so; without a default from none."""
    return click.option(
        "--fail-on",
        type=click.Choice(list(FAIL_ON)),
        default=default,
        show_default=default is not None,
        help="The mildest verdict that is a failure: exit code 1 for watch, 2 for broken.",
    )


class SettingsCommand(click.Command):
    """A command that takes settings; they are looked up when it is asked for its parameters."""

    def __init__(self, *args: Any, settings: Callable[[], Iterable[Setting]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._settings = settings

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The settings, then what the command itself takes."""
        return [*_parameters(self._settings()), *super().get_params(ctx)]


def _parameters(settings: Iterable[Setting]) -> Iterator[click.Parameter]:
    for setting in settings:
        if setting.text.positional:
            yield click.Argument([setting.key], nargs=-1, metavar=f"[{setting.text.metavar}]...")
        elif setting.flag:
            default = f"default: {setting.default}" if setting.default else ""
            known = "; ".join(filter(None, (default, setting.variable)))
            says_yes = setting.text.is_truth
            yield click.Option(
                [setting.key, setting.flag],
                metavar=setting.text.metavar or None,
                multiple=setting.text.repeated,
                is_flag=says_yes,
                default=None,
                help=f"{setting.description} [{known}]",
            )


def exporter_settings() -> Iterable[Setting]:
    """All settings of the exporter."""
    from llmtrain_exporter.config import EXPORTER

    return EXPORTER.settings


def configured(
    flags: Mapping[str, object], file: str | None, environ: Mapping[str, str] = os.environ
) -> Configured[Settings]:
    """The exporter's settings in force; what is wrong in them is reported."""
    from llmtrain_exporter.config import EXPORTER, ConfigError, configure

    with reporting(ConfigError):
        return configure(EXPORTER, flags, environ, file)


def settings_for_logs(profile: str | None, file: str | None, flags: Mapping[str, object]) -> Settings:
    """The settings for a command with `log_options`; what is wrong in them is reported."""
    chosen = configured(flags, file)
    warn(chosen.warnings)
    known = chosen.settings.known_profiles
    if profile is not None and profile not in known:
        message = f"must be one of {', '.join(known)}, not {profile!r}."
        raise click.BadParameter(message, param_hint="'--profile'")
    _log_if_debugging(chosen.settings)
    return chosen.settings


def settings_for_reading(
    profile: str | None, file: str | None, flags: Mapping[str, object]
) -> ReadingSettings:
    """The same for a command that only reads and judges; where nothing is set, nothing has to be checked."""
    from llmtrain_exporter.watching.reading_settings import NothingSet

    says_something = file or any(flags.values()) or any(name.startswith(PREFIX) for name in os.environ)
    if says_something or (profile is not None and profile not in PROFILES):
        return settings_for_logs(profile, file, flags)
    return NothingSet()


def _log_if_debugging(settings: Settings) -> None:
    """Write a log to standard error where the settings ask for all of it: what a command leaves unsaid."""
    from llmtrain_exporter import logs

    if settings.log_level == "debug":
        logs.configure(settings.log_format, settings.log_level, sys.stderr)


def warn(warnings: Iterable[str]) -> None:
    """Say what is odd, and go on."""
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
