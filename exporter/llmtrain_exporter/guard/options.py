"""What the guard is asked to do; a launcher hands it to the training in one environment variable."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from llmtrain_exporter.knowledge import guard_limits as limits
from llmtrain_exporter.knowledge.guarding import FREE_BYTES, KEEP
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang

VARIABLE = "LLMTRAIN_GUARD"
"""Environment variable that holds the options as a JSON object."""

OnIncident = Literal["notify", "protect", "save", "stop", "rescue"]


class GuardOptionsError(ValueError):
    """Options that cannot be meant; its text says which, for people."""


@dataclass(frozen=True, slots=True)
class LiveControl:
    """What is changed while the training runs, and between which bounds. None: it is left alone.

    `kl_target`: the learning rate is cut while kl is above twice the target, and rises again, never above the
    given one, while kl is below half of it. `factor`: by how much each time. `floor`: the least share of the
    given rate. `beta_target`: kl that beta is steered to. `clip_at`: max_grad_norm goes down to so many times
    the run's own usual gradient norm, never above the given one.
    """

    kl_target: float | None = None
    factor: float = limits.RATE_FACTOR
    floor: float = limits.RATE_FLOOR
    beta_target: float | None = None
    beta_gain: float = limits.BETA_GAIN
    beta_horizon: float = limits.BETA_HORIZON
    beta_least: float = limits.BETA_LEAST  # times the given beta
    beta_most: float = limits.BETA_MOST
    clip_at: float | None = None


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """What to do on an incident, what counts as one, and what is done besides.

    `severity`: of the signals that count, the least; `signals`: those alone, empty: all that break in an
    incident. `for_records`: training records in a row for which that has to hold. `keep`, `free_bytes`: at
    most so many checkpoints are kept, and none while less would be free on the disk.

    Of a training that was started again: `attempt` is its number, 0 for the first start. Before
    `grace_until_step` it is not stopped. `scale_learning_rate`: the rate that has to be in force, as a
    multiple of the trainer's own argument: 1.0 where the launcher changed the flag, so that not the
    checkpoint's rate wins, 0.1 where the rate stands in the user's script and can only be scaled from here;
    None: whatever the trainer does is right. `rates_before`: what was given when the checkpoint was written,
    as far as is known. `settings`: max_grad_norm and beta that have to be in force,
    where the command has no flags for them. `resume_from`: the checkpoint that the trainer of that output
    folder has to go on from, whatever its script asks for; empty: as the script does.

    `lang`: of what is said in the training's own output; files are in English.
    """

    on_incident: OnIncident = "protect"
    severity: Literal["info", "warning", "critical"] = "critical"
    signals: tuple[str, ...] = ()
    for_records: int = 1
    skip_bad_updates: bool = False
    live: LiveControl | None = None
    keep: int = KEEP
    free_bytes: int = FREE_BYTES
    attempt: int = 0
    grace_until_step: int = 0
    scale_learning_rate: float | None = None
    rates_before: tuple[float, ...] = ()
    resume_from: str = ""
    lang: Lang = Lang.EN
    settings: Mapping[str, float] = field(default_factory=dict)

    def of_another(self) -> GuardOptions:
        """For a training of the same command that was not the one that broke."""
        return replace(
            self,
            attempt=0,
            grace_until_step=0,
            scale_learning_rate=None,
            rates_before=(),
            resume_from="",
            settings={},
        )

    @property
    def stops(self) -> bool:
        """Whether an incident ends the training."""
        return self.on_incident in ("save", "stop", "rescue")

    def to_env(self) -> dict[str, str]:
        """The environment variable that says so."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> GuardOptions | None:
        """What the environment says; None where it says nothing. Raises GuardOptionsError."""
        text = environment.get(VARIABLE)
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError as error:
            raise GuardOptionsError(f"{VARIABLE}: no JSON: {error}") from None
        if not isinstance(found, dict):
            raise GuardOptionsError(f"{VARIABLE}: not a JSON object")
        return _options(found)


def _options(found: Mapping[str, object]) -> GuardOptions:
    """Options by the names of their fields; names of a newer launcher that nobody knows are passed by."""
    known = _known(GuardOptions, found)
    signals = known.get("signals", ())
    live = known.get("live")
    if not isinstance(signals, (list, tuple)) or not all(isinstance(name, str) for name in signals):
        raise GuardOptionsError(f"{VARIABLE}: signals: not a list of names")
    if live is not None and not isinstance(live, dict):
        raise GuardOptionsError(f"{VARIABLE}: live: not an object")
    settings = known.get("settings", {})
    if not isinstance(settings, dict) or not all(_is_number(each) for each in settings.values()):
        raise GuardOptionsError(f"{VARIABLE}: settings: {settings!r} is no object of numbers")
    before = known.get("rates_before", ())
    if not isinstance(before, (list, tuple)) or not all(map(_is_number, before)):
        raise GuardOptionsError(f"{VARIABLE}: rates_before: {before!r} is no list of numbers")
    control = None if live is None else LiveControl(**_numbers(_known(LiveControl, live)))
    given: dict[str, Any] = {
        **known,
        "signals": tuple(signals),
        "rates_before": tuple(before),
        "live": control,
    }
    options = GuardOptions(**given)
    _check(options)
    return replace(options, lang=Lang(options.lang))


def _known(of: type, found: Mapping[str, object]) -> dict[str, object]:
    names = {field.name for field in fields(of)}
    return {name: value for name, value in found.items() if name in names}


def _numbers(found: Mapping[str, object]) -> dict[str, float]:
    """Finite numbers above 0; what is None stays at its default."""
    given = {name: value for name, value in found.items() if value is not None}
    for name, value in given.items():
        if not _is_number(value) or not value > 0:  # type: ignore[operator]
            raise GuardOptionsError(f"{VARIABLE}: {name}: {value!r} is not a number above 0")
    return given  # type: ignore[return-value]


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "on_incident": get_args(OnIncident),
    "severity": tuple(severity.value for severity in Severity),
    "lang": tuple(lang.value for lang in Lang),
}


def _check(options: GuardOptions) -> None:
    for name, choices in _CHOICES.items():
        if getattr(options, name) not in choices:
            raise GuardOptionsError(f"{VARIABLE}: {name}: {getattr(options, name)!r} is none of {choices}")
    for name in ("for_records", "keep", "free_bytes", "attempt", "grace_until_step"):
        value = getattr(options, name)
        if type(value) is not int or value < 0:
            raise GuardOptionsError(f"{VARIABLE}: {name}: {value!r} is not a whole number")
    if not isinstance(options.resume_from, str):
        raise GuardOptionsError(f"{VARIABLE}: resume_from: {options.resume_from!r} is no path")
    scale = options.scale_learning_rate
    if scale is not None and not (_is_number(scale) and scale > 0):
        raise GuardOptionsError(f"{VARIABLE}: scale_learning_rate: {scale!r} is not a number above 0")
    if type(options.skip_bad_updates) is not bool:
        raise GuardOptionsError(f"{VARIABLE}: skip_bad_updates: neither true nor false")
