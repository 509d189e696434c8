"""A run told once: the tree, its ranks, and its way through JSON whoever sends it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise, zip_longest
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import dashboard_words
from llmtrain_exporter.knowledge import story_words as words
from llmtrain_exporter.knowledge.producer import DASHED, YAML_KEY
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Episode, Health, Incident, Proposal, State, series
from llmtrain_exporter.story import blocks as b
from llmtrain_exporter.story.advice import action_line, flags_section
from llmtrain_exporter.story.diagnosis import Action, findings, signal_title
from llmtrain_exporter.story.events import findings_section
from llmtrain_exporter.story.judged import judgement
from llmtrain_exporter.story.metrics import metrics_section
from llmtrain_exporter.story.numbers import duration
from llmtrain_exporter.story.phrase import enumerated, joined, parts, phrase
from llmtrain_exporter.story.run_story import run_story
from llmtrain_exporter.story.sections import RANKS
from llmtrain_exporter.story.shorten import at_most, brief, essentials, shortened, urgent_rows
from llmtrain_exporter.story.tree_json import LONGEST_TEXT, MOST_ENTRIES, from_object, to_object
from llmtrain_exporter.story.verdict import verdict_section

from tests.serving import RUN

KL = series(c.KL, ("split", "train"))

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
        st.builds(b.Course, st.lists(numbers, max_size=5).map(tuple), texts()),
        st.builds(b.Link, texts(), st.just("https://example.org/?a=1&b=<")),
    )


def lines() -> st.SearchStrategy[b.Line]:
    return st.lists(pieces(), max_size=4).map(tuple)


def several(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(entries, max_size=3).map(tuple)


def tables() -> st.SearchStrategy[b.Table]:
    """Tables whose rows have ranks, headings and notes."""
    cells = st.tuples(lines(), lines())
    rows = several(st.tuples(cells, st.integers(0, 9), texts(), lines()))
    head = st.tuples(texts(), texts())
    return st.builds(table_of, texts(), head, rows, several(st.integers(0, 4)), texts())


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


@pytest.mark.parametrize("row", [[], [["a"]], [["a"], ["b"], ["c"]], "ab", None, [1, 2]])
def test_a_row_that_is_not_as_wide_as_its_table_is_left_out(row: object) -> None:
    """The others stay, without ranks that can no longer be told apart."""
    table = {"type": "table", "head": ["x", "y"], "rows": [row, [["1"], ["2"]]], "ranks": [3, 4]}
    story = from_object({"sections": [{"blocks": [table]}]})
    assert story is not None
    (read,) = story.sections[0].blocks
    assert isinstance(read, b.Table)
    wanted = {2: (3, 4)}.get(len(read.rows), ())
    assert (read.rows[-1], read.ranks) == ((("1",), ("2",)), wanted)


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
    for lang, text in ((Lang.EN, en), (Lang.ZH, zh)):
        told = run_story(run, lang).ending
        assert told is not None
        assert told.line == (b.Mark(kind, text),)
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
        dashboard_words.OPTIMISATION.of(lang),
        dashboard_words.REWARDS.of(lang),
    ]
    assert [bool(note) for note in table.notes] == [True, False, True, False]
    assert "。 " not in b.plain(table.notes[0])


def test_flags_to_copy_name_each_setting_once() -> None:
    """What two actions propose of one setting would be two flags of which the trainer takes the last."""
    proposals = [
        Proposal("beta", None, 0.1, "--beta 0.1"),
        Proposal("beta", None, 0.2, "--beta 0.2"),
        Proposal("epsilon", None, 0.1, "--epsilon 0.1"),
        Proposal("other", None, 0.1, ""),
    ]
    actions = [Action("", "", (proposal,)) for proposal in proposals]
    section = flags_section(actions, DASHED, Lang.EN)
    assert section is not None
    assert section.blocks[-1] == b.Command("--beta 0.1 --epsilon 0.1")
    section = flags_section(actions, YAML_KEY, Lang.EN)
    assert section is not None
    assert section.blocks[-2:] == (b.Command("--beta 0.1"), b.Command("--epsilon 0.1"))


@pytest.mark.parametrize("lang", Lang)
def test_a_run_of_which_nothing_is_known_is_not_called_healthy(lang: Lang) -> None:
    """It has no verdict, and says why."""
    waiting = replace(RUN, verdict=Health.UNKNOWN, records={}, samples={}, last_step=None, first_step=None)
    story = run_story(waiting, lang)
    parts = [section.part for section in story.sections]
    assert b.Part.VERDICT not in parts
    assert list(b.lines_in(b.blocks_of(story.sections, b.Part.REASON))) == [
        (words.NOTHING_TO_JUDGE.of(lang),)
    ]


@pytest.mark.parametrize(("lang", "text"), [(Lang.EN, "broken (now healthy)"), (Lang.ZH, "异常（目前健康）")])
def test_a_run_that_recovered_has_both_verdicts(lang: Lang, text: str) -> None:
    """That on the whole log, and how it is now."""
    story = run_story(replace(RUN, verdict=Health.BROKEN), lang)
    assert [b.plain(line) for line in b.lines_in(b.blocks_of(story.sections, b.Part.VERDICT))] == [text]


def test_the_reason_of_a_broken_run_is_for_who_wants_all() -> None:
    """Among the findings it stands as well; that a run is well stands nowhere else."""
    episode = Episode("kl_spike", Severity.WARNING, 20, 24, 3, 0.5, 21, 0.1, KL, 0.02, None, active=False)
    for run, rank in ((RUN, 0), (replace(RUN, episodes=(episode,)), b.DETAIL)):
        [reason] = [one for one in run_story(run, Lang.EN).sections if one.part is b.Part.REASON]
        assert reason.rank == rank


def test_every_part_of_a_story_has_its_rank() -> None:
    """In one table; the parts that only other documents have need none."""
    assert set(b.Part) - set(RANKS) == {b.Part.NOTES, b.Part.ALERTS, b.Part.LINKS, b.Part.CHAPTER}


# What a small output leaves out


def listed(*texts: str, cut: b.Cut = b.Cut.LAST, ranks: Sequence[int] = ()) -> b.Items:
    """A list of these."""
    items = [b.Item((text,), rank=rank) for text, rank in zip_longest(texts, ranks, fillvalue=0)]  # type: ignore[arg-type]
    return b.Items(tuple(items), cut=cut)


def shown(sections: Sequence[b.Section]) -> list[str]:
    """The lines that are left."""
    return [b.plain(line) for section in sections for line in b.lines_in(section.blocks)]


def versions(*sections: b.Section) -> list[list[str]]:
    """The lines of each shorter version."""
    return [shown(version) for version in shortened(sections, Lang.EN)]


def test_the_section_with_the_highest_rank_gives_way_first() -> None:
    """Its last item first; of two with the same rank the later one; the very first line stays."""
    first = b.Section(b.Part.FACTS, None, (listed("a", "b"),), 1)
    second = b.Section(b.Part.CAUSES, None, (listed("c", "d"),), 5)
    third = b.Section(b.Part.ACTIONS, None, (listed("e"),), 1)
    assert versions(first, second, third) == [
        ["a", "b", "c", "d", "e"],
        ["a", "b", "c", "e"],
        ["a", "b", "e"],
        ["a", "b"],
        ["a"],
    ]


def test_what_only_says_more_goes_before_any_item() -> None:
    """All at once: either each thing to do says how, or none."""
    items = tuple(b.Item((name,), ((f"how {name}",),)) for name in "ab")
    section = b.Section(b.Part.ACTIONS, None, (b.Items(items, numbered=True),), 2)
    assert versions(section) == [["a", "how a", "b", "how b"], ["a", "b"], ["a"]]
    assert shown([brief(section)]) == ["a", "b"]


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        (b.Cut.LAST, [["a", "b", "c", "d"], ["a", "b", "c"], ["a", "b"], ["a"]]),
        (b.Cut.FIRST, [["a", "b", "c", "d"], ["1 more", "b", "c", "d"], ["2 more", "c", "d"]]),
        (b.Cut.MIDDLE, [["a", "b", "c", "d"], ["a", "1 more", "c", "d"], ["a", "2 more", "d"]]),
    ],
)
def test_a_list_says_what_of_it_goes_first(cut: b.Cut, left: list[list[str]]) -> None:
    """Where time goes on a note stands in the gap; a list from the best to the least just ends."""
    found = versions(b.Section(b.Part.FINDINGS, None, (listed(*"abcd", cut=cut),)))
    assert [[line.removeprefix("... and ") for line in lines] for lines in found][: len(left)] == left


def test_items_of_a_higher_rank_go_before_the_others() -> None:
    """Wherever they stand: what says nothing against a run before what does."""
    section = b.Section(b.Part.FINDINGS, None, (listed(*"abc", ranks=(0, 1, 0)),))
    assert versions(section)[:3] == [["a", "b", "c"], ["a", "c"], ["a"]]


@given(several(sections(depth=0)), st.sampled_from(Lang))
def test_each_version_is_shorter_than_the_one_before(parts: tuple[b.Section, ...], lang: Lang) -> None:
    """None is empty, and none has anything that the whole had not, but for notes of what is left out."""
    found = list(shortened(parts, lang))
    assert found[0] == parts
    blocks = [[block for section in version for block in section.blocks] for version in found]
    assert all(blocks[1:])
    sizes = [
        sum(len(each.items) if isinstance(each, b.Items) else 1 for each in version) for version in blocks
    ]
    assert all(later <= earlier + 1 for earlier, later in pairwise(sizes))
    assert len(found) <= 2 * sum(1 + len(getattr(each, "items", ())) for each in blocks[0]) + 1


def test_of_many_items_the_ends_are_shown() -> None:
    """As many as are wanted, and how many are in between."""
    section = b.Section(b.Part.INCIDENTS, None, (listed(*"abcdef", cut=b.Cut.MIDDLE),))
    assert shown([at_most(section, 3, Lang.EN)]) == ["a", "... and 3 more incidents in between", "e", "f"]
    assert at_most(section, 6, Lang.EN) == section


@pytest.mark.parametrize("cut", [b.Cut.FIRST, b.Cut.MIDDLE])
def test_what_was_cut_twice_has_one_note(cut: b.Cut) -> None:
    """A list is one list however often it is cut: as if all had gone at once, and all is counted."""
    section = b.Section(b.Part.FINDINGS, None, (listed(*"abcdefg", cut=cut),))
    once = shown([at_most(section, 3, Lang.EN)])
    twice = at_most(at_most(section, 5, Lang.EN), 3, Lang.EN)
    assert shown([twice]) == once
    assert once.count("... and 4 more") == 1
    *_, shortest = shortened([twice], Lang.EN)
    assert sum("more" in line for line in shown(shortest)) == 1


def test_a_note_stands_in_no_hole_that_holds_but_some() -> None:
    """Where items are missing here and there the note comes last: no item follows that it may count."""
    items = tuple(b.Item((name,), rank=rank) for name, rank in zip("abcde", (0, 9, 0, 9, 0), strict=True))
    section = b.Section(b.Part.FINDINGS, None, (b.Items(items, cut=b.Cut.FIRST),))
    assert shown([at_most(section, 3, Lang.EN)]) == ["a", "c", "e", "... and 2 more"]


def test_nothing_is_shortened_to_notes_alone() -> None:
    """A note of what is left out needs something that is not."""
    section = b.Section(b.Part.INCIDENTS, "What happened", (listed("a", cut=b.Cut.MIDDLE),))
    assert list(shortened([section], Lang.EN)) == [(section,)]


def test_details_are_left_out_whatever_the_size() -> None:
    """Sections, and rows of tables with what goes with each."""
    rows, ranks = ((("a",),), (("b",),), (("c",),)), (0, b.DETAIL, 3)
    table = b.Table("", ("x",), rows, ranks, groups=("A", "B", "C"), notes=(("1",), ("2",), ("3",)))
    story = b.Story(
        "a",
        "en",
        "watch",
        "",
        (b.Section(b.Part.METRICS, None, (table,)), b.Section(b.Part.FLAGS, None, (), 6)),
    )
    [section] = essentials(story)
    [kept] = section.blocks
    assert isinstance(kept, b.Table)
    assert (kept.rows, kept.ranks, kept.groups) == ((rows[0], rows[2]), (0, 3), ("A", "C"))
    assert kept.notes == (("1",), ("3",))
    assert (urgent_rows(table, 2), urgent_rows(kept, 1)) == ([0, 2], [0])


# Numbers and times


@pytest.mark.parametrize(
    ("seconds", "digits", "units", "en", "zh"),
    [
        (0.4667, 2, 2, "0.47 s", "0.47 秒"),
        (45.312, 4, 2, "45.31 s", "45.31 秒"),
        (59.97, 2, 2, "1 min", "1 分钟"),
        (59.4, 0, 2, "59 s", "59 秒"),
        (200, 0, 2, "3 min 20 s", "3 分 20 秒"),
        (200, 0, 1, "3 min", "3 分钟"),
        (3700, 0, 2, "1 h 1 min", "1 小时 1 分钟"),
        (3605, 4, 2, "1 h", "1 小时"),
        (90000, 0, 1, "1 d", "1 天"),
        (-3, 0, 2, "0 s", "0 秒"),
        (math.nan, 4, 2, "NaN s", "NaN 秒"),
        (math.inf, 0, 2, "Inf s", "Inf 秒"),
    ],
)
def test_times_are_told_in_words(seconds: float, digits: int, units: int, en: str, zh: str) -> None:
    """In the largest units that fit, whole numbers of them; less than a minute is as exact as wanted."""
    assert [duration(seconds, lang, digits, units) for lang in Lang] == [en, zh]


@pytest.mark.parametrize(
    ("names", "en", "zh"),
    [
        ((), "", ""),
        (("a",), "a", "a"),
        (("a", "b"), "a and b", "a、b"),
        (("a", "b", "c"), "a, b and c", "a、b、c"),
    ],
)
def test_names_are_listed_as_people_do(names: Sequence[str], en: str, zh: str) -> None:
    """With a word before the last one, where the language has one."""
    assert [enumerated(names, lang) for lang in Lang] == [en, zh]


def test_the_collapse_says_which_parts_had_broken_by_then() -> None:
    """Those of its incident, in their order; nobody knows without one."""
    episode = Episode("collapse", Severity.CRITICAL, 12, 30, 9, 3.0, 20, 2.0, KL, None, 12, active=True)
    incident = Incident(7, 20, None, (("kl", 7), ("reward", 12), ("length", 17)), (), True, True)
    texts = {
        broke: findings(replace(RUN, episodes=(episode,), incidents=incidents), Lang.EN)[0].text
        for broke, incidents in ((True, (incident,)), (False, ()))
    }
    assert texts[True] == "KL and reward broke by step 12."
    assert texts[False] == "Several parts of the run broke by step 12."


@pytest.mark.parametrize(
    ("split", "signal", "text"),
    [
        ("eval", "overfit", "loss (eval) is 2 at step 21, training loss 1."),
        ("train", "overfit", "loss is 2 at step 21, early level 1."),
        ("eval", "accuracy_drop", "loss (eval) is 2 at step 21, training accuracy 1."),
        ("train", "accuracy_drop", "loss is 2 at step 21, its best 1."),
    ],
)
def test_a_finding_says_what_its_value_is_held_against(split: str, signal: str, text: str) -> None:
    """Training beside evaluation, or the run's own past."""
    one = series(c.LOSS, ("split", split))
    episode = Episode(signal, Severity.WARNING, 20, 24, 3, 2.0, 21, 2.0, one, 1.0, None, active=False)
    assert findings(replace(RUN, episodes=(episode,)), Lang.EN)[0].text == text


@pytest.mark.parametrize(
    ("last", "title"),
    [(1.5, "Eval loss far above training loss"), (1.6, "Overfitting"), (None, "Overfitting")],
)
def test_a_gap_is_called_overfitting_where_evaluation_gets_worse(last: float | None, title: str) -> None:
    """While its loss is as low as it ever was, the model does not get worse on new data."""
    samples = {} if last is None else {series(c.LOSS, ("split", "eval")): last}
    run = replace(RUN, best=(1.5, 200), samples=samples)
    assert signal_title(run, "overfit", Lang.EN) == title
    assert signal_title(run, "loss_spike", Lang.EN) == "Loss spike"


@pytest.mark.parametrize(
    ("rises", "text"),
    [(None, "the log does not say what it is"), (True, "unless it is higher"), (False, "unless it is lower")],
)
def test_what_is_not_known_may_be_better_already(rises: bool | None, text: str) -> None:
    """A value that goes up is no advice to who has a higher one."""
    proposal = Proposal("beta", None, 0.1, "--beta 0.1")
    action = Action("Raise it", "", (proposal,), {} if rises is None else {"beta": rises})
    assert text in b.plain(action_line(action, Lang.EN))
    known = Action("Raise it", "", (proposal._replace(now=0.04),), action.rises)
    assert "(now 0.04)" in b.plain(action_line(known, Lang.EN))


def test_a_rise_of_the_evaluation_loss_is_told_beside_the_lowest() -> None:
    """Where training loss is far above it, scales differ and that one says nothing."""
    loss = series(c.LOSS, ("split", "eval"))
    episode = Episode("overfit", Severity.WARNING, 135, 135, 1, 0.56, 135, 5.9, loss, 2.9, None, active=True)
    run = replace(RUN, base="sft", best=(0.54, 50), samples={loss: 0.56}, episodes=(episode,))
    assert findings(run, Lang.EN)[0].text == "loss (eval) is 0.56 at step 135, lowest so far 0.54."
    assert judgement(loss, run, Lang.EN).beside == "lowest so far 0.54"


def test_what_began_an_incident_and_what_is_critical_stays() -> None:
    """First goes what is for information, then warnings that came later."""

    def episode(step: int, severity: Severity) -> Episode:
        name = f"{'overfit' if step % 2 else 'kl_spike'}"
        metric = series(c.REWARD_FUNCTION_MEAN, ("function", str(step)))
        return Episode(name, severity, step, step, 1, 2.0, step, 1.0, metric, 1.0, None, active=False)

    info, warning, critical = Severity.INFO, Severity.WARNING, Severity.CRITICAL
    severities = {5: info, 7: warning, 9: warning, 12: critical, 20: warning, 30: critical}
    incident = Incident(7, 20, None, (("kl", 7),), (), True, True)
    episodes = tuple(episode(step, severity) for step, severity in severities.items())
    section = findings_section(replace(RUN, episodes=episodes, incidents=(incident,)), Lang.EN)
    assert section is not None

    def left(most: int) -> list[int]:
        blocks = at_most(section, most, Lang.EN, needed=True).blocks
        lines = [item.line for block in blocks if isinstance(block, b.Items) for item in block.items]
        return [piece.first for line in lines for piece in line if isinstance(piece, b.Span)]

    assert left(5) == [7, 9, 12, 20, 30]
    assert left(4) == [7, 9, 12, 30]
    assert left(3) == left(1) == [7, 12, 30]


def test_the_evidence_of_the_leading_cause_stays_in_the_table() -> None:
    """Its rows go as late as those with a warning, though nothing is said against them."""
    bonus = series(c.REWARD_FUNCTION_MEAN, ("function", "LenBonus"))
    run = replace(RUN, samples={series(c.LOSS, ("split", "train")): 0.1, bonus: 2.0})
    for evidence, place in (((), 0), ((bonus,), 1)):
        section = metrics_section(run, Lang.EN, evidence=evidence)
        assert section is not None
        [table] = [block for block in section.blocks if isinstance(block, b.Table)]
        assert urgent_rows(table, 1) == [place]


@pytest.mark.parametrize(
    ("state", "said"),
    [(State.STALLED, "healthy (no longer written)"), (State.RUNNING, "healthy (now watch)")],
)
def test_a_log_that_merely_ended_is_not_called_broken(state: State, said: str) -> None:
    """Silence says nothing of the records that are there."""
    run = replace(RUN, state=state, health=Health.WATCH)
    section = verdict_section(run, Lang.EN)
    assert section is not None
    [block] = section.blocks
    assert isinstance(block, b.Paragraph)
    assert "".join(piece if isinstance(piece, str) else piece.text for piece in block.line) == said
