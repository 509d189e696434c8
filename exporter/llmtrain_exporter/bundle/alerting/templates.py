"""The annotations of alerts as templates of Prometheus, which asks for the numbers when it tells an alert."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmtrain_exporter.bundle.alerting import promql
from llmtrain_exporter.bundle.alerting.number_forms import Written, unit_of
from llmtrain_exporter.bundle.alerting.places import Places
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.alerting import phrases, times
from llmtrain_exporter.knowledge.alerting.entry import Alert, Scope
from llmtrain_exporter.knowledge.numerals import DIGITS
from llmtrain_exporter.knowledge.signal import Measure, Signal
from llmtrain_exporter.knowledge.signals import SIGNALS
from llmtrain_exporter.knowledge.text import PATTERN, Lang

COLLAPSE = "collapse"
"""The signal that says that several others are there together; beside them it is no news."""

UNKNOWN = "?"
"""Where Prometheus has no number; nobody should see an alert without its links for that."""

_AS_PEOPLE_DO = r"^(-?\d{5,6}) .*|^\S+ (?:-(0)$)?|[+]0?|(e-)0"
"""Of a number without a fraction and with four digits, as "16384 1.638e+04", this leaves what `number`
writes: the first where that has five or six digits, else the other, without what
nobody writes in a power of ten."""

_FORMAT = {
    Written.NUMBER: f'value | printf "%.0[1]f %.{DIGITS}[1]g" | reReplaceAll `{_AS_PEOPLE_DO}` "$1$2$3"',
    Written.WHOLE: 'value | printf "%.0f"',
    Written.BYTES: "value | humanize1024",
    Written.DURATION: "value | humanizeDuration",
    Written.SHARE: "value | humanizePercentage",
}
_NAME = '$one | label "signal"'
_ONE = ("$labels.job", "$labels.instance", "$labels.run", f"({_NAME})")
"""The run, and the signal $one of a list."""

_STAGE = (*_ONE[:3], '($one | label "stage")')
_OF_RUN = ("job", "instance", "run")
_OF_EXPORTER = ("job", "instance")
_OF_SERVER = (*_OF_EXPORTER, "destination")


def annotations_of(alert: Alert, lang: Lang, places: Places) -> dict[str, str]:
    """All annotations of an alert, by name."""
    found = {
        "summary": alert.words.summary.of(lang),
        "description": description(alert, lang),
        "advice": alert.words.advice.of(lang),
        "runbook_url": places.runbook_url(alert, lang),
        **({"dashboard_url": places.dashboard_url(alert, lang)} if places.grafana else {}),
    }
    return found | ({"run_url": places.run_url(lang)} if alert.scope is Scope.RUN else {})


def description(alert: Alert, lang: Lang) -> str:
    """The description with a piece of template in each blank."""
    pieces = blanks(alert, lang)
    return PATTERN.sub(lambda match: pieces[match[1]](), alert.words.description.of(lang))


def blanks(alert: Alert, lang: Lang) -> Mapping[str, Callable[[], str]]:
    """What a description may leave blank, each with what makes the template that asks for it."""
    signal = alert.signal
    return {
        "run": lambda: "{{ $labels.run }}",
        "instance": lambda: "{{ or $labels.instance $labels.job }}",
        "path": lambda: "{{ $labels.path }}",
        "destination": lambda: "{{ $labels.destination }}",
        "step": lambda: _number("llmtrain_signal_step", (*_OF_RUN, "signal"), Written.WHOLE),
        "peak": lambda: _number("llmtrain_signal_peak", (*_OF_RUN, "signal"), _unit(signal)),
        "limit": lambda: _number(
            "llmtrain_limit", (*_OF_EXPORTER, "profile", "signal", "severity"), _unit_of_limit(signal)
        ),
        "last_step": lambda: _number("llmtrain_step", _OF_RUN, Written.WHOLE),
        "silence": lambda: _number(
            "llmtrain_last_record_timestamp_seconds", _OF_RUN, Written.DURATION, "time() - {}"
        ),
        "stopped": lambda: _number("llmtrain_guard_stop_step", _OF_RUN, Written.WHOLE),
        "rescues": lambda: _number("llmtrain_guard_rescues_total", _OF_RUN, Written.WHOLE),
        "onset": lambda: _number("llmtrain_incident_onset_step", _OF_RUN, Written.WHOLE),
        "order": lambda: _listed(
            _asked("llmtrain_incident_stage", _OF_RUN, "sort({} > 0)"), _stage(lang), phrases.ARROW, UNKNOWN
        ),
        "signals": lambda: _signals(lang),
        "errors": lambda: _counts(
            _asked("llmtrain_exporter_errors_total", _OF_EXPORTER, "sort_desc({} > 0)"), "kind", lang
        ),
        "refused": lambda: _counts(
            _asked("llmtrain_exporter_history_dropped_records_total", _OF_SERVER, "sort_desc({} > 0)"),
            "reason",
            lang,
        ),
        "behind": lambda: _number("llmtrain_exporter_history_behind_seconds", _OF_SERVER, Written.DURATION),
        "skipped": lambda: _counts(_skipped(), "run", lang),
        "dropped": lambda: _counts(
            _asked("llmtrain_dropped_series_total", _OF_EXPORTER, "topk(3, {} > 0)"), "run", lang
        ),
        "left_out": lambda: _number(
            "llmtrain_exporter_left_out_files",
            _OF_EXPORTER,
            Written.WHOLE,
            more='reason="max_runs"',
            without="0",
        ),
    }


def _unit(signal: Signal | None) -> Written:
    return unit_of(signal.metrics[0]) if signal else Written.NUMBER


def _unit_of_limit(signal: Signal | None) -> Written:
    if signal is not None and signal.told_in_percent:
        return Written.SHARE
    return _unit(signal) if signal is None or signal.measure is Measure.VALUE else Written.NUMBER


def _asked(metric: str, labels: tuple[str, ...], around: str = "{}", more: str = "") -> str:
    """A query for the series of the alert's own run or exporter. `around`: what is made of them."""
    selector = ",".join([*(f"{label}=%q" for label in labels), *([more] if more else [])])
    return _query(around.format(f"{metric}{{{selector}}}"), *(f"$labels.{label}" for label in labels))


def _query(promql: str, *values: str) -> str:
    """A query with these values for its %q. The string is raw, so that PromQL's quotes stay readable."""
    return f"printf `{promql}` {' '.join(values)} | query"


def _either(cases: Mapping[str, str], otherwise: str = "") -> str:
    """What belongs to the first condition that is true."""
    chain = "".join(
        f"{{{{ {'else if' if at else 'if'} {condition} }}}}{text}"
        for at, (condition, text) in enumerate(cases.items())
    )
    return chain + (f"{{{{ else }}}}{otherwise}" if otherwise else "") + "{{ end }}"


def _number(
    metric: str,
    labels: tuple[str, ...],
    form: Written,
    around: str = "{}",
    more: str = "",
    without: str = UNKNOWN,
) -> str:
    shown = f"{{{{ . | first | {_FORMAT[form]} }}}}" + ("B" if form is Written.BYTES else "")
    query = _asked(metric, labels, around, more)
    return f"{{{{ with {query} }}}}{shown}{{{{ else }}}}{without}{{{{ end }}}}"


def _listed(query: str, entry: str, between: str, without: str) -> str:
    """Every series of a query, written as `entry` in which $one is the series."""
    separator = f"{{{{ if $i }}}}{between}{{{{ end }}}}"
    entries = f"{{{{ range $i, $one := . }}}}{separator}{entry}{{{{ end }}}}"
    return f"{{{{ with {query} }}}}{entries}{{{{ else }}}}{without}{{{{ end }}}}"


def _counts(query: str, label: str, lang: Lang) -> str:
    entry = f'{{{{ $one | label "{label}" }}}} {{{{ $one | {_FORMAT[Written.WHOLE]} }}}}'
    return _listed(query, entry, words.COMMA.of(lang), phrases.NONE.of(lang))


def _skipped() -> str:
    lines = f"increase({{}}[{times.BRIDGE}])"
    return _asked(
        "llmtrain_skipped_lines_total",
        _OF_EXPORTER,
        f"topk(3, sum by (run) ({lines}) > 0)",
        promql.SKIPPED_SELECTOR,
    )


def _stage(lang: Lang) -> str:
    cases = {
        f'eq ($one | label "stage") "{stage}"': stage_name.of(lang)
        for stage, stage_name in words.STAGE.items()
    }
    step = _query("llmtrain_incident_stage_step{job=%q,instance=%q,run=%q,stage=%q}", *_STAGE)
    number = f"{{{{ . | first | {_FORMAT[Written.WHOLE]} }}}}"
    return f"{_either(cases)}{{{{ with {step} }}}} ({number}){{{{ end }}}}"


def _signals(lang: Lang) -> str:
    """The signals that are there, the first one first, each with step, worst value and limit."""
    entry = (
        phrases.SIGNAL.of(lang)
        .replace("{name}", f"{{{{ {_NAME} }}}}")
        .replace("{step}", f"{{{{ $one | {_FORMAT[Written.WHOLE]} }}}}")
        .replace("{peak}", _shown(_query("llmtrain_signal_peak{job=%q,instance=%q,run=%q,signal=%q}", *_ONE)))
        .replace("{limit}", _limit(lang))
    )
    live = f"{promql.SIGNAL_LIVE}{{job=%q,instance=%q,run=%q}} == 1"
    steps = f'llmtrain_signal_step{{job=%q,instance=%q,run=%q,signal!="{COLLAPSE}"}}'
    query = _query(f"sort({steps} and on (job, instance, run, signal) ({live}))", *_ONE[:3], *_ONE[:3])
    return _listed(query, entry, words.SEMICOLON.of(lang), UNKNOWN)


def _limit(lang: Lang) -> str:
    """The limit that was met, of two the worse; nothing for signals that have none."""
    limit = "llmtrain_limit{job=%q,instance=%q,profile=%q,signal=%q}"
    live = f"{promql.SIGNAL_LIVE}{{job=%q,instance=%q,run=%q,signal=%q}} == 1"
    query = _query(
        f"sort_desc({limit} and on (job, instance, signal, severity) ({live}))",
        *(*_ONE[:2], "$labels.profile", _ONE[3], *_ONE),
    )
    around = phrases.ITS_LIMIT.of(lang)
    cases = {
        _is_in(measure): around.replace("{limit}", unit.of(lang)) for measure, unit in phrases.UNITS.items()
    }
    text = _either(cases)
    for name, form in (("{number}", Written.NUMBER), ("{share}", Written.SHARE)):
        text = text.replace(name, f"{{{{ . | first | {_FORMAT[form]} }}}}")
    return f"{{{{ with {query} }}}}{text}{{{{ end }}}}"


def _is_in(measure: Measure) -> str:
    names = "|".join(name for name, signal in SIGNALS.items() if signal.measure is measure)
    return f'match "^({names})$" ({_NAME})'


def _shown(query: str) -> str:
    value = f"{{{{ . | first | {_FORMAT[Written.NUMBER]} }}}}"
    return f"{{{{ with {query} }}}}{value}{{{{ else }}}}{UNKNOWN}{{{{ end }}}}"
