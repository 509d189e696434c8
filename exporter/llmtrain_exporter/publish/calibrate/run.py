"""Logs to a profile of one's own."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from itertools import count
from pathlib import Path
from typing import TextIO

import orjson

from llmtrain_exporter.config import Settings
from llmtrain_exporter.knowledge import calibrate_words as words
from llmtrain_exporter.knowledge import story_words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import NoRun
from llmtrain_exporter.output_file import replacing, target_fault
from llmtrain_exporter.printable import printable
from llmtrain_exporter.progress_line import EVERY_SECONDS, ProgressLine
from llmtrain_exporter.publish.calibrate.kept_log import KeptLog, keep_log
from llmtrain_exporter.publish.calibrate.learned import Learned, learned
from llmtrain_exporter.publish.calibrate.learned_object import learned_object
from llmtrain_exporter.publish.calibrate.marked import CalibrateError, MarkedLogs, marked, unclosed
from llmtrain_exporter.publish.calibrate.profile_file import profile_file, settings_in
from llmtrain_exporter.publish.calibrate.telling import first_names, told
from llmtrain_exporter.publish.check import UNREADABLE, style_for
from llmtrain_exporter.story.several import no_run_text
from llmtrain_exporter.watching.on_demand import missed, read_each
from llmtrain_exporter.watching.rules import rules_for_reading
from llmtrain_exporter.write.columns import columns, wrapped

STDOUT = "-"
NOT_MET = 1
"""Exit code where the budget cannot be met."""


@dataclass(frozen=True, slots=True)
class CalibrateWanted:
    """What is to be learned. `profile` goes before what the settings say; `name`: of the new one."""

    out: Path
    budget: float
    healthy: Sequence[str]
    broken: Sequence[str]
    name: str
    profile: str | None
    force: bool
    as_json: bool
    lang: Lang

    @property
    def to_stdout(self) -> bool:
        """Whether the file goes to standard output, and what people read to standard error."""
        return str(self.out) == STDOUT


def run_calibrate(
    paths: Sequence[str], settings: Settings, wanted: CalibrateWanted, out: TextIO, err: TextIO, now: float
) -> int:
    """Learn limits from logs and write them; the exit code. `now`: Unix time.

    Nothing is written where the budget cannot be met. Raises CalibrateError, and OSError where the file
    cannot be written.
    """
    _demand_name(wanted.name, settings)
    _demand_free(paths, wanted)
    line = ProgressLine(err, time.monotonic, EVERY_SECONDS, columns)
    try:
        logs, others = _read(paths, settings, wanted, line, now)
        runs = marked(logs, wanted.healthy, wanted.broken)
        lessons = [_learned(name, runs, settings, wanted, line) for name in _profiles(runs.healthy)]
    finally:
        line.clear()
    err.writelines(f"{no_run_text(other, wanted.lang)}\n" for other in others)
    named = _named(lessons, wanted)
    _tell(named, runs, wanted, err if wanted.to_stdout else out)
    if not lessons:
        return UNREADABLE
    if not all(each.within_budget for each in lessons):
        return NOT_MET
    _write(profile_file(named, settings.profiles, _are_alike(logs), wanted.lang), wanted, out)
    return UNREADABLE if missed(paths, others) else 0


def _demand_name(name: str, settings: Settings) -> None:
    if not name or not name.isprintable():
        raise CalibrateError(f"--name {name!r}: must be a name that people can read")
    if name in settings.known_profiles:
        raise CalibrateError(f"--name {name}: there is such a profile; choose another name")


def _demand_free(paths: Sequence[str], wanted: CalibrateWanted) -> None:
    if wanted.to_stdout:
        return
    if fault := target_fault(wanted.out, paths, "the profile"):
        raise CalibrateError(fault)
    if wanted.out.exists() and not wanted.force:
        raise CalibrateError(f"{wanted.out}: is there already; --force replaces it")


def _read(
    paths: Sequence[str], settings: Settings, wanted: CalibrateWanted, line: ProgressLine, now: float
) -> tuple[list[KeptLog], list[NoRun]]:
    logs: list[KeptLog] = []
    others: list[NoRun] = []
    for outcome in read_each(keep_log, paths, rules_for_reading(settings, wanted.profile), now):
        if isinstance(outcome, NoRun):
            others.append(outcome)
        else:
            logs.append(outcome)
        line.say(lambda: words.READING.of(wanted.lang).format(n=len(logs)))
    return logs, others


def _profiles(logs: Sequence[KeptLog]) -> Iterator[str]:
    """The profiles that there is something to learn about."""
    yield from dict.fromkeys(log.run.profile for log in logs)


def _learned(
    name: str, runs: MarkedLogs, settings: Settings, wanted: CalibrateWanted, line: ProgressLine
) -> Learned:
    tried = count(1)

    def heard() -> None:
        n = next(tried)
        line.say(lambda: words.LEARNING.of(wanted.lang).format(profile=printable(name), n=n))

    healthy, broken = (
        [log for log in logs if log.run.profile == name] for logs in (runs.healthy, runs.broken)
    )
    return learned(settings.known_profiles[name], healthy, broken, wanted.budget, heard)


def _are_alike(logs: Sequence[KeptLog]) -> bool:
    return len({log.run.profile for log in logs}) == 1


def _named(lessons: Sequence[Learned], wanted: CalibrateWanted) -> Mapping[str, Learned]:
    """The lessons by the names of their new profiles."""
    if len(lessons) == 1:
        return {wanted.name: lessons[0]}
    return {f"{wanted.name}-{each.profile.name}": each for each in lessons}


def _tell(lessons: Mapping[str, Learned], runs: MarkedLogs, wanted: CalibrateWanted, out: TextIO) -> None:
    if wanted.as_json:
        said = learned_object(lessons, runs.others)
        out.write(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    out.writelines(f"{each}\n" for each in _texts(list(lessons.values()), runs, wanted, out))


def _texts(
    lessons: Sequence[Learned], runs: MarkedLogs, wanted: CalibrateWanted, out: TextIO
) -> Iterator[str]:
    style = style_for(wanted.lang.value, out)
    for each in lessons:
        yield from (line for text in told(each, style) for line in wrapped(text, style.width))
        yield ""
    lang = wanted.lang
    if not lessons and (runs.healthy or runs.broken or runs.others):
        yield from wrapped(words.NO_HEALTHY.of(lang), style.width)
    if runs.others:
        names = first_names([printable(log.run.run) for log in runs.others], lang)
        text = words.NOT_USED.of(lang).format(names=names)
        why = words.WHY_NOT_USED.of(lang)
        yield from wrapped(f"{text}{story_words.BETWEEN_SENTENCES[lang]}{why}", style.width)
    if open_ended := [printable(name) for name in unclosed(runs.others)]:
        names, example = first_names(open_ended, lang), shlex.quote(escape(open_ended[0]))
        yield from wrapped(words.NOT_CLOSED.of(lang).format(names=names, example=example), style.width)


def _write(text: str, wanted: CalibrateWanted, out: TextIO) -> None:
    try:
        settings_in(text)
    except ValueError as error:
        raise CalibrateError(f"what was learned cannot be written as settings: {error}") from None
    if wanted.to_stdout:
        out.write(text)
        return
    with replacing(wanted.out) as file:
        file.write(text.encode())
    if not wanted.as_json:
        out.write(words.WRITTEN.of(wanted.lang).format(file=printable(str(wanted.out))) + "\n")
