"""A run told once: the tree, its ranks, and its way through JSON whoever sends it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import panels
from llmtrain_exporter.knowledge.remedy import Proposal
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Incident, State, series
from llmtrain_exporter.story import blocks as b
from llmtrain_exporter.story.advice import flags_section
from llmtrain_exporter.story.metrics import metrics_section
from llmtrain_exporter.story.phrase import joined, parts, phrase
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.tree_json import LONGEST_TEXT, MOST_ENTRIES, from_object, to_object
from llmtrain_exporter.story.verdict import Action

from tests.serving import RUN

# Any tree


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=20)


def pieces() -> st.SearchStrategy[b.Piece]:
    steps = st.integers(0, 10**6)
    numbers = st.floats(0, 1)
    return st.one_of(
        texts(),
        st.builds(b.Joint, texts()),
        st.builds(b.Code, texts()),
        st.builds(b.Strong, texts()),
        st.builds(b.Mark, st.sampled_from(["healthy", "broken", "info", "critical"]), texts()),
        st.builds(b.Span, texts(), steps, st.none() | steps),
        st.builds(b.Moment, texts(), numbers),
        st.builds(b.Share, texts(), numbers, st.sampled_from(["healthy", "watch"])),
        st.builds(b.Course, st.lists(numbers, max_size=5).map(tuple), st.booleans(), texts()),
        st.builds(b.Link, texts(), st.just("https://example.org/?a=1&b=<")),
    )


def lines() -> st.SearchStrategy[b.Line]:
    return st.lists(pieces(), max_size=4).map(tuple)


def several(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(entries, max_size=3).map(tuple)


def tables() -> st.SearchStrategy[b.Table]:
    """Tables whose rows have ranks, headings and notes."""
    rows = several(st.tuples(several(lines()), st.integers(0, 9), texts(), lines()))
    return st.builds(table_of, texts(), several(texts()), rows, several(st.integers(0, 4)), texts())


def table_of(
    caption: str, head: tuple[str, ...], rows: Sequence[Any], spare: tuple[int, ...], notes_head: str
) -> b.Table:
    """Each row with its rank, its group and its note."""
    cells, ranks, groups, notes = (tuple(row[at] for row in rows) for at in range(4))
    return b.Table(caption, head, cells, ranks, spare, groups, notes, notes_head)


def plain_blocks() -> st.SearchStrategy[b.Block]:
    items = several(st.builds(b.Item, lines(), several(lines()), st.integers(0, 9)))
    return st.one_of(
        st.builds(b.Paragraph, lines(), st.booleans()),
        st.builds(b.Items, items, st.booleans(), st.booleans(), st.sampled_from(b.Cut)),
        st.builds(b.Facts, several(st.tuples(texts(), lines()))),
        tables(),
        st.builds(b.Command, texts()),
    )


def sections(depth: int = 2) -> st.SearchStrategy[b.Section]:
    inner = plain_blocks() if depth == 0 else plain_blocks() | sections(depth - 1)
    return st.builds(
        b.Section, st.sampled_from(b.Part), st.none() | texts(), several(inner), st.integers(0, 9)
    )


def stories() -> st.SearchStrategy[b.Story]:
    return st.builds(
        b.Story,
        texts(),
        st.sampled_from(["en", "zh"]),
        st.sampled_from(["healthy", "watch", "broken"]),
        texts(),
        several(sections()),
        st.sampled_from(["", "running", "failed"]),
        st.none() | st.builds(b.Item, lines(), several(lines())),
    )


def through_json(story: b.Story) -> b.Story | None:
    return from_object(json.loads(orjson.dumps(to_object(story))))


@given(stories())
def test_a_story_comes_back_from_json_as_it_was(story: b.Story) -> None:
    """Whatever it is made of."""
    assert through_json(story) == story


def test_a_value_that_is_no_number_comes_back_as_one() -> None:
    """JSON has none; the course of a metric has gaps there."""
    line = (b.Course((1.0, math.nan)),)
    section = b.Section(b.Part.METRICS, None, (b.Paragraph(line),))
    back = through_json(b.Story("a", "en", "watch", "", (section,)))
    assert back is not None
    (paragraph,) = back.sections[0].blocks
    assert isinstance(paragraph, b.Paragraph)
    assert isinstance(paragraph.line[0], b.Course)
    assert str(paragraph.line[0].values) == "(1.0, nan)"


# Whoever sends it

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
KEYS = [
    "type",
    "sections",
    "blocks",
    "items",
    "line",
    "more",
    "rows",
    "head",
    "pairs",
    "part",
    "title",
    "rank",
    "text",
    "kind",
    "first",
    "last",
    "at",
    "value",
    "values",
    "url",
    "cut",
    "numbered",
    "ranks",
    "spare",
    "caption",
    "small",
    "run",
    "lang",
    "health",
]
KINDS = [
    "section",
    "paragraph",
    "items",
    "facts",
    "table",
    "command",
    "code",
    "strong",
    "mark",
    "span",
    "moment",
    "share",
    "course",
    "link",
]
LIKE_A_STORY = st.recursive(
    ANYTHING | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=40,
)


@given(LIKE_A_STORY)
def test_what_is_no_story_raises_nothing(raw: object) -> None:
    """Nor does what only looks like one; what is read can be sent on."""
    for content in (raw, {"sections": [raw]}, {"sections": [{"blocks": [raw], "part": raw}]}):
        story = from_object(content)
        assert story is None or through_json(story) is not None


@pytest.mark.parametrize("raw", [None, 1, "", [], {}, {"sections": {}}, {"sections": None}])
def test_what_has_no_sections_is_no_story(raw: object) -> None:
    """Whatever else it has."""
    assert from_object(raw) is None


def only_line(raw: Sequence[object]) -> b.Line:
    """The line that comes of this one."""
    story = from_object({"sections": [{"blocks": [{"type": "paragraph", "line": raw}]}]})
    assert story is not None
    (paragraph,) = story.sections[0].blocks
    assert isinstance(paragraph, b.Paragraph)
    return paragraph.line


def test_texts_are_made_printable_and_cut() -> None:
    """A stranger's text moves no cursor, and fills no message."""
    assert only_line(["\x1b[31m\u202e", "x" * 9999]) == ("\ufffd[31m\ufffd", "x" * LONGEST_TEXT)
    assert only_line([{"type": "code", "text": "a\nb"}]) == (b.Code("a\ufffdb"),)


def test_lists_and_depths_are_bounded() -> None:
    """A sender cannot make the reader work for ever."""
    assert len(only_line(["x"] * 9999)) == MOST_ENTRIES
    deep: dict[str, Any] = {"type": "section", "blocks": []}
    for _ in range(5000):
        deep = {"type": "section", "blocks": [deep]}
    assert from_object({"sections": [deep]}) is not None


def test_what_is_not_known_is_left_out() -> None:
    """A newer exporter may say more than an older relay understands."""
    assert only_line([{"type": "hologram", "text": "x"}, "y"]) == ("y",)
    story = from_object({"sections": [{"blocks": [{"type": "hologram"}], "part": "aura"}], "health": "great"})
    assert story is not None
    assert (story.sections[0].part, story.sections[0].blocks, story.health) == (b.Part.NOTES, (), "")


@pytest.mark.parametrize(
    "piece",
    [
        {"type": "mark", "kind": "great", "text": "x"},
        {"type": "mark", "kind": [], "text": "x"},
        {"type": "span", "first": True, "text": "x"},
        {"type": "moment", "at": None, "text": "x"},
        {"type": "moment", "at": 10**400, "text": "x"},
        {"type": "share", "value": 7, "text": "x"},
        {"type": "link", "url": "javascript:alert(1)", "text": "x"},
        {"type": "link", "url": "https://" + "x" * LONGEST_TEXT, "text": "x"},
    ],
)
def test_a_piece_that_is_not_as_it_should_be_is_only_words(piece: object) -> None:
    """Its words may still tell something."""
    assert only_line([piece]) == ("x",)


# Phrases


def test_a_phrase_holds_pieces_where_its_text_has_placeholders() -> None:
    """Words that meet become one piece; numbers are written, nothing stands for None."""
    text = Text("from {first}: {what}{more} and {n}.", "")
    line = phrase(text, Lang.EN, first="a", what=b.Strong("b"), more=None, n=3)
    assert line == ("from a: ", b.Strong("b"), " and 3.")
    assert joined([("a",), (b.Code("b"),), ("c",)], ", ") == ("a, ", b.Code("b"), ", c")


# A run's


ENDINGS = [
    (State.RUNNING, 60, "healthy", "Recovered at step 60", "第 60 步恢复正常"),
    (State.FAILED, 60, "healthy", "Recovered at step 60", "第 60 步恢复正常"),
    (State.RUNNING, 5, "healthy", "Over, the run went back to step 5", "训练已回到第 5 步，事故结束"),
    (State.FAILED, None, "watch", "Failed without recovering", "训练失败退出，未恢复"),
    (State.FINISHED, None, "watch", "Finished without recovering", "训练结束，未恢复"),
    (State.STALLED, None, "watch", "Silent without recovering", "训练已无输出，未恢复"),
]


@pytest.mark.parametrize(("state", "recovery", "kind", "en", "zh"), ENDINGS)
def test_a_story_tells_how_the_last_incident_ended(
    state: State, recovery: int | None, kind: str, en: str, zh: str
) -> None:
    """Well or not, and in a few words; of one that went silent since when."""
    incident = Incident(7, 20, recovery, (("kl", 7),), ("kl_spike",), False, False)
    run = replace(RUN, incidents=(incident,), state=state, last_record=1_700_000_000.0)
    for lang, words in ((Lang.EN, en), (Lang.ZH, zh)):
        told = run_story(run, lang).ending
        assert told is not None
        assert told.line == (b.Mark(kind, words),)
        assert ("2023-11-14 22:13:20 UTC" in "".join(map(b.plain, told.more))) is (state is State.STALLED)


def test_an_incident_that_lasts_has_no_ending() -> None:
    """Nor has a run without one."""
    lasting = Incident(7, 20, None, (("kl", 7),), ("kl_spike",), False, False)
    assert run_story(replace(RUN, incidents=(lasting,), state=State.RUNNING), Lang.EN).ending is None
    assert run_story(replace(RUN, incidents=()), Lang.EN).ending is None


@pytest.mark.parametrize("lang", Lang)
def test_a_story_has_its_sections_in_their_order(lang: Lang) -> None:
    """In both languages; those of which there is nothing to say are left out."""
    story = run_story(RUN, lang)
    assert [section.part for section in story.sections] == [
        part for part in b.Part if part in {section.part for section in story.sections}
    ]
    assert (story.run, story.lang) == (RUN.run, lang.value)
    assert through_json(story) == story


def test_a_line_in_parts_reads_as_the_phrase_does() -> None:
    """What the text says between its values is a joint, which grows together with nothing."""
    text = Text("{when}: {title}. {text}", "")
    values: dict[str, b.Piece] = {"when": b.Span("step 7", 7, 7), "title": "a", "text": "b"}
    line = parts(text, Lang.EN, **values)
    assert line == (b.Span("step 7", 7, 7), ": ", "a", ". ", "b")
    assert [type(piece) is b.Joint for piece in line] == [False, True, False, True, False]
    assert b.plain(line) == b.plain(phrase(text, Lang.EN, **values))


@pytest.mark.parametrize("lang", Lang)
def test_the_table_of_metrics_says_once_what_they_mean(lang: Lang) -> None:
    """Under the headings of their groups; what a row above says that is always shown is not said again."""
    evaluated, trained = ("split", "eval"), ("split", "train")
    samples = {series(metric, split): 1.0 for metric in (c.KL, c.REWARD) for split in (trained, evaluated)}
    section = metrics_section(replace(RUN, samples=samples), lang)
    assert section is not None
    (table,) = section.blocks
    assert isinstance(table, b.Table)
    assert [group for group, _ in groupby(table.groups)] == [
        panels.OPTIMISATION.of(lang),
        panels.REWARDS.of(lang),
    ]
    assert [bool(note) for note in table.notes] == [True, False, True, False]
    assert "。 " not in b.plain(table.notes[0])


def test_flags_to_copy_name_each_setting_once() -> None:
    """What two actions propose of one setting would be two flags of which the trainer takes the last."""
    proposals = [
        Proposal("beta", None, 0.1, "", "--beta 0.1"),
        Proposal("beta", None, 0.2, "", "--beta 0.2"),
        Proposal("epsilon", None, 0.1, "", "--epsilon 0.1"),
        Proposal("other", None, 0.1, "", ""),
    ]
    section = flags_section([Action("", "", (proposal,)) for proposal in proposals], Lang.EN)
    assert section is not None
    assert section.blocks[-1] == b.Command("--beta 0.1 --epsilon 0.1")
