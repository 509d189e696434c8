"""What the dashboards are made with: layout, descriptions, words in both languages, the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from llmtrain_exporter.bundle.dashboards import BOARDS, dashboards
from llmtrain_exporter.bundle.dashboards.board import (
    Board,
    Cells,
    Column,
    Curves,
    Override,
    Query,
    Row,
    Stat,
    TablePanel,
)
from llmtrain_exporter.bundle.dashboards.descriptions import described, paragraphs, worries
from llmtrain_exporter.bundle.dashboards.grafana_json import board_json
from llmtrain_exporter.bundle.dashboards.grpo import GRPO
from llmtrain_exporter.bundle.dashboards.queries import ONE_RUN, limit, own_limit_line
from llmtrain_exporter.bundle.dashboards.sft import SFT
from llmtrain_exporter.knowledge import analysis_metrics as a
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge import profile
from llmtrain_exporter.knowledge.answer import VALUES, Answer
from llmtrain_exporter.knowledge.check_words import ANSWERS
from llmtrain_exporter.knowledge.checklists import ANSWERED, CHECKLISTS
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.text import Lang, Text

SOME = Text("some", "一些")
QUESTIONS: dict[str | Text, str] = {check.question: check.id for check in ANSWERED}


def drawn(*rows: Row, lang: Lang = Lang.EN) -> dict[str, Any]:
    """A dashboard of these rows, as Grafana reads it."""
    made: dict[str, Any] = json.loads(board_json(Board("uid", "file", SOME, SOME, rows, ()), lang))
    return made


def panel_of(width: int, height: int = 4) -> Stat:
    """A panel of that size."""
    return Stat("up", SOME, width=width, height=height)


def places(dashboard: dict[str, Any]) -> list[tuple[int, int]]:
    """Where each panel stands, rows too."""
    return [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]


def test_panels_wrap_below_the_tallest_of_their_line() -> None:
    """A panel that does not fit begins a new line, below the tallest panel of the one before."""
    assert places(drawn(Row("", (panel_of(12), panel_of(12, 6), panel_of(24))))) == [(0, 1), (12, 1), (0, 7)]


def test_a_closed_row_holds_its_panels_and_takes_one_line() -> None:
    """The panels of a row that is closed are within it, and the next row follows at once."""
    made = drawn(Row("closed", (panel_of(24),), collapsed=True), Row("open", (panel_of(24),)))
    closed, heading, panel = made["panels"]
    assert len(closed["panels"]) == 1
    assert (heading["gridPos"]["y"], panel["gridPos"]["y"]) == (1, 2)


def test_every_panel_has_a_number_of_its_own() -> None:
    """Numbers are given once, to rows and to panels of closed rows too."""
    for board in BOARDS:
        made = json.loads(board_json(board, Lang.EN))
        numbers = [one["id"] for panel in made["panels"] for one in (panel, *panel.get("panels", ()))]
        assert len(numbers) == len(set(numbers)), board.uid


@pytest.mark.parametrize("lang", Lang)
def test_texts_are_said_in_the_language_wherever_they_stand(lang: Lang) -> None:
    """Titles, no-data texts, legends, mappings and texts deep within options are all in the one language."""
    stat = Stat(
        SOME,
        SOME,
        (Query("up", SOME),),
        nothing=SOME,
        mappings={0: (SOME, "red")},
        overrides=(Override("byName", "a", (("links", [{"title": SOME}]),)),),
    )
    panel = drawn(Row("", (stat,)), lang=lang)["panels"][0]
    defaults, override = panel["fieldConfig"]["defaults"], panel["fieldConfig"]["overrides"][0]
    found = [
        panel["title"],
        panel["description"],
        panel["targets"][0]["legendFormat"],
        defaults["noValue"],
        defaults["mappings"][0]["options"]["0"]["text"],
        override["properties"][0]["value"][0]["title"],
    ]
    assert found == [SOME.of(lang)] * len(found)


COLUMN, ICONS, LETTER, CHARACTER = 59, 60, 7.3, 14.0
"""CSS pixels: a column of a page of 1440, what stands beside a title, a Latin and a Chinese letter in it."""


@pytest.mark.parametrize("lang", list(Lang))
def test_titles_fit_above_their_panels(lang: Lang) -> None:
    """Grafana cuts what is too long; on a phone a panel is as wide as six columns."""
    for board in BOARDS:
        for panel in (panel for row in board.rows for panel in row.panels):
            title = panel.title.of(lang) if isinstance(panel.title, Text) else panel.title
            needed = sum(CHARACTER if ord(letter) > 0x2E80 else LETTER for letter in title) + ICONS
            assert needed <= COLUMN * min(panel.width, 6), title


def test_a_number_can_stand_for_a_word_from_one_value_to_another() -> None:
    """Ranges are mapped beside single values, in the order in which they are given."""
    panel = Stat("up", SOME, mappings={(0.0, 10.0): ("low", "green"), 11: ("eleven", "red")})
    (made,) = drawn(Row("", (panel,)))["panels"]
    single, several = made["fieldConfig"]["defaults"]["mappings"]
    assert single["options"]["11"] == {"text": "eleven", "color": "red", "index": 1}
    assert several["options"] == {
        "from": 0.0,
        "to": 10.0,
        "result": {"text": "low", "color": "green", "index": 0},
    }


def test_a_row_without_what_it_needs_is_left_out() -> None:
    """The filter comes after the queries are merged and before columns get their titles."""
    panel = TablePanel("up", SOME, columns=(Column("run", "run"),), needs="state")
    (made,) = drawn(Row("", (panel,)))["panels"]
    changes = {change["id"]: change["options"] for change in made["transformations"]}
    assert list(changes) == ["merge", "filterByValue", "filterFieldsByName", "organize"]
    assert changes["filterByValue"]["filters"] == [
        {"fieldName": "state", "config": {"id": "isNotNull", "options": {}}}
    ]


def test_chinese_dashboards_have_their_own_uids_and_link_to_each_other() -> None:
    """No dashboard of one language leads to one of the other."""
    for lang, ends in ((Lang.EN, False), (Lang.ZH, True)):
        for text in dashboards(lang).values():
            made = json.loads(text)
            addresses = [made["uid"], *(one["url"] for one in made["links"] if one["url"].startswith("/d/"))]
            assert [one.endswith("-zh") for one in addresses] == [ends] * len(addresses)


def test_a_description_says_the_healthy_range_and_every_limit() -> None:
    """The numbers of a description are those of the limits."""
    text = described(c.KL, profile.GRPO)
    assert "Healthy: 0.01 to 5." in text.en
    assert "KL too high: warning from 5; critical from 10" in text.en
    assert "KL 过高：警告 ≥ 5；严重 ≥ 10" in text.zh


def test_a_description_of_a_part_says_what_the_whole_is_too() -> None:
    """A panel on one part of a metric explains metric and part."""
    text = described(c.COMPLETION_LENGTH, profile.GRPO, part="min").en
    assert "Tokens per completion" in text
    assert "Shortest of the batch" in text


@pytest.mark.parametrize("kind", LIMITS)
def test_every_signal_is_told_on_the_panels_of_its_metrics(kind: str) -> None:
    """For each signal of a profile there is a line in the description of each of its metrics."""
    for name in LIMITS[kind]:
        for metric in SIGNALS[name].metrics:
            assert len(worries(metric, kind).en.splitlines()) > 1, (kind, name)


def test_empty_paragraphs_leave_no_gap() -> None:
    """A text that says nothing is left out."""
    assert paragraphs(SOME, Text("", ""), SOME).en == "some\n\nsome"


def test_a_limit_is_that_of_the_profile_of_the_run() -> None:
    """The query takes limits only of the profile that the run has on the same exporter."""
    query = limit("kl_high", Severity.WARNING)
    assert 'signal="kl_high", severity="warning"' in query
    assert "and on (job, instance, profile) llmtrain_run_info" in query


def test_a_limit_against_the_own_level_is_no_lower_than_its_floor() -> None:
    """The floor that the signal has holds for its line, too."""
    floor = LIMITS[profile.GRPO]["kl_spike"][Severity.WARNING].floor
    line = own_limit_line("kl_spike", Severity.WARNING, "level", profile.GRPO, SOME)
    assert line.expr.startswith("clamp_min((level) *")
    assert line.expr.endswith(f", {floor:g})")


def test_every_question_of_the_checklists_has_its_row_of_cells() -> None:
    """The SFT dashboard asks what the FAQ asks; only the choice of a checkpoint is answered elsewhere."""
    asked = {line.legend for row in SFT.rows for panel in row.panels for line in panel.lines}
    assert all(check.question in asked for one in CHECKLISTS for check in one.checks if check.signals)


@pytest.mark.parametrize("lang", Lang)
def test_the_cells_show_the_answers_of_the_exporter(lang: Lang) -> None:
    """Grafana evaluates nothing of its own: it writes a word for each answer."""
    cells = [panel for row in SFT.rows for panel in row.panels if isinstance(panel, Cells)]
    shown = [line for panel in cells for line in panel.lines if line.legend in QUESTIONS]
    assert [line.expr for line in shown] == [
        f'{a.RUN_CHECK.name}{{{ONE_RUN}, check="{QUESTIONS[line.legend]}"}}' for line in shown
    ]
    assert {line.legend for line in shown} == set(QUESTIONS)
    for panel in cells:
        words = {
            value: word.of(lang) for value, (word, _) in panel.mappings.items() if isinstance(word, Text)
        }
        assert words == {VALUES[answer]: ANSWERS[answer].of(lang) for answer in Answer}


def test_the_collapse_chain_shares_one_time_axis() -> None:
    """KL, length and reward stand below each other, as wide as the page, with axes of the same width."""
    wanted = [c.KL.name, c.COMPLETION_LENGTH.name, c.REWARD.name]
    chain = next(
        row.panels
        for row in GRPO.rows
        if [panel.lines[0].expr.split("{")[0] for panel in row.panels] == wanted
    )
    assert {panel.width for panel in chain} == {24}
    assert len({panel.axis for panel in chain if isinstance(panel, Curves)}) == 1


def test_dashboards_link_to_the_exporter_that_is_told() -> None:
    """The address goes into the variable; one with blanks that a dashboard cannot fill is left."""
    told = dashboards(Lang.EN, "https://pages.example")
    assert all("https://pages.example" in text for text in told.values())
    assert dashboards(Lang.EN, "http://{instance}") == dashboards(Lang.EN)


def test_rendering_again_gives_the_same_bytes() -> None:
    """Whatever order sets and hashes have in a process."""
    program = (
        "import hashlib\n"
        "from llmtrain_exporter.bundle.dashboards import dashboards\n"
        "from llmtrain_exporter.knowledge.text import Lang\n"
        "print(hashlib.sha256(repr([dashboards(lang) for lang in Lang]).encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1
