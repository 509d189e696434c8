"""The verdict on runs as a person reads it in a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from exporter.analyse import verdict
from exporter.ingest.follow import printable
from exporter.knowledge import words
from exporter.knowledge.text import Lang, Text
from exporter.model import Health, Incident, Kind, Snapshot

Other = tuple[str, str, Mapping[str, int]]
"""A file that is no run: its path, why, and its lines by reason."""


def as_text(runs: Sequence[Snapshot], others: Sequence[Other], lang: Lang, width: int) -> Iterator[str]:
    """The verdict on each run, and the files that are none; lines of text are `width` columns at most."""
    for at, run in enumerate(runs):
        yield "\n" if at else ""
        yield from (f"{line}\n" for text in _run(run, lang) for line in wrapped(text, width))
    for file, reason, skipped in others:
        yield f"{printable(file)}: {_say(words.NO_RUN, lang, reason=reason)}{_reasons(skipped)}\n"


def _run(run: Snapshot, lang: Lang) -> Iterator[str]:
    yield f"{printable(run.run)}: {words.HEALTH[run.verdict.name.lower()].of(lang)}"
    for part in (_facts, _table, _events, _advice):
        lines = [f"  {line}".rstrip() for line in part(run, lang)]
        yield from lines and [*([] if part is _facts else [""]), *lines]


def _facts(run: Snapshot, lang: Lang) -> Iterator[str]:
    step = str(run.last_step)
    if run.max_steps:
        step = _say(words.OF_STEPS, lang, step=step, max=run.max_steps)
    state = words.STATE[run.state.value].of(lang)
    yield f"{run.dialect}, {run.profile}, {_say(words.AT_STEP, lang, state=state, step=step)}"
    records = {kind.value: run.records.get(kind, 0) for kind in (Kind.TRAIN, Kind.EVAL)}
    yield _say(words.COUNTS, lang, **records)
    for resume in run.resumes:
        yield _say(words.RESUMED, lang, last=resume.last, first=resume.first)
    if run.best is not None:
        yield _say(words.BEST, lang, loss=f"{run.best[0]:.6g}", step=run.best[1])
    if run.skipped:
        yield _say(words.SKIPPED, lang, reasons=_reasons(run.skipped).strip(" ()"))


def _table(run: Snapshot, lang: Lang) -> Iterator[str]:
    """The metrics that matter, and every other that something is said against."""
    head = tuple(word.of(lang) for word in (words.METRIC, words.VALUE, words.RANGE, words.VERDICT))
    rows = [
        (row.name, row.value, row.healthy, words.JUDGED[row.judged].of(lang))
        for row in verdict.rows(run)
        if row.main or row.judged not in ("", "fine")
    ]
    widths = [max(map(_width, column)) for column in zip(head, *rows, strict=True)]
    for cells in (head, *rows):
        yield "  ".join(map(_padded, cells, widths))


def _events(run: Snapshot, lang: Lang) -> Iterator[str]:
    findings = verdict.findings(run, lang)
    if findings:
        yield words.WHAT_HAPPENED.of(lang)
    for incident in run.incidents:
        yield f"  {_incident(incident, lang)}"
        checkpoint = verdict.checkpoint_before(run, incident)
        if checkpoint is not None:
            yield f"  {_say(words.BACK_TO, lang, checkpoint=f'checkpoint-{checkpoint}')}"
    for finding in findings:
        severity, text = words.JUDGED[finding.severity.value].of(lang), printable(finding.text)
        told = _say(words.FINDING, lang, step=finding.step, severity=severity, title=finding.title, text=text)
        yield f"  - {told}"


def _incident(incident: Incident, lang: Lang) -> str:
    lasts = incident.recovery_step is None
    told = _say(
        words.INCIDENT_LASTS if lasts else words.INCIDENT,
        lang,
        onset=incident.onset_step,
        end=incident.recovery_step,
    )
    stages = " -> ".join(f"{words.STAGE[stage].of(lang)} ({step})" for stage, step in incident.stages)
    return f"{told}{words.COMMA.of(lang)}{_say(words.ORDER, lang, stages=stages)}" if stages else told


def _advice(run: Snapshot, lang: Lang) -> Iterator[str]:
    if run.verdict is Health.HEALTHY:
        return
    causes, actions = verdict.causes(run, lang), verdict.actions(run, lang)
    if causes:
        yield words.WHY.of(lang)
        yield from (f"  - {cause}" for cause in causes)
        yield ""
    if actions:
        yield words.WHAT_TO_DO.of(lang)
    for at, action in enumerate(actions, 1):
        changes = "; ".join(_change(each.change, each.flag) for each in action.proposals)
        yield f"  {at}. {action.title}" + (f"{words.COLON.of(lang)}{changes}" if changes else "")
        yield f"     {action.how}"


def _change(change: str, flag: str) -> str:
    return f"{change} ({flag})" if flag else change


def _reasons(skipped: Mapping[str, int]) -> str:
    counts = ", ".join(f"{count} x {reason}" for reason, count in sorted(skipped.items()))
    return f" ({counts})" if counts else ""


def _say(said: Text, lang: Lang, **values: object) -> str:
    return said.of(lang).format(**values)


def _width(text: str) -> int:
    """Columns that a text takes in a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def wrapped(line: str, width: int) -> Iterator[str]:
    """A line as lines of at most `width` columns, those after the first indented like its text."""
    indent = " " * (len(line) - len(line.lstrip(" -")))
    while _width(line) > width:
        fits = max(at for at in range(len(line) + 1) if _width(line[:at]) <= width)
        cut = line.rfind(" ", len(indent) + 1, fits + 1) if line[fits - 1].isascii() else fits
        cut = cut if cut > 0 else fits
        yield line[:cut].rstrip()
        line = indent + line[cut:].lstrip()
    yield line


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
