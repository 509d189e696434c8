"""What was learned, for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmtrain_exporter.knowledge.signal import Bound
from llmtrain_exporter.printable import printable
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog
from llmtrain_exporter.publish.calibrate.learned import Learned, SignalFigures
from llmtrain_exporter.publish.calibrate.moves import Move

Object = Mapping[str, object]


def learned_object(lessons: Mapping[str, Learned], left_out: Sequence[KeptLog]) -> Object:
    """What was learned, by the names of new profiles, and the runs that it was not learned from."""
    return {
        "profiles": [_profile(name, each) for name, each in lessons.items()],
        "not_learned_from": _names(left_out),
    }


def _profile(name: str, each: Learned) -> Object:
    seen = each.unseen
    return {
        "profile": name,
        "inherits": each.profile.name,
        "healthy": _names(each.healthy),
        "broken": _names(each.broken),
        "records": each.records,
        "missing_records": each.missing,
        "budget": each.budget,
        "within_budget": each.within_budget,
        "false_alarms": _before_after(each.alarms) | {"unseen": seen and seen.alarms},
        "found": _before_after(each.found) | {"unseen": seen and seen.found},
        "signals": [_signal(figures, each) for figures in each.signals],
    }


def _signal(figures: SignalFigures, each: Learned) -> Object:
    bounds = each.profile.limits[figures.signal]
    return {
        "signal": figures.signal,
        "changes": [
            {"severity": move.severity.value, "before": _bound(bounds[move.severity]), "after": _bound(move)}
            for move in figures.moves
        ],
        "false_alarms": _before_after(figures.alarms),
        "steps_before_critical": _before_after([_by_run(leads, each) for leads in figures.told]),
    }


def _by_run(leads: Mapping[int, int], each: Learned) -> Object:
    return {printable(each.broken[at].run.run): lead for at, lead in leads.items()}


def _names(logs: Sequence[KeptLog]) -> list[str]:
    return [printable(log.run.run) for log in logs]


def _bound(bound: Bound | Move) -> Object:
    return {"limit": bound.limit, "records": bound.records, "within": bound.within or bound.records}


def _before_after(pair: Sequence[object]) -> dict[str, object]:
    before, after = pair
    return {"before": before, "after": after}
