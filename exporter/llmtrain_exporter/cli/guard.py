"""`guard`: a training that is watched from inside, and saved."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import click

from llmtrain_exporter.cli.exit_codes import NO_VERDICT
from llmtrain_exporter.cli.options import lang_option
from llmtrain_exporter.cli.shell import Failure
from llmtrain_exporter.guard.options import GuardOptions, LiveControl, OnIncident
from llmtrain_exporter.knowledge.rescuing import RESCUES
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang

if TYPE_CHECKING:
    from llmtrain_exporter.guard.launch.supervising import Guarded

NOTHING_TO_RUN = "no command: give it behind --, as in llmtrain-exporter guard -- python train.py"

_DEFAULTS = GuardOptions()
_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_SHARE = click.FloatRange(min=0, min_open=True, max=1)

_LIVE = (
    click.option(
        "--kl-target",
        type=_ABOVE_0,
        metavar="KL",
        help="While it trains: cut the learning rate while kl is above twice this.",
    ),
    click.option(
        "--rate-floor",
        type=_SHARE,
        default=LiveControl().floor,
        show_default=True,
        metavar="SHARE",
        help="With --kl-target: the least share of the given rate.",
    ),
    click.option(
        "--beta-target", type=_ABOVE_0, metavar="KL", help="While it trains: steer beta towards this kl."
    ),
    click.option(
        "--clip-at",
        type=_ABOVE_0,
        metavar="TIMES",
        help="While it trains: clip gradients at so many times their usual norm.",
    ),
)


def _live_options(command: Any) -> Any:
    for option in reversed(_LIVE):
        command = option(command)
    return command


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option(
    "--on-incident",
    type=click.Choice(get_args(OnIncident)),
    default="protect",
    show_default=True,
    help="What to do when the training breaks.",
)
@click.option(
    "--signal", "signals", multiple=True, metavar="NAME", help="Count this signal alone; may be repeated."
)
@click.option(
    "--severity",
    type=click.Choice([severity.value for severity in Severity]),
    default="critical",
    show_default=True,
    help="The mildest severity of a signal that counts.",
)
@click.option(
    "--for",
    "for_records",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Records in a row for which it must hold.",
)
@click.option(
    "--rescues",
    type=click.IntRange(0),
    default=RESCUES,
    show_default=True,
    metavar="N",
    help="With rescue: starts again at most.",
)
@click.option(
    "--keep",
    type=click.IntRange(0),
    default=_DEFAULTS.keep,
    show_default=True,
    metavar="N",
    help="Checkpoints kept from rotation, at most.",
)
@click.option(
    "--keep-free",
    metavar="SIZE",
    help=f"Keep none while less would be free on the disk.  [default: {_DEFAULTS.free_bytes >> 30}GiB]",
)
@click.option(
    "--not-again",
    is_flag=True,
    help="Start nothing where it was stopped for good before: for schedulers that try again.",
)
@click.option(
    "--force-learning-rate",
    is_flag=True,
    help="Where it goes on from a checkpoint: the learning rate of the command, not of the checkpoint.",
)
@click.option("--skip-bad-updates", is_flag=True, help="Skip an update whose gradient is broken.")
@_live_options
@click.option(
    "--dry-run",
    metavar="LOG",
    help="Start nothing: say what would have been done for this log, or folder, of the past.",
)
@lang_option
def guard(command: tuple[str, ...], dry_run: str | None, lang: str, rescues: int, **flags: Any) -> int:
    """Run a training, and save it when it breaks.

    COMMAND is run as it is: its terminal, signals and exit code are its own. A callback inside judges each
    row that is logged, in whatever is built on Transformers: ms-swift, TRL, LLaMA-Factory, Axolotl, your own
    script. A training without an incident is left alone. What was done, and what to do next, stands in
    llmtrain-guard.json in its output folder.

    \b
    --on-incident:
      notify   says so, and records each row in llmtrain.jsonl
      protect  also keeps good checkpoints from rotation, in llmtrain-kept/
      save     writes a snapshot aside, then stops
      stop     stops
      rescue   stops, then starts again from the newest checkpoint that was still good,
               with a tenth of the learning rate and what else the diagnosis proposes

    \b
    Examples:
      llmtrain-exporter guard -- swift rlhf --rlhf_type grpo --model Qwen/Qwen3-8B ...
      llmtrain-exporter guard --on-incident rescue -- torchrun --nproc_per_node 8 train.py
      llmtrain-exporter guard --on-incident stop --signal kl_high -- trl grpo --config grpo.yaml
      llmtrain-exporter guard --on-incident rescue -- llamafactory-cli train sft.yaml
      llmtrain-exporter guard --dry-run output/v0-20260131-120000 --on-incident rescue

    Exit codes: 0 and all others are the command's own, of the last time that it was started; 126 or 127
    where it cannot be started, 75 where nothing is started (--not-again forbids it, or a rescue is running in
    its folder), 64 wrong usage. With --dry-run 3 where there
    is no log that can be read.
    """
    if not command and dry_run is None:
        raise Failure(NOTHING_TO_RUN)
    options = replace(_options(flags), lang=Lang(lang))
    guarded = _guarded(command, options, rescues, flags["not_again"])
    return _dry_run(dry_run, guarded, lang) if dry_run is not None else _run(guarded, lang)


def _options(flags: Mapping[str, Any]) -> GuardOptions:
    from llmtrain_exporter.knowledge.signals import SIGNALS

    unknown = [name for name in flags["signals"] if name not in SIGNALS]
    if unknown:
        known = ", ".join(SIGNALS)
        raise click.BadParameter(f"{unknown[0]!r} is none of {known}.", param_hint="'--signal'")
    asked = [flags[name] for name in ("kl_target", "beta_target", "clip_at")]
    live = LiveControl(
        kl_target=flags["kl_target"],
        floor=flags["rate_floor"],
        beta_target=flags["beta_target"],
        clip_at=flags["clip_at"],
    )
    return GuardOptions(
        on_incident=flags["on_incident"],
        severity=flags["severity"],
        signals=flags["signals"],
        for_records=flags["for_records"],
        skip_bad_updates=flags["skip_bad_updates"],
        live=live if any(each is not None for each in asked) else None,
        keep=flags["keep"],
        free_bytes=_bytes(flags["keep_free"]),
        scale_learning_rate=1.0 if flags["force_learning_rate"] else None,
    )


def _bytes(size: str | None) -> int:
    if size is None:
        return _DEFAULTS.free_bytes
    from llmtrain_exporter.config import size as size_of

    try:
        return size_of(size)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--keep-free'") from None


def _guarded(command: tuple[str, ...], options: GuardOptions, rescues: int, not_again: bool) -> Guarded:
    from pathlib import Path

    from llmtrain_exporter.guard.launch.command_lines import recognised
    from llmtrain_exporter.guard.launch.supervising import Guarded

    return Guarded(recognised(command, Path.cwd()), options, rescues, Path.cwd(), not_again)


def _run(guarded: Guarded, lang: str) -> int:
    from llmtrain_exporter.guard.launch.launcher import NotStartedError
    from llmtrain_exporter.guard.launch.program import run_guarded

    try:
        return run_guarded(guarded, lang).repeat()
    except NotStartedError as error:
        raise Failure(str(error), code=error.code) from None


def _dry_run(log: str, guarded: Guarded, lang: str) -> int:
    from llmtrain_exporter.guard.launch.program import run_dry

    return 0 if run_dry(log, guarded, lang, sys.stdout) else NO_VERDICT
