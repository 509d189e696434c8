"""How a training is started again: its command with other settings, and what is done inside of it instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmtrain_exporter.guard.launch.changed_commands import changed
from llmtrain_exporter.guard.launch.command_lines import Program, TrainingCommand
from llmtrain_exporter.guard.launch.rescue import RATE, SEED, SKIPPING
from llmtrain_exporter.guard.options import GuardOptions
from llmtrain_exporter.knowledge import rescue_words as words
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.knowledge.rescuing import RATE as RATE_CUT
from llmtrain_exporter.knowledge.text import Text, written
from llmtrain_exporter.model.guarded import SettingChange

RESUME = "resume_from_checkpoint"

LIVE = ("max_grad_norm", "beta")
"""Settings that trainers read each time, so that they can be set from inside."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is started: a command, with options for the guard inside.

    `copy`: a file of settings to write first. `unchanged`: settings that should be otherwise, each with the
    reason why they are not. `inside`: those that are set in the training, where the command has no flag.
    """

    words: tuple[str, ...]
    options: GuardOptions
    copy: tuple[Path, str] | None = None
    unchanged: Mapping[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()


def started_again(
    command: TrainingCommand,
    changes: Mapping[str, SettingChange],
    checkpoint: Path,
    options: GuardOptions,
    where: tuple[Path, str],
) -> Start:
    """The command so that it goes on from a checkpoint, with all that rescues have changed so far.

    `options`: those of this attempt; `where`: the training's output folder, and its kind.
    """
    folder, kind = where
    named, nameless = _named(command, changes, kind)
    suffix = command.file.path.suffix if command.file is not None else ".yaml"
    copy = folder / KEPT_FOLDER / f"rescue-{options.attempt}{suffix}"
    done = changed(command, {**named, **_to_go_on(command, checkpoint, folder)}, copy)
    rate_name = command.producer.spelled(RATE, kind) or RATE
    scaled = RATE in changes and (rate_name in done.refused or RATE in nameless)
    refused = {name: why for name, why in done.refused.items() if name in named and name != rate_name}
    unchanged = {name: why for name, why in {**nameless, **refused}.items() if name != RATE}
    settings = _set_inside(command, changes, unchanged)
    inside = replace(
        options,
        resume_from=str(checkpoint),
        scale_learning_rate=_scale(changes, scaled, options),
        rates_before=_before(changes, options.attempt),
        settings=settings,
        skip_bad_updates=options.skip_bad_updates or SKIPPING in changes,
    )
    left = {name: why for name, why in unchanged.items() if name not in settings}
    return Start(done.words, inside, done.copy, left, (*([RATE] if scaled else []), *settings))


def goes_on_from_checkpoints(command: TrainingCommand) -> bool:
    """Whether that kind of training can; source: LLaMA-Factory's hparams/parser.py, train/ppo/trainer.py."""
    if command.program is not Program.LLAMAFACTORY:
        return True
    stage, tuning = command.setting("stage"), command.setting("finetuning_type")
    return stage != "ppo" and not (stage == "rm" and tuning in ("full", "freeze"))


def data_order(command: TrainingCommand, changes: Mapping[str, SettingChange]) -> Text:
    """In which order samples come after the checkpoint."""
    if SEED in changes:
        return words.ORDER_SHUFFLED
    skips_none = command.setting("ignore_data_skip") in ("true", "True", "1")
    return words.ORDER_BEGINS if skips_none else words.ORDER_GOES_ON


def _named(
    command: TrainingCommand, changes: Mapping[str, SettingChange], kind: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The new values by the names that the command has for them; and those for which it has none."""
    named, nameless = {}, {}
    for setting, change in changes.items():
        if setting == SKIPPING:
            continue
        name = setting if setting == SEED else command.producer.spelled(setting, kind)
        if not name:
            nameless[setting] = f"{command.program.value} has no such setting"
        elif change.after is not None:
            named[name] = written(change.after)
    if SEED in named and command.setting("data_seed") is not None:
        named["data_seed"] = named[SEED]
    return named, nameless


def _to_go_on(command: TrainingCommand, checkpoint: Path, folder: Path) -> dict[str, str]:
    """What has a training go on from a checkpoint, in the same folder.

    ms-swift would make another folder. With --resume_only_model it would take the checkpoint for the
    reference of the KL penalty as well, and lose its anchor without a word. Source: its sft_args.py.
    """
    found = {RESUME: str(checkpoint)}
    if command.program is Program.SWIFT:
        found |= {"output_dir": str(folder), "add_version": "false"}
        if command.setting("resume_only_model") is not None:
            found["resume_only_model"] = "false"
    return found


def _set_inside(
    command: TrainingCommand, changes: Mapping[str, SettingChange], unchanged: Mapping[str, str]
) -> dict[str, float]:
    """Of what the command has no flags for that which a trainer reads while it trains."""
    if command.program not in (Program.SCRIPT, Program.OTHER):
        return {}
    values = {name: changes[name].after for name in LIVE if name in unchanged and name in changes}
    return {name: float(value) for name, value in values.items() if isinstance(value, (int, float))}


def _scale(changes: Mapping[str, SettingChange], scaled: bool, options: GuardOptions) -> float | None:
    """The learning rate that has to be in force, as a multiple of the trainer's argument.

    1 where that is the new one already: a checkpoint brings the old one back.
    """
    change = changes.get(RATE)
    if change is None:
        return options.scale_learning_rate
    if not scaled and change.after is not None:
        return 1.0
    if isinstance(change.before, float) and isinstance(change.after, float) and change.before > 0:
        return float(f"{change.after / change.before:.6g}")
    return float(f"{RATE_CUT**options.attempt:.6g}")


def _before(changes: Mapping[str, SettingChange], attempt: int) -> tuple[float, ...]:
    """The learning rates of the attempts before, the first one's first; none where that is not known."""
    before = changes[RATE].before if RATE in changes else None
    if not isinstance(before, float) or before <= 0:
        return ()
    return tuple(float(f"{before * RATE_CUT**at:.6g}") for at in range(max(attempt, 1)))


def settings_in_words(changes: Mapping[str, SettingChange]) -> Sequence[str]:
    """Each change as "learning_rate 0.003 -> 0.0003"."""
    return [
        f"{name} {_value(change.before)} -> {_value(change.after)}"
        for name, change in changes.items()
        if change.after is not None
    ]


def _value(value: float | str | None) -> str:
    return "?" if value is None else written(value)
