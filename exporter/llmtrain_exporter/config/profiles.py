"""The operator's own profiles: a built-in one, or another own one, with other limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.messages import suggestion
from llmtrain_exporter.config.values import Name, Number
from llmtrain_exporter.config.yaml_document import Place
from llmtrain_exporter.knowledge.numerals import number
from llmtrain_exporter.knowledge.signal import Bound, Measure, Profile, Severity, Signal
from llmtrain_exporter.knowledge.signals import BUILT_IN, SIGNALS
from llmtrain_exporter.knowledge.text import Text

MOST_RECORDS = 1000
OFF = "off"
CONFIGURED = Text("the configuration", "配置")
"""The source of a number that the operator has set."""

Bounds = Mapping[Severity, Bound]

WrongValue = tuple[Place, object, str]
"""Where something is wrong, its value, and what."""


Records = Annotated[int, Field(strict=True, ge=1, le=MOST_RECORDS)]


class BoundRule(SettingsSection):
    """What is different about the bound of a severity; the rest stays as it is in the base."""

    limit: Number | None = Field(default=None, description="From where on the signal holds.")
    records: Records | None = Field(default=None, description="In how many records it has to.")
    within: Records | None = Field(default=None, description="Of the last how many; all in a row without it.")
    floor: Number | None = Field(default=None, description="What the value itself has to be at least.")

    def changed(self, bound: Bound) -> Bound:
        """A bound with these changes."""
        return bound._replace(**self.model_dump(exclude_none=True), source=CONFIGURED)


def _read_change(value: object) -> object:
    if value is False or value == OFF:  # YAML reads a bare off as false
        return None
    if isinstance(value, BoundRule | dict):
        return value
    if isinstance(value, int | float | str) and value is not True:
        with suppress(ValueError):
            return {"limit": float(value)}
    raise ValueError(f'must be a number, "{OFF}", or a mapping with keys such as limit and records')


def _write_change(change: BoundRule | None) -> object:
    if change is None:
        return OFF
    changes = change.model_dump(exclude_none=True)
    return changes["limit"] if list(changes) == ["limit"] else changes


Change = Annotated[BoundRule | None, BeforeValidator(_read_change), PlainSerializer(_write_change)]
"""None: this severity is switched off."""

Changes = Mapping[str, Change]
"""By severity."""


class ProfileRule(SettingsSection):
    """A profile of the operator's: what it inherits from, and what is different."""

    inherits: Name = Field(description="A built-in profile, or another own one.")
    limits: Mapping[str, Mapping[str, Change]] = Field(
        default={}, description="By signal and severity: the other limit, or off."
    )


def resolve(own: Mapping[str, ProfileRule]) -> tuple[Mapping[str, Profile], list[WrongValue]]:
    """All profiles by name, the built-in ones too, and what is wrong with the own ones."""
    known: dict[str, Profile] = dict(BUILT_IN)
    taken = {name: rule for name, rule in own.items() if name in BUILT_IN}
    problems: list[WrongValue] = [
        (("profiles", name), name, "is a built-in profile; choose another name") for name in taken
    ]
    waiting = {name: rule for name, rule in own.items() if name not in taken}
    while ready := [name for name, rule in waiting.items() if rule.inherits in known]:
        for name in ready:
            rule = waiting.pop(name)
            base = known[rule.inherits]
            problems += _problems(name, rule, base)
            known[name] = _derived(name, rule, base)
    problems += _without_base(waiting, list(dict.fromkeys((*BUILT_IN, *own))))
    return known, problems


def _without_base(waiting: Mapping[str, ProfileRule], names: list[str]) -> Iterator[WrongValue]:
    """Those that inherit from nothing; one that inherits from such a one is not to blame."""
    for name, rule in waiting.items():
        chain = [name]
        while (base := waiting[chain[-1]].inherits) in waiting and base not in chain:
            chain.append(base)
        place = ("profiles", name, "inherits")
        if base == name:
            yield place, base, f"inherits from itself: {' -> '.join([*chain, base])}"
        elif rule.inherits not in waiting:
            others = (other for other in names if other != name)
            yield place, base, f"must be one of {', '.join(others)}"


def _derived(name: str, rule: ProfileRule, base: Profile) -> Profile:
    limits = {signal: _bounds(bounds, rule.limits.get(signal, {})) for signal, bounds in base.limits.items()}
    return Profile(name, base.base, {signal: bounds for signal, bounds in limits.items() if bounds})


def _bounds(bounds: Bounds, changes: Changes) -> dict[Severity, Bound]:
    """A signal's bounds as they are with the changes, those that are switched off left out."""
    changed = {}
    for severity, bound in bounds.items():
        change = changes.get(severity.value, BoundRule())
        if change is not None:
            changed[severity] = change.changed(bound) if severity.value in changes else bound
    return changed


def _problems(name: str, rule: ProfileRule, base: Profile) -> Iterator[WrongValue]:
    for signal, changes in rule.limits.items():
        place = ("profiles", name, "limits", signal)
        if signal not in SIGNALS:
            yield place, signal, f"unknown signal{suggestion(signal, base.limits)}"
        elif signal not in base.limits:
            has = ", ".join(base.limits)
            yield place, signal, f"is no signal of {base.name}, which has {has}"
        else:
            yield from _signal_problems(place, SIGNALS[signal], changes, base.limits[signal])


def _signal_problems(place: Place, signal: Signal, changes: Changes, bounds: Bounds) -> Iterator[WrongValue]:
    wrong = list(_change_problems(place, signal, changes, bounds))
    yield from wrong or _order_problems(place, signal, _bounds(bounds, changes))


def _change_problems(place: Place, signal: Signal, changes: Changes, bounds: Bounds) -> Iterator[WrongValue]:
    has = {severity.value: bound for severity, bound in bounds.items()}
    for severity, change in changes.items():
        if severity not in has:
            yield (*place, severity), severity, f"{signal.name} has no such severity, but {' and '.join(has)}"
        elif change is not None:
            yield from _bound_problems((*place, severity), signal, change, has[severity])


def _order_problems(place: Place, signal: Signal, bounds: Bounds) -> Iterator[WrongValue]:
    for (lesser, first), (worse, second) in pairwise(bounds.items()):
        if first.limit < second.limit if signal.below else first.limit > second.limit:
            one, other = number(first.limit), number(second.limit)
            order = f"{lesser.value} ({one}) has to come before {worse.value} ({other})"
            yield place, first.limit, order


def _bound_problems(place: Place, signal: Signal, change: BoundRule, bound: Bound) -> Iterator[WrongValue]:
    if signal.measure is Measure.TRUTH:
        yield place, OFF, f'{signal.name} has no limit that can be changed; it can be switched "{OFF}"'
        return
    changed = change.changed(bound)
    wrong = None if change.limit is None else _no_sense(signal, change.limit, bound.limit)
    if wrong:
        yield place, change.limit, wrong
    if changed.within and changed.within < changed.records:
        yield place, changed.within, f"within must be at least as many as records ({changed.records})"


def _no_sense(signal: Signal, limit: float, built_in: float) -> str | None:
    """Why a limit cannot be meant, from what it is measured in."""
    if signal.measure is Measure.VALUE:
        share = signal.metrics[0].name.endswith("_ratio")
        return "must be at most 1: it is a share" if share and limit > 1 else None
    if signal.measure is Measure.FALL or (signal.measure is Measure.RATIO and built_in < 1):
        return None if limit < 1 else "must be below 1: it is a share of the run's own level"
    if signal.measure is Measure.RATIO and limit <= 1:
        return "must be above 1: it is so many times the run's own level"
    return None
