"""From a notification to each bot: nothing lost, nothing twice, no limit broken, no secret told."""

from __future__ import annotations

import json
import logging
import random
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from anyio import to_thread
from llmtrain_exporter.knowledge.text import Text
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.call import Answer
from llmtrain_exporter.notify.chat.descriptor import Rate
from llmtrain_exporter.notify.pacing import MOST_SECONDS, Bucket, Pause, Waiting
from llmtrain_exporter.notify.service import quieten

from tests.bots import KINDS, Bot, all_bots, bot
from tests.relaying import NOW, RUN, Site, alert, document, ending, group, relaying
from tests.servers import HANGS_SECONDS, eventually

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 1000
WITH_PICTURES = [kind for kind, chat in CHATS.items() if chat.picture]


def until_accepted(site: Site, body: Any) -> Counter[int]:
    """Post again and again, as Alertmanager does; the answers, of which the last one is 200."""
    codes: Counter[int] = Counter()
    while not codes[200]:
        site.clock.crank(1.0)
        codes[site.post(body).status_code] += 1
    return codes


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No chart is given up because the machine is busy."""
    monkeypatch.setattr("llmtrain_exporter.notify.pictures.DRAW_SECONDS", HANGS_SECONDS)


def test_every_bot_gets_one_card_and_one_when_it_is_over() -> None:
    """Each of them takes it: signature, sizes and form are right."""
    with all_bots() as bots, relaying(list(bots.values())) as site:
        assert site.post(group(alert())).status_code == 200
        site.stories[RUN] = document(ending=ending("healthy", "Recovered at step 40"))
        assert site.post(group(alert(firing=False))).status_code == 200
        for kind, one in bots.items():
            titles = [message.title for message in one.cards]
            assert len(titles) == 2, (kind, one.reasons)
            assert "Policy collapse: math/collapse-1" in titles[0].replace("\\", "")
            assert "Recovered at step 40" in titles[1]
            assert not one.refused
        assert site.metrics()['llmtrain_relay_cards_total{bot="slack",result="sent"}'] == 2


def test_one_bot_can_be_told_alone() -> None:
    """/alerts/BOT is one bot's; an unknown name is told, with those that there are."""
    with all_bots() as bots, relaying(list(bots.values())) as site:
        assert site.post(group(alert()), "/alerts/slack").status_code == 200
        assert {kind: len(one.cards) for kind, one in bots.items() if one.cards} == {"slack": 1}
        answer = site.post(group(alert()), "/alerts/no-such")
        assert answer.status_code == 404
        assert ", ".join(bots) in answer.text


SOON = {"rate_limit": 503, "error": 503, "timeout": 503, "drop": 503, "garbage": 503, "refuse": 424}


@pytest.mark.parametrize("how", SOON)
@pytest.mark.parametrize("kind", KINDS)
def test_no_failure_loses_a_card_or_doubles_another(kind: str, how: str) -> None:
    """Alertmanager is asked to come again; the bot that failed gets the card then, the other has it."""
    other = "slack" if kind == "wecom" else "wecom"
    with bot(kind) as failing, bot(other) as fine, relaying([failing, fine]) as site:
        failing.fail(how, times=2)
        first = site.post(group(alert()))
        assert first.status_code == SOON[how]
        assert f"{other}: sent" in first.text
        codes = until_accepted(site, group(alert()))
        assert (len(failing.cards), len(fine.cards)) == (1, 1)
        assert failing.reasons == {how: 2}
        assert set(codes) <= {200, SOON[how]}
        metrics = site.metrics()
        assert metrics[f'llmtrain_relay_retried_cards_total{{bot="{kind}"}}'] == 1
        assert sum(value for key, value in metrics.items() if "failures_total" in key) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_that_is_refused_is_sent_shorter(kind: str) -> None:
    """What the bot cannot read may be in a part that matters less."""
    with bot(kind) as one, relaying([one]) as site:
        one.fail("malformed", times=1)
        assert site.post(group(alert())).status_code == 200
        (message,) = one.cards
        assert "Incident from step 7" in message.text
        assert "What to do" not in message.text
        assert "Left out for length" in message.text


def test_a_card_that_is_refused_in_every_form_ends_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing loops for ever or is lost silently: it is counted, logged in full, and answered 200."""
    with bot("wecom") as one, relaying([one]) as site:
        one.fail("malformed")
        assert site.post(group(alert())).status_code == 200
        assert site.post(group(alert())).status_code == 200
        assert one.reasons == {"malformed": 2}
        assert site.metrics()['llmtrain_relay_cards_total{bot="wecom",result="never"}'] == 1
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "--beta 0.1 (now 0.04)" in error.getMessage()
    assert vars(error)["each_one"], "the log's own limit must not swallow it"


def test_a_message_that_could_not_be_made_keeps_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """An error of the relay's own: Alertmanager comes again, and the bot's limit is as it was."""
    with bot("slack") as one, relaying([one]) as site:
        compose, site.relay._sources = site.relay._sources, None  # type: ignore[assignment]
        site.relay._fresh = lambda group: group  # type: ignore[method-assign]
        for _ in range(3):
            assert site.post(group(alert())).status_code == 503
        site.relay._sources = compose
        assert site.post(group(alert())).status_code == 200
        assert len(one.cards) == 1
    assert "could not be made" in caplog.text


def test_a_card_that_could_not_be_written_keeps_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often that happens, the bot gets its cards afterwards: Discord has four tokens."""

    def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError

    with bot("discord") as one, relaying([one]) as site:
        (delivery,) = site.relay._deliveries.values()
        with monkeypatch.context() as patch:
            patch.setattr(delivery, "_chat", replace(delivery._chat, write=broken))
            for _ in range(5):
                assert site.post(group(alert())).status_code == 503
        assert site.post(group(alert())).status_code == 200
        assert len(one.cards) == 1


def test_a_bot_that_refuses_everything_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """One error with what to do, however often it is tried; and a word when it works again."""
    with bot("feishu") as one, relaying([one]) as site:
        one.fail("refuse", times=3)
        until_accepted(site, group(alert()))
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [
        "Bot feishu (feishu) takes no card: it says that the signature is wrong: check the secret and this "
        "machine's clock",
        "Bot feishu takes cards again",
    ]


def test_a_bot_that_refused_is_left_alone_for_a_while() -> None:
    """A storm of retries does not become a storm of messages to a bot that has said no."""
    with bot("feishu") as one, relaying([one]) as site:
        one.fail("refuse")
        answers = {site.post(group(alert(run=f"r{at}"))).status_code for at in range(10)}
        assert answers == {424}
        assert len(one.refused) == 1


def test_the_same_card_is_not_sent_twice_at_a_time() -> None:
    """Two Alertmanagers of a cluster, or one with a short time-out: the second has to come again."""
    with bot("slack") as one, relaying([one]) as site, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.post(group(alert())).status_code, range(8)))
        assert set(answers) <= {200, 503}
        assert len(one.cards) == 1


def test_what_fires_again_is_told_again() -> None:
    """A second incident of the same run has another start; so has a change within the group."""
    with bot("slack") as one, relaying([one]) as site:
        for body in (
            group(alert()),
            group(alert(firing=False)),
            group(alert(started=NOW + 900)),
            group(alert(started=NOW + 900), alert("LlmTrainRunFailed", started=NOW + 1000)),
        ):
            assert site.post(body).status_code == 200
            assert site.post(body).status_code == 200  # the answer got lost, and Alertmanager came again
        assert len(one.cards) == 4


def test_a_run_that_fails_again_is_told_again() -> None:
    """Nobody is told when such an alert is over, so only its beginning tells it from the one before."""
    with bot("slack") as one, relaying([one]) as site:
        for started in (NOW, NOW, NOW + 1500):
            assert site.post(group(alert("LlmTrainRunFailed", started=started))).status_code == 200
        assert len(one.cards) == 2


def test_what_a_bot_took_is_forgotten_in_time() -> None:
    """So that Alertmanager's reminders get through."""
    with bot("slack") as one, relaying([one], remember=3600.0) as site:
        for seconds, cards in ((0.0, 1), (3500.0, 1), (3700.0, 2)):
            site.clock.crank(seconds)
            assert site.post(group(alert())).status_code == 200
            assert len(one.cards) == cards


def test_a_bot_hears_of_what_it_wants_alone() -> None:
    """By severity; an alert without a severity that is known is never kept from anybody."""
    rules: dict[str, Any] = {"slack": {"severities": ["critical"]}}
    with bot("slack") as one, bot("feishu") as other, relaying([one, other], **rules) as site:
        site.post(group(alert("LlmTrainKlHigh", severity="warning", signal="kl_high")))
        site.post(group(alert("Own", severity="page")))
        site.post(group(alert(), alert("LlmTrainKlHigh", severity="warning", signal="kl_high")))
        assert ["A run is breaking" in message.title for message in one.cards] == [True, False]
        assert "Also" not in one.cards[1].text
        assert len(other.cards) == 3
        assert site.metrics()['llmtrain_relay_cards_total{bot="slack",result="unwanted"}'] == 1


def test_what_is_over_for_long_is_told_to_nobody() -> None:
    """A relay that was away for a day does not tell yesterday's recoveries; what still fires it does."""
    old = alert(run="old", firing=False, started=NOW - 90_000, ended=NOW - 86_000)
    with bot("slack") as one, relaying([one]) as site:
        assert site.post(group(old)).status_code == 200
        assert one.cards == []
        assert site.post(group(old, alert(started=NOW - 90_000))).status_code == 200
        assert [message.title for message in one.cards] == ["*\U0001f534 Policy collapse: math/collapse-1*"]
        assert site.metrics()["llmtrain_relay_expired_alerts_total"] == 2


def test_without_a_bot_a_card_is_shown() -> None:
    """A first try shows something, and Alertmanager is content."""
    with relaying([]) as site:
        assert site.post(group(alert())).status_code == 200
        assert [card.title for card in site.shown] == ["\U0001f534 Policy collapse: math/collapse-1"]


@pytest.mark.parametrize("kind", WITH_PICTURES)
def test_a_chart_comes_with_an_incident(kind: str) -> None:
    """In the same message where the chat can, as a second one where not; none when it is over."""
    with bot(kind) as one, relaying([one], draw=lambda _: PNG) as site:
        assert site.post(group(alert())).status_code == 200
        assert [message.picture for message in one.accepted if message.picture] == [PNG]
        assert site.metrics()[f'llmtrain_relay_pictures_total{{bot="{kind}",result="sent"}}'] == 1
        assert site.post(group(alert(firing=False))).status_code == 200
        assert len([message for message in one.accepted if message.picture]) == 1
        assert len(one.cards) == 2


@pytest.mark.parametrize("kind", WITH_PICTURES)
@pytest.mark.parametrize("drawn", [None, b"x" * 9_000_000, RuntimeError])
def test_a_chart_that_fails_never_costs_the_card(kind: str, drawn: Any) -> None:
    """Not drawn, too large, or an error: the card is there."""

    def draw(_: Mapping[str, Any]) -> bytes | None:
        if drawn is RuntimeError:
            raise RuntimeError
        return drawn  # type: ignore[no-any-return]

    with bot(kind) as one, relaying([one], draw=draw) as site:
        assert site.post(group(alert())).status_code == 200
        assert [message.picture for message in one.accepted] == [None]


def test_a_chart_that_the_bot_refuses_is_left_out() -> None:
    """Discord refuses the whole message then; it is sent again without."""
    with bot("discord") as one, relaying([one], draw=lambda _: PNG) as site:
        one.fail("malformed", times=1)
        assert site.post(group(alert())).status_code == 200
        assert [message.picture for message in one.accepted] == [None]
        assert "What to do" in one.accepted[0].text


def drawing_slowly(site: Site) -> threading.Event:
    """No chart is ready before this is set."""
    done = threading.Event()

    async def draw(_: Mapping[str, Any], __: str) -> bytes | None:
        await to_thread.run_sync(done.wait)
        return PNG

    site.relay._sources = replace(site.relay._sources, draw=draw)
    return done


def test_cards_do_not_wait_for_the_charts_of_others() -> None:
    """No more than half of Discord's tokens are held by cards whose chart is being drawn."""
    with bot("discord") as one, relaying([one]) as site, ThreadPoolExecutor(8) as pool:
        done = drawing_slowly(site)
        for at in range(4):
            site.stories[f"r{at}"] = document(run=f"r{at}")
        posts = [pool.submit(site.post, group(alert(run=f"r{at}"))) for at in range(4)]
        eventually(lambda: len(one.cards) == 2)
        done.set()
        assert {post.result().status_code for post in posts} == {200}
        assert [message.picture for message in one.cards] == [None, None, PNG, PNG]


def test_a_card_without_a_chart_does_not_wait_for_one() -> None:
    """While Discord's chart of the same incident is being drawn, Slack has its card, in another language."""
    with (
        bot("discord") as with_chart,
        bot("slack") as without,
        relaying([with_chart, without], slack={"lang": "zh"}) as site,
        ThreadPoolExecutor(1) as pool,
    ):
        done = drawing_slowly(site)
        assert site.post(group(alert(run="another")), "/alerts/slack").status_code == 200
        answer = pool.submit(site.post, group(alert()))  # Slack has no token for a second
        eventually(lambda: len(without.cards) == 2)
        assert not with_chart.cards
        done.set()
        assert answer.result().status_code == 200
        assert [message.picture for message in with_chart.cards] == [PNG]


def test_charts_leave_the_tokens_to_cards() -> None:
    """When many cards come at a time, WeCom's limit is kept for them."""
    with bot("wecom") as one, relaying([one], draw=lambda _: PNG) as site:
        for at in range(12):
            site.stories[f"r{at}"] = document(run=f"r{at}")
            assert site.post(group(alert(run=f"r{at}"))).status_code == 200
        pictures = [message for message in one.accepted if message.picture]
        assert (len(one.cards), not one.refused) == (12, True)
        assert 0 < len(pictures) <= 6


@pytest.mark.parametrize("kind", KINDS)
def test_a_storm_keeps_the_limit_and_loses_nothing(kind: str) -> None:
    """200 runs collapse at a time: the bot never gets more than it may, and every card arrives in the end.

    However long messages are under way. What waits is told on the cards that go through.
    """
    runs = [f"team/run-{at}" for at in range(200)]
    chance = random.Random(kind)
    with bot(kind) as one, relaying([one], under_way=lambda: chance.uniform(0.0, 2.0)) as site:
        waiting = {run: group(alert(run=run)) for run in runs}
        with ThreadPoolExecutor(24) as pool:
            while waiting:
                answers = pool.map(lambda run: (run, site.post(waiting[run]).status_code), list(waiting))
                for run, code in list(answers):
                    assert code in (200, 503)
                    if code == 200:
                        del waiting[run]
                site.clock.crank(chance.uniform(10.0, 60.0))  # until Alertmanager comes back
        assert not one.refused
        titles = [message.title.replace("\\", "").rstrip("*").partition(": ")[2] for message in one.cards]
        assert sorted(titles) == sorted(runs)
        for count, seconds in one.rates:
            assert one.most_in(seconds) <= count
        metrics = site.metrics()
        if metrics[f'llmtrain_relay_held_back_cards_total{{bot="{kind}"}}']:
            noted = [message.text for message in one.cards if "more cards wait" in message.text]
            assert noted
            assert "team/run-" in noted[0].replace("\\", "").partition("more cards wait")[2]
        assert metrics[f'llmtrain_relay_waiting_cards{{bot="{kind}"}}'] == 0


def test_warnings_leave_tokens_to_what_is_critical() -> None:
    """A flood of warnings does not hold back the one card that somebody has to wake up for."""
    with bot("dingtalk") as one, relaying([one]) as site:
        codes = Counter(
            site.post(group(alert("LlmTrainKlHigh", run=f"w{at}", severity="warning"))).status_code
            for at in range(20)
        )
        assert codes == {200: 14, 503: 6}
        assert site.post(group(alert())).status_code == 200


def test_who_waits_for_a_token_is_let_go_when_the_relay_ends() -> None:
    """Alertmanager gets a 503, and comes again; the card that is under way is finished."""
    with bot("slack") as one, relaying([one]) as site, ThreadPoolExecutor(2) as pool:
        one.answering.clear()
        first = pool.submit(site.post, group(alert()))
        eventually(lambda: one.came)
        second = pool.submit(site.post, group(alert(run="b")))
        eventually(lambda: site.clock.sleepers)
        site.ending.set()
        one.answering.set()
        assert first.result().status_code == 200
        assert (second.result().status_code, "ending" in second.result().text) == (503, True)


def test_no_secret_is_told_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, at any log level: no address, key or secret in log, answer or metrics."""
    caplog.set_level(logging.DEBUG)
    quieten()
    with all_bots() as bots, relaying(list(bots.values())) as site:
        said = []
        for how in ("refuse", "drop", "malformed", "error", "timeout", "garbage", None):
            for one in bots.values():
                one.fail(how)
            said.append(site.post(group(alert(run=f"run {how}"))).text)
            site.clock.crank(MOST_SECONDS)
        said += [site.post(b"x").text, "\n".join(map(str, site.metrics()))]
        logged = "\n".join(record.getMessage() + (record.exc_text or "") for record in caplog.records)
        everything = "\n".join([*said, logged])
        for one in bots.values():
            assert one.token not in everything
            assert one.secret is None or one.secret not in everything
            for message in one.accepted:
                assert str(message.body.get("sign", "no sign")) not in everything
    assert "takes no card" in logged


def test_half_a_secret_is_a_secret() -> None:
    """A bot that quotes an address at the very place where its words are cut short tells no part of it."""
    with bot("feishu") as one, relaying([one]) as site:
        (delivery,) = site.relay._deliveries.values()
        url = delivery.bot.secrets["url"]
        said = {"code": 4711, "msg": "x" * 195 + url + one.token + (one.secret or "")}

        async def quoting(_: Any) -> Answer:
            return Answer(200, json.dumps(said).encode(), {})

        delivery._ports = replace(delivery._ports, post=quoting)
        answer = site.post(group(alert()))
        assert (answer.status_code, "xxx***" in answer.text) == (424, True)
        assert url[:5] not in answer.text.replace("xxx", "")


# The parts by themselves.


def test_tokens_come_back_only_after_the_whole_window() -> None:
    """However long messages are on their way, the bot sees no more than so many in any window."""
    bucket = Bucket([Rate(2, 10.0)])
    assert bucket.take(0.0) == 0
    assert bucket.take(0.0) == 0
    assert bucket.take(5.0) == float("inf")
    bucket.done(6.0)  # it may have been counted as late as now
    assert bucket.take(15.9) == pytest.approx(0.1)
    assert (bucket.left(15.9), bucket.left(16.0)) == (0, 1)
    assert bucket.take(16.0) == 0


def test_all_rates_hold_at_once() -> None:
    """5 a second and 100 a minute are both kept."""
    bucket = Bucket([Rate(2, 1.0), Rate(3, 60.0)])
    for _ in range(2):
        assert bucket.take(0.0) == 0
        bucket.done(0.0)
    assert bucket.take(0.5) == pytest.approx(0.5)
    assert bucket.take(1.0) == 0
    bucket.done(1.0)
    assert bucket.take(1.0) == pytest.approx(59.0)


def test_some_tokens_can_be_spared() -> None:
    """For those who matter more."""
    bucket = Bucket([Rate(4, 60.0)])
    for _ in range(3):
        assert bucket.take(0.0, spare=0.25) == 0
        bucket.done(0.0)
    assert bucket.take(0.0, spare=0.25) == pytest.approx(60.0)
    assert bucket.take(0.0) == 0


def test_a_refusal_is_followed_by_a_longer_silence_each_time() -> None:
    """Twice as long as before, no longer than a minute; success ends it."""
    from llmtrain_exporter.notify.chat.answers import RATE, closed

    pause = Pause()
    now, waits = 0.0, []
    for _ in range(7):
        pause.begin(RATE, now)
        step = 0
        while pause.reason(now + step):
            step += 1
        waits.append(step)
        now += step
    assert waits == [2, 4, 8, 16, 32, 60, 60]
    asked = closed("x", Text("y", "y"))
    pause.over()
    pause.begin(asked, now)
    assert (pause.reason(now + 1.9), pause.reason(now + 2)) == (asked, None)


def test_what_alertmanager_has_given_up_waits_no_more() -> None:
    """A run that recovered before its card went out is not said to wait for ever."""
    waiting = Waiting(100.0)
    waiting.add("a", "run a", 0.0)
    waiting.add("b", "run b", 50.0)
    waiting.add("a", "run a", 60.0)
    assert waiting.names(120.0) == ["run b", "run a"]
    assert waiting.names(155.0) == ["run a"]
    waiting.drop("a")
    assert waiting.names(155.0) == []


def test_bots_do_not_wait_for_each_other() -> None:
    """One that hangs holds up the answer, but not another bot's card."""
    with bot("feishu") as hanging, bot("slack") as fine, relaying([hanging, fine]) as site:
        hanging.answering.clear()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(site.post, group(alert()))
            eventually(lambda: fine.cards)
            assert not hanging.cards
            assert not answer.done()
            hanging.answering.set()
        assert answer.result().status_code == 200


def test_a_fake_bot_is_as_strict_as_the_real_one() -> None:
    """The servers of these tests refuse what they should: else the tests would prove nothing."""
    from tests.relaying import post

    with all_bots() as bots:
        for kind, one in bots.items():
            assert isinstance(one, Bot)
            answer = post(one.url, {"msgtype": "text", "text": {"content": "hi"}, "content": "hi"})
            assert one.reasons, (kind, answer.text)
            one.clear()
            wrong = one.url.replace(one.token, "0" * 32)
            post(wrong, {})
            assert set(one.reasons) == {"address"}, kind
