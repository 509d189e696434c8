"""What a search finds below paths, which log it follows for which run, and why the others are left out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence

from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.checkpoints import current_document
from llmtrain_exporter.ingest.dialect import Role, Shape
from llmtrain_exporter.ingest.discover import Found, Scan
from llmtrain_exporter.ingest.log_ends import read_ends
from llmtrain_exporter.ingest.recognise import NamePatterns
from llmtrain_exporter.ingest.source import completing, evaluation_logs, settings_read
from llmtrain_exporter.knowledge import finding_words as words
from llmtrain_exporter.knowledge import story_words
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import LeftOut, NoRun
from llmtrain_exporter.printable import printable
from llmtrain_exporter.story.no_run import details, format_text, left_out_text, shown
from llmtrain_exporter.story.several import no_run_line
from llmtrain_exporter.watching.on_demand import read_each, read_log
from llmtrain_exporter.watching.rules import RunRules, rules_for_reading
from llmtrain_exporter.write.columns import NBSP, wrapped
from llmtrain_exporter.write.line import line_text
from llmtrain_exporter.write.style import Style

UNREADABLE = 3
"""Exit code when a path has no log that can be read, as of `check`."""

Level = tuple[int, str]
"""A line, and how deep it stands."""


def explain(path: str, settings: Settings, now: float, style: Style) -> tuple[Sequence[str], int]:
    """The lines of all that there is to say of a path, searched as `serve` searches it, and the exit code.

    `now`: Unix time.
    """
    rules = rules_for_reading(settings)
    root = os.path.abspath(path)
    scan = rules.search([root], now, settings.ignore_older, settings.max_depth)
    none = _no_run(root, scan, rules, now)
    told = list(_nothing(none, style)) if none else list(_found(root, scan, rules, style.lang))
    lines = (
        f"{'  ' * depth}{line}"
        for depth, text in told
        for line in wrapped(text, style.width - 2 * depth, whole_paths=True)
    )
    return [f"{line}\n" for line in lines], UNREADABLE if none else 0


def _no_run(root: str, scan: Scan, rules: RunRules, now: float) -> NoRun | None:
    """Why there is no run; a file that somebody names is read to its end for that."""
    if scan.found and os.path.isdir(root):
        return None
    outcomes = list(read_each(read_log, [root], rules, now))
    return next((outcome for outcome in outcomes if isinstance(outcome, NoRun)), None)


def _found(root: str, scan: Scan, rules: RunRules, lang: Lang) -> Iterator[Level]:
    besides = rules.survey(root, scan)
    yield from _summary(root, scan, besides, lang)
    yield from _runs(root, scan, besides, lang)
    yield from _left_out(root, scan, besides, lang)


def _summary(root: str, scan: Scan, besides: Sequence[LeftOut], lang: Lang) -> Iterator[Level]:
    yield 0, f"{printable(root)}: {story_words.RUNS.of(len(scan.found), lang)}"
    if any(left.instead for left in (*scan.passed, *besides)) or any(found.extra for found in scan.found):
        yield 0, words.WHY_FOLLOWED.of(lang)


def _runs(root: str, scan: Scan, besides: Sequence[LeftOut], lang: Lang) -> Iterator[Level]:
    base = root if os.path.isdir(root) else os.path.dirname(root)
    covered: dict[str, dict[str, None]] = defaultdict(dict)
    for left in (*scan.passed, *besides):
        covered[left.instead][left.path] = None
    for found in scan.found:
        yield 0, words.RUN.of(lang).format(run=printable(found.run))
        yield 1, _followed(found, base, lang)
        several = found.dialect.several
        for path in found.parts:
            text = words.TOGETHER if several and several.at_once else words.GOES_ON
            yield 1, _said(text, path, base, lang)
        if found.dialect.shape is Shape.LINES and read_ends(found.path, found.dialect).silent:
            yield 1, words.NO_ROW_SO_FAR.of(lang)
        settings = [_path(path, base) for path in settings_read(found)]
        if settings:
            yield 1, words.SETTINGS_FROM.of(lang).format(paths=", ".join(settings))
        added = completing(found)
        for path in filter(os.path.isfile, found.extra):
            yield 1, _said(words.ADDS if path == added else words.BESIDE, path, base, lang)
        evaluations = evaluation_logs(found)
        for path in covered[found.path]:
            yield 1, _said(words.ADDS if path in evaluations else words.COVERED, path, base, lang)


def _followed(found: Found, base: str, lang: Lang) -> str:
    dialect = found.dialect
    name = os.path.basename(found.file)
    named = dialect.role is not Role.CONSOLE or NamePatterns(dialect.files).fit(name)
    text = words.FOLLOWED.of(lang).format(
        path=_path(found.path, base),
        format=format_text(dialect.name, dialect.files if named else (), lang),
        basis=words.BASES[found.basis.value].of(lang),
    )
    grows = (words.GROWS if dialect.live else words.NOW_AND_THEN).of(lang)
    return f"{text}{story_words.SEMICOLON.of(lang)}{grows}"


def _said(text: Text, path: str, base: str, lang: Lang) -> str:
    return text.of(lang).format(path=_path(path, base))


def _path(path: str, base: str) -> str:
    """Where a log is read, in one piece: a document of checkpoints alone in the newest of them."""
    return shown(current_document(path), base).replace(" ", NBSP)


def _left_out(root: str, scan: Scan, besides: Sequence[LeftOut], lang: Lang) -> Iterator[Level]:
    """What has to do with no run that was found."""
    followed = {found.path for found in scan.found}
    left = [each for each in besides if each.instead not in followed]
    told = [(1, left_out_text(each, root, lang)) for each in left]
    problems = [(1, f"{path}: {printable(problem)}") for path, problem in scan.errors.items()]
    if told or problems:
        yield 0, words.LEFT_OUT_HEAD.of(lang)
        yield from told
        yield from problems


def _nothing(none: NoRun, style: Style) -> Iterator[Level]:
    yield 0, line_text(no_run_line(none, style.lang), style)
    yield from ((1, line) for line in details(none, style.lang))
