"""What people read is written once: no English text stands twice in the files of words."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from llmtrain_exporter import knowledge
from llmtrain_exporter.knowledge import skips
from llmtrain_exporter.knowledge.text import Lang

KNOWLEDGE = Path(str(knowledge.__file__)).parent
FILES = ("story_words", "page_words", "card_words", "report_words", "watch_words")

TWICE = {
    ", ": "Chinese parts clauses by another comma than names",
    "Metrics": "the table of them, and the name of what Prometheus reads",
    "healthy": "the word for a run's health, and the head of a column of ranges",
    "min": "Chinese has a shorter word for minutes with seconds behind them",
    "no run: {reason}": "Chinese says of a file that it is no log, of a missing one only that it is missing",
    "nothing": "no path is watched, and what a list is grouped by where it is not",
    "record": "what a place in a run counts, and the name of an axis",
    "step": "what a place in a run counts, and the name of an axis",
    "verdict": "Chinese has one word for what is thought of a run, and another for a value",
}
"""English texts that may stand twice, and why: one English word has two meanings."""


def texts(file: Path) -> list[tuple[str, str]]:
    """The English texts of a file, each with its place."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if _is_text(node)]
    return [(call.args[0].value, f"{file.name}:{call.lineno}") for call in calls]  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Text"
        and isinstance(node.args[0], ast.Constant)
    )


def twice(files: list[Path]) -> dict[str, list[str]]:
    """English texts that stand more than once, and where."""
    places = defaultdict(list)
    for file in files:
        for text, place in texts(file):
            places[text].append(place)
    return {text: found for text, found in places.items() if len(found) > 1}


def test_no_text_is_written_twice() -> None:
    """What a medium says as others do is a name in `words`; what has two meanings is written down here."""
    found = twice([KNOWLEDGE / f"{name}.py" for name in FILES])
    assert {text: places for text, places in found.items() if text not in TWICE} == {}
    assert TWICE.keys() - found.keys() == set()


def test_a_text_that_is_written_twice_is_found(tmp_path: Path) -> None:
    """In one file or in two, on however many lines."""
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text('A = Text("a", "1")\nB = Text(\n    "a",\n    "2",\n)\nC = Text("c", "3")')
    other.write_text('D = {"x": Text("c", "3")}')
    assert twice([one, other]) == {"a": ["one.py:1", "one.py:2"], "c": ["one.py:6", "other.py:1"]}


@pytest.mark.parametrize("lang", Lang)
def test_every_kind_of_skipped_line_has_its_words(lang: Lang) -> None:
    """One line, and several."""
    assert skips.COUNTS.keys() == skips.REASONS.keys()
    counts = [(counted.of(1, lang), counted.of(27, lang)) for counted in skips.COUNTS.values()]
    assert all(single.startswith("1 ") and several.startswith("27 ") for single, several in counts)
