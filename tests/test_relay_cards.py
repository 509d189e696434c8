"""What stands on a card: from the run's story where there is one, else from the alerts, in two languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.knowledge import card_words
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.notify.card import Card, PlainText, Tone, body_text, safe
from llmtrain_exporter.notify.compose import Backlog, CardSettings, RunAnswer, compose
from llmtrain_exporter.notify.config.settings import LinkRule
from llmtrain_exporter.notify.config.time_zones import zone_named
from llmtrain_exporter.notify.instances import KnownInstances
from llmtrain_exporter.notify.links import links
from llmtrain_exporter.notify.webhook import parse
from llmtrain_exporter.story.blocks import Cut, Item, Items, Part, Section
from llmtrain_exporter.story.tree_json import from_object

from tests.relaying import NOW, RUN, STORY, TREE, alert, document, ending, group

TREE_KEYS = [*sorted(STORY["story"]), "blocks", "items", "line", "more", "part", "rank", "text", "type"]
TYPES = ["items", "paragraph", "section", "table", "facts", "command", "item"]


def card(
    *alerts: dict[str, Any],
    said: Mapping[str, Any] | None = STORY,
    lang: Lang = Lang.EN,
    now: float = NOW,
    note: Text | None = None,
    settings: CardSettings = CardSettings(),  # noqa: B008
    held: Backlog = Backlog(),  # noqa: B008
) -> Card:
    """The card of a group of these alerts."""
    told = parse(json.dumps(group(*alerts)).encode())
    answer = RunAnswer(None if said is None else from_object(said.get("story")), said or {}, note)
    return compose(told, answer, held, settings, lang, now)


def text(one: Card) -> str:
    """All of it."""
    return f"{one.title}\n{body_text(one, PlainText())}"


def test_a_card_says_what_broke_and_what_to_change() -> None:
    """Run, order, steps, values, limits, checkpoint, settings as they are and should be, causes.

    All in the story's own words; what only says more, and what says nothing against the run, is not there.
    """
    one = card(alert())
    assert (one.tone, one.title, one.loud) == (Tone.CRITICAL, f"\U0001f534 Policy collapse: {RUN}", True)
    assert body_text(one, PlainText()) == (
        "swift, grpo, training at step 35 of 120\n"
        "It began at 2023-11-14 22:13 UTC.\n"
        "\n"
        "What happened\n"
        "Incident from step 7, worst at step 32, not recovered: "
        "KL (7) \u2192 length (12) \u2192 reward (17)\n"
        "last checkpoint before it: checkpoint-6\n"
        "\U0001f534 from step 7 on, critical: KL spike. kl jumped to 5.233 at step 32, usual level 0.01.\n"
        "\U0001f7e0 steps 20 to 25, warning: Too many truncated. Clipped ratio is 1 at step 22, limit 0.3.\n"
        "\n"
        "What to do\n"
        "1. Raise beta, the weight of the KL penalty: --beta 0.1 (now 0.04)\n"
        "2. Give truncated completions no reward\n"
        "\n"
        "Likely causes\n"
        "\u2022 Each update that raises the reward also moves the policy."
    )


def test_a_card_speaks_chinese() -> None:
    """The card's own words are in the receiver's language; the story comes in it from the exporter."""
    told = document(title="policy 崩溃")
    shown = text(card(alert(), said=told, lang=Lang.ZH, now=NOW + 4 * 3600))
    assert "\U0001f534 policy 崩溃：math/collapse-1\n" in shown
    assert "该告警已持续 4 小时。" in shown


SILENT = "No record since 2023-11-14 22:13:20 UTC: it was likely killed, or it hangs."


@pytest.mark.parametrize(
    ("said", "tone", "title", "body"),
    [
        (
            document(ending=ending("healthy", "Recovered at step 60")),
            Tone.GOOD,
            f"\u2705 Recovered at step 60: {RUN}",
            "It lasted 10 min.",
        ),
        (
            document(ending=ending("healthy", "Over, the run went back to step 5")),
            Tone.GOOD,
            f"\u2705 Over, the run went back to step 5: {RUN}",
            "",
        ),
        (
            document(state="failed", ending=ending("watch", "Failed without recovering")),
            Tone.OVER,
            f"\u26aa Failed without recovering: {RUN}",
            "--beta 0.1 (now 0.04)",
        ),
        (
            document(state="finished", ending=ending("watch", "Finished without recovering")),
            Tone.OVER,
            f"\u26aa Finished without recovering: {RUN}",
            "Incident from step 7, worst at step 32",
        ),
        (
            document(state="stalled", ending=ending("watch", "Silent without recovering", SILENT)),
            Tone.OVER,
            f"\u26aa Silent without recovering: {RUN}",
            SILENT,
        ),
        (document(), Tone.OVER, f"\u26aa Alert over, not recovered: {RUN}", "--beta 0.1"),
    ],
)
def test_a_resolved_card_says_how_it_ended(said: dict[str, Any], tone: Tone, title: str, body: str) -> None:
    """Recovered and when, or the run ended before; then what to change still stands there."""
    one = card(alert(firing=False), said=said)
    assert (one.tone, one.title, one.loud) == (tone, title, False)
    assert body in text(one)
    assert ("--beta" in text(one)) is (tone is Tone.OVER)


@pytest.mark.parametrize(
    ("one", "said", "title"),
    [
        (alert("LlmTrainKlHigh", signal="kl_high", firing=False), STORY, "\u2705 Over: KL too high"),
        (
            alert("LlmTrainKlHigh", signal="kl_high", firing=False),
            document(state="failed"),
            "\u26aa Alert over: KL too high",
        ),
        (alert("LlmTrainKlHigh", signal="kl_high", firing=False), None, "\u26aa Alert over: KL too high"),
        (alert("LlmTrainRunFailed", firing=False), STORY, "\u26aa Alert over: Run failed"),
        (alert(firing=False), None, "\u26aa Alert over: Training incident"),
    ],
)
def test_nobody_is_told_that_all_is_well_unless_it_is_known(
    one: dict[str, Any], said: dict[str, Any] | None, title: str
) -> None:
    """An alert is over when its run is, too: only a run that goes on, or has recovered, is well."""
    shown = text(card(one, said=said))
    assert shown.startswith(f"{title}: {RUN}\n")
    assert "It lasted 10 min." in shown


def test_an_exporter_that_is_back_is_good_news() -> None:
    """Without a run there is nothing else that could have ended."""
    back = alert("LlmTrainExporterDown", run=None, firing=False)
    assert text(card(back)) == (
        "\u2705 Over: Exporter down: exporter:9848\nIt began at 2023-11-14 22:13 UTC. It lasted 10 min."
    )


@pytest.mark.parametrize(
    ("seconds", "lasted"),
    [(3, "It lasted less than a minute."), (60, "It lasted 1 min."), (170, "It lasted 3 min.")],
)
def test_an_alert_did_not_last_longer_than_it_did(seconds: int, lasted: str) -> None:
    """In minutes, as there is no knowing the seconds."""
    assert lasted in text(card(alert(firing=False, ended=NOW + seconds), now=NOW + seconds))


@pytest.mark.parametrize("note", [card_words.ALERT_ONLY, card_words.NOT_KNOWN])
def test_without_the_exporter_the_alert_itself_is_told(note: Text) -> None:
    """Its summary, description and advice; and the card says why there is no more."""
    shown = text(card(alert(), said=None, note=note))
    assert f"\U0001f534 Training incident: {RUN}\n" in shown
    assert f"{RUN}: kl is 5.2." in shown
    assert "What to do\nCopy the last checkpoint before the onset away." in shown
    assert shown.endswith(note.en)


def test_an_alert_of_ours_speaks_the_language_of_the_receiver() -> None:
    """Whatever language the rules were rendered in: name, summary and advice are known in both."""
    warning = alert("LlmTrainKlHigh", severity="warning", signal="kl_high")
    shown = text(card(warning, said=None, lang=Lang.ZH))
    assert shown.startswith(f"\U0001f7e0 KL 过高：{RUN}\n")
    assert "怎么办\n" in shown


def test_a_stranger_s_alert_is_told_in_its_own_words() -> None:
    """Rules that people add themselves need no more than the usual annotations."""
    own = alert(
        "GpuHot", run=None, severity="warning", annotations={"summary": "GPU too hot.", "description": "91 C"}
    )
    assert text(card(own)) == "\U0001f7e0 GPU too hot: exporter:9848\n91 C\nIt began at 2023-11-14 22:13 UTC."
    bare = alert("GpuHot", run=None, severity="", annotations={})
    assert text(card({**bare, "annotations": {}})).startswith("\U0001f7e0 GpuHot")


def test_several_runs_are_listed() -> None:
    """A group of many is one card: the worst first, no more than ten, the rest counted."""
    runs = [alert(run=f"r{at}", severity="warning") for at in range(12)]
    resolved = alert(run="over", firing=False)
    shown = text(card(resolved, *runs, alert(run="worst")))
    lines = shown.splitlines()
    assert lines[0] == "\U0001f534 Training incident, and 13 more: exporter:9848"
    assert lines[1:3] == ["Firing", "\U0001f534 worst: kl is 5.2."]
    assert "\u2022 and 3 more" in lines
    assert lines[-2:] == ["Over", "\u2705 over: kl is 5.2."]


def test_what_else_fires_is_named() -> None:
    """A run that broke and then failed has one card with both."""
    shown = text(card(alert(), alert("LlmTrainRunFailed", started=NOW + 60)))
    assert f"Policy collapse: {RUN}" in shown
    assert "Also: Run failed" in shown


def test_a_failed_run_says_what_to_do_about_that_first() -> None:
    """The advice of its own alert, then what the run's signals suggest."""
    shown = text(card(alert("LlmTrainRunFailed"), said=document(state="failed")))
    assert f"\U0001f534 Run failed: {RUN}\nswift, grpo, training at step 35 of 120\n" in shown
    assert "Incident from" not in shown
    assert "What to do\n1. Read the last lines of its output." in shown
    assert "2. Raise beta" in shown


@pytest.mark.parametrize(
    ("zone", "lang", "expected"),
    [
        ("UTC", Lang.EN, "It began at 2023-11-14 22:13 UTC."),
        ("Asia/Shanghai", Lang.ZH, "开始于 2023-11-15 06:13 Asia/Shanghai。"),
        ("America/New_York", Lang.EN, "It began at 2023-11-14 17:13 America/New_York."),
    ],
)
def test_a_card_says_when_it_began(zone: str, lang: Lang, expected: str) -> None:
    """By the clock of the configured zone, whose name is shown; with a story, without, and afterwards."""
    settings = CardSettings(zone=zone_named(zone), zone_name=zone)
    for said in (STORY, None):
        assert expected in text(card(alert(), said=said, lang=lang, settings=settings))
        assert expected in text(card(alert(firing=False), said=said, lang=lang, settings=settings))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_of_no_clock_is_not_told(moment: str) -> None:
    """Or is told as it is; the card goes out."""
    settings = CardSettings(zone=zone_named("Asia/Shanghai"), zone_name="Asia/Shanghai")
    shown = text(card({**alert(), "startsAt": moment}, settings=settings))
    assert "began" not in shown


def test_a_card_has_a_link_that_silences() -> None:
    """Beside the others, where Alertmanager has a public address."""
    settings = CardSettings(LinkRule(alertmanager="https://am.example.org"))
    one = body_text(card(alert(), settings=settings), PlainText())
    assert (
        "Silence: https://am.example.org/#/silences/new?filter=%7Balertname%3D%22LlmTrainIncident%22" in one
    )
    over = body_text(card(alert(firing=False), settings=settings), PlainText())
    assert "silences" not in over


def test_a_link_names_only_instances_that_are_known() -> None:
    """Where each exporter has pages of its own, an alert's label leads to those that the settings know."""
    links = LinkRule(exporter="https://{instance}/llm")
    known = KnownInstances(["gpu-*:9848"], ["http://asked:9848"])
    settings = CardSettings(links, instances=known)
    for instance in ("gpu-01:9848", "asked:9848"):
        one = body_text(card(alert(instance=instance), settings=settings), PlainText())
        assert f"https://{instance}/llm/run?run=math%2Fcollapse-1" in one
    for instance in ("evil.example", "gpu-01:9848@evil.example", "gpu-1.evil.example:9848", "", "x" * 9999):
        strange = alert(instance=instance, annotations={"run_url": f"https://{instance}/run?run=a"})
        assert "https://" not in body_text(card(strange, settings=settings), PlainText())
    two = [alert(instance=f"gpu-{at}:9848") for at in range(2)]
    assert "https://" not in body_text(card(*two, settings=settings), PlainText())


def test_a_reminder_says_so() -> None:
    """What is told again after hours says for how long it has been on."""
    assert "has been on" not in text(card(alert(), now=NOW + 60))
    assert "This alert has been on for 4 h." in text(card(alert(), now=NOW + 4 * 3600))


def test_cards_that_wait_are_named() -> None:
    """What a bot's limit holds back is said on its next card, by name, no more than ten."""
    shown = text(card(alert(), held=Backlog(["a", "b"], "18 a minute")))
    assert "2 more cards wait (this bot may send 18 a minute): a, b" in shown
    many = text(card(alert(), held=Backlog([f"r{at}" for at in range(37)], "18 a minute")))
    assert "37 more cards wait (this bot may send 18 a minute): r0, " in many
    assert "r9, and 27 more" in many
    assert "另有 1 条卡片在等待（该机器人限 每分钟 18 条）：a" in text(
        card(alert(), held=Backlog(["a"], "每分钟 18 条"), lang=Lang.ZH)
    )


def test_what_alertmanager_left_out_is_said() -> None:
    """max_alerts cuts a group; nobody should think that this was all."""
    told = parse(json.dumps(group(alert(), truncatedAlerts=5)).encode())
    one = compose(told, RunAnswer(), Backlog(), CardSettings(), Lang.EN, NOW)
    assert "Alertmanager left out 5 alerts." in text(one)


def test_links_move_to_public_addresses() -> None:
    """The alert's own path below the address that people reach; nowhere where none is given."""
    notes = {
        "run_url": "http://localhost:9848/run?run=a%2Fb",
        "dashboard_url": "http://localhost:3000/d/llmtrain-grpo?var-run=a%2Fb&from=1",
        "runbook_url": "http://localhost:9848/runbook?lang=en#llmtrainincident",
    }

    def urls(public: LinkRule, lang: Lang = Lang.EN) -> list[str]:
        return [link.url for link in links(notes, "a/b", public, lang)]

    assert urls(LinkRule()) == []
    public = LinkRule(exporter="https://e.org/x", grafana="https://g.org/grafana")
    assert urls(public, Lang.ZH) == [
        "https://e.org/x/run?run=a%2Fb",
        "https://g.org/grafana/d/llmtrain-grpo?var-run=a%2Fb&from=1",
        "https://e.org/x/runbook?lang=zh#llmtrainincident",
    ]
    assert urls(LinkRule(runbook="https://wiki.org/llm"))[0] == "https://wiki.org/llm#llmtrainincident"
    assert [link.url for link in links({}, "a/b", public, Lang.EN)] == ["https://e.org/x/run?run=a%2Fb"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "ftp://x/",
        "http://",
        "https://a b/",
        "x",
        "",
        "https://user:pass@evil.example/",
        "https://x/\nhttps://y/",
        "https://x/" + "a" * 3000,
        "https://x/" + "\u8bad" * 300,
    ],
)
def test_what_is_no_web_address_is_no_link(url: str) -> None:
    """Whoever may post an alert puts no other kind of link on a card."""
    assert safe(url) is None


@given(st.text(max_size=60))
def test_a_link_has_nothing_that_ends_it(rest: str) -> None:
    """Parentheses, angle brackets, bars and blanks are quoted, whatever the chat's markup."""
    url = safe(f"https://example.org/{rest}")
    assert url is None or not set(url) & set("()<>| \"'`\\*\n")


def test_many_findings_are_counted() -> None:
    """As many as somebody reads on a phone, the newest of them; the rest is a number."""
    many = Items(tuple(Item((f"finding {at}",)) for at in range(30)), cut=Cut.FIRST)
    sections = [one for one in TREE.sections if one.part is not Part.FINDINGS]
    shown = text(card(alert(), said=document(sections=(*sections, Section(Part.FINDINGS, "x", (many,), 3)))))
    assert "... and 23 more\n\u2022 finding 23\n" in shown
    assert "finding 22" not in shown


def test_an_exporter_that_tells_no_story_is_as_none() -> None:
    """One of an older version: the alert itself is told."""
    old = {key: value for key, value in STORY.items() if key != "story"}
    assert text(card(alert(), said=old)) == text(card(alert(), said=None))


def test_a_story_may_be_anything() -> None:
    """What an exporter of another version says, or half of it, never costs the card."""
    for said in (
        {},
        {"story": {"sections": "x"}},
        {"story": {"sections": [1, {"part": "incidents"}, {"part": "facts", "blocks": [{}]}]}},
        {"story": {"sections": [{"part": "actions", "blocks": [{"type": "table"}]}], "title": 7}},
    ):
        assert RUN in card(alert(), said=said).title


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(list(Part)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(TREE_KEYS), inner, max_size=4)
            | st.fixed_dictionaries({"part": st.sampled_from(list(Part)), "blocks": st.lists(inner)})
            | st.fixed_dictionaries({"type": st.sampled_from(TYPES), "items": st.lists(inner)})
        ),
        max_leaves=20,
    )
)
def test_no_story_breaks_a_card(said: Any) -> None:
    """Neither firing nor resolved."""
    story = {**STORY["story"], **(said if isinstance(said, dict) else {"sections": [said], "ending": said})}
    for firing in (True, False):
        shown = card(alert(firing=firing), said={**STORY, "story": story})
        assert RUN in shown.title
        assert body_text(shown, PlainText()) is not None


def test_alerts_have_a_short_name() -> None:
    """Each of ours has a title for cards, in both languages."""
    for one in ALERTS:
        for lang in Lang:
            assert 0 < len(one.words.title.of(lang)) <= 40
