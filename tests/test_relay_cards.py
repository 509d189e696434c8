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
from llmtrain_exporter.notify import story
from llmtrain_exporter.notify.card import Card, PlainText, Tone, body_text
from llmtrain_exporter.notify.compose import Asked, Backlog, compose
from llmtrain_exporter.notify.config.settings import LinkRule
from llmtrain_exporter.notify.links import links, safe
from llmtrain_exporter.notify.webhook import parse

from tests.relaying import NOW, STORY, alert, group

RUN = STORY["run"]


def card(
    *alerts: dict[str, Any],
    said: Mapping[str, Any] | None = STORY,
    lang: Lang = Lang.EN,
    now: float = NOW,
    note: Text | None = None,
    public: LinkRule = LinkRule(),  # noqa: B008
    held: Backlog = Backlog(),  # noqa: B008
) -> Card:
    """The card of a group of these alerts."""
    told = parse(json.dumps(group(*alerts)).encode())
    asked = Asked(None if said is None else story.read(said), said or {}, note)
    return compose(told, asked, held, public, lang, now)


def text(one: Card) -> str:
    """All of it."""
    return f"{one.title}\n{body_text(one, PlainText())}"


def ended(**changes: Any) -> dict[str, Any]:
    """The story with its incident changed; `state` and what else is not the incident's belong to the run."""
    incident = {
        **STORY["incidents"][-1],
        **{key: changes.pop(key) for key in ("recovery_step",) if key in changes},
    }
    return {**STORY, "incidents": [incident], **changes}


def test_a_card_says_what_broke_and_what_to_change() -> None:
    """Run, order, steps, values, limits, checkpoint, settings as they are and should be, causes."""
    one = card(alert())
    assert (one.tone, one.title, one.loud) == (Tone.CRITICAL, f"\U0001f534 Policy collapse: {RUN}", True)
    assert body_text(one, PlainText()) == (
        "grpo, training, step 35 of 120 (29%)\n"
        "Since step 7, 28 steps ago\n"
        "Broke in this order: KL (step 7) \u2192 length (step 12) \u2192 reward (step 17)\n"
        "Last checkpoint before it: checkpoint-6\n"
        "\n"
        "What happened\n"
        "\U0001f534 step 7 on: KL spike. kl jumped to 5.233 at step 32, usual level 0.01.\n"
        "\U0001f7e0 steps 20 to 25: Too many truncated. Clipped ratio is 1 at step 22, limit 0.3.\n"
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
    told = {**STORY, "title": "policy 崩溃", "state_text": "训练中"}
    shown = text(card(alert(), said=told, lang=Lang.ZH))
    assert "\U0001f534 policy 崩溃：math/collapse-1\ngrpo，训练中，第 35 / 120 步（29%）\n" in shown
    assert "失常顺序：KL（第 7 步） \u2192 长度（第 12 步） \u2192 奖励（第 17 步）" in shown
    assert "怎么办\n1. Raise beta, the weight of the KL penalty：--beta 0.1（现为 0.04）" in shown


@pytest.mark.parametrize(
    ("said", "tone", "title", "body"),
    [
        (
            ended(recovery_step=60, last_step=64),
            Tone.GOOD,
            f"\u2705 Recovered at step 60: {RUN}",
            "It lasted 53 steps, 10 min: KL (step 7) \u2192 length (step 12)",
        ),
        (
            ended(recovery_step=5, last_step=9),
            Tone.GOOD,
            f"\u2705 Over, the run went back to step 5: {RUN}",
            "",
        ),
        (
            ended(state="failed", state_text="failed"),
            Tone.OVER,
            f"\u26aa Failed without recovering: {RUN}",
            "--beta 0.1 (now 0.04)",
        ),
        (
            ended(state="finished", state_text="finished"),
            Tone.OVER,
            f"\u26aa Finished without recovering: {RUN}",
            "Since step 7, 28 steps ago",
        ),
        (
            ended(state="stalled", state_text="stalled"),
            Tone.OVER,
            f"\u26aa Silent without recovering: {RUN}",
            "No record since 2023-11-14 22:13 UTC: it was likely killed, or it hangs.",
        ),
        (ended(), Tone.OVER, f"\u26aa Alert over, not recovered: {RUN}", "--beta 0.1"),
    ],
)
def test_a_resolved_card_says_how_it_ended(said: dict[str, Any], tone: Tone, title: str, body: str) -> None:
    """Recovered and when, or the run ended before; then what to change still stands there."""
    one = card(alert(firing=False), said=said)
    assert (one.tone, one.title, one.loud) == (tone, title, False)
    assert body in text(one)


@pytest.mark.parametrize(
    ("one", "said", "title"),
    [
        (alert("LlmTrainKlHigh", signal="kl_high", firing=False), STORY, "\u2705 Over: KL too high"),
        (
            alert("LlmTrainKlHigh", signal="kl_high", firing=False),
            ended(state="failed"),
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
    assert text(card(back)) == "\u2705 Over: Exporter down: exporter:9848\nIt lasted 10 min."


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
    assert text(card(own)) == "\U0001f7e0 GPU too hot: exporter:9848\n91 C"
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
    shown = text(card(alert("LlmTrainRunFailed"), said={**STORY, "state_text": "failed"}))
    assert f"\U0001f534 Run failed: {RUN}\ngrpo, failed, step 35 of 120 (29%)\n" in shown
    assert "What to do\n1. Read the last lines of its output." in shown
    assert "2. Raise beta" in shown


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
    one = compose(told, Asked(), Backlog(), LinkRule(), Lang.EN, NOW)
    assert "Alertmanager left out 5 alerts." in text(one)


def test_links_move_to_public_addresses() -> None:
    """The alert's own path below the address that people reach; as it is where none is given."""
    notes = {
        "run_url": "http://localhost:9848/run?run=a%2Fb",
        "dashboard_url": "http://localhost:3000/d/llmtrain-grpo?var-run=a%2Fb&from=1",
        "runbook_url": "http://localhost:9848/runbook?lang=en#llmtrainincident",
    }

    def urls(public: LinkRule, lang: Lang = Lang.EN) -> list[str]:
        return [link.url for link in links(notes, "a/b", public, lang)]

    assert urls(LinkRule()) == list(notes.values())
    public = LinkRule(exporter="https://e.org/x", grafana="https://g.org/grafana")
    assert urls(public, Lang.ZH) == [
        "https://e.org/x/run?run=a%2Fb",
        "https://g.org/grafana/d/llmtrain-grpo?var-run=a%2Fb&from=1",
        "https://e.org/x/runbook?lang=zh#llmtrainincident",
    ]
    assert urls(LinkRule(runbook="https://wiki.org/llm"))[2] == "https://wiki.org/llm#llmtrainincident"
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


def test_a_story_may_be_anything() -> None:
    """What an exporter of another version says, or half of it, never costs the card."""
    for said in (
        {},
        {"findings": "x", "incidents": [1, {"onset_step": "7"}], "last_step": None},
        {**STORY, "incidents": [{"onset_step": 3}]},
        {**STORY, "max_steps": 0, "last_step": True},
    ):
        assert RUN in card(alert(), said=said).title
    assert story.read({"last_record_timestamp": "x"}) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(STORY)), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_no_story_breaks_a_card(said: Any) -> None:
    """Neither firing nor resolved."""
    told = said if isinstance(said, dict) else {"findings": said, "incidents": said, "actions": said}
    for firing in (True, False):
        assert RUN in card(alert(firing=firing), said={**STORY, **told}).title


def test_alerts_without_a_signal_have_a_short_name() -> None:
    """Each of ours that no signal names has a title for cards, and no title is left over."""
    assert {one.name for one in ALERTS if one.signal is None} == set(card_words.TITLES)
