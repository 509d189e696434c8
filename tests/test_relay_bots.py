"""What each chat is sent: signed as it wants it, within its limits, harmless whatever runs are called."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from llmtrain_exporter.config.secrets import secret_keys
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS, dingtalk, discord, feishu, slack, telegram, wecom
from llmtrain_exporter.notify.call import Answer
from llmtrain_exporter.notify.card import Card, Markup, Tone
from llmtrain_exporter.notify.chat.answers import Verdict
from llmtrain_exporter.notify.chat.descriptor import Bot, encoded
from llmtrain_exporter.story.blocks import Code, Link, Paragraph, Part, Section, items

from tests.bots import KINDS

SECRET = "SECdemo-Secret_0123456789"
STRANGE_SECRET = '密钥 & "quotes" + /='
MARKUPS: Mapping[str, Markup] = {
    "feishu": feishu.LarkMarkdown(),
    "dingtalk": dingtalk.DingMarkdown(),
    "wecom": wecom.WeComMarkdown(),
    "slack": slack.Mrkdwn(),
    "discord": discord.DiscordMarkdown(),
    "telegram": telegram.TelegramHtml(),
}
MOST = {"feishu": 20 * 1024, "dingtalk": 20_000}
"""Bytes of a request's body."""

HOSTILE = (
    "<at id=all></at>",
    "<!channel> <!here> <@U012> <https://evil.example|log in>",
    "@everyone @here <@&1> <@1>",
    "[log in](https://evil.example)",
    "![x](https://evil.example/pixel.png)",
    "https://evil.example/login www.evil.example",
    "**bold** *x* ~~x~~ `x` _x_ ||x||",
    "&lt;at id=all&gt; &#60;",
    "a\\](https://evil.example)",
    "<@all> <font color='warning'>x</font>",
    '<a href="https://evil.example">log in</a> <b>x</b> </b></code>',
    "evil.example/login train.py @durov x@evil.example /start",
)


MOVED = {
    "ok": False,
    "error_code": 400,
    "description": "Bad Request: group chat was upgraded to a supergroup chat",
    "parameters": {"migrate_to_chat_id": -1001234567890},
}
TOO_MANY = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 5"}


def refused(code: int, description: str) -> dict[str, Any]:
    """What Telegram's Bot API says to what it does not take."""
    return {"ok": False, "error_code": code, "description": description}


def made(*lines: str, title: str = "x", tone: Tone = Tone.CRITICAL, loud: bool = False) -> Card:
    """A card of these lines in a section that matters and one that does not."""
    link = Link("Page", "https://example.com/run?run=a%29")
    causes = items((line, Code(line)) for line in lines[1:])
    sections = (
        Section(Part.FACTS, None, tuple(Paragraph((line,)) for line in lines[:1]), 0),
        Section(Part.CAUSES, "Why", (causes,) if causes.items else (), 5),
        Section(Part.LINKS, None, (Paragraph((link,)),), 1),
    )
    return Card(Lang.EN, tone, title, sections, loud)


def bot(kind: str, secret: str | None = None, mention: tuple[str, ...] = ()) -> Bot[Any]:
    """A bot of that kind, as settings would make it."""
    fake = KINDS[kind](secret=secret if KINDS[kind].signs else None, port=9)
    rule = CHATS[kind].rule.model_validate(fake.rule(mention=mention))
    keys = secret_keys(type(rule))
    return Bot(rule, Lang.EN, {key: value for key, value in fake.settings.items() if key in keys})


def sent(kind: str, card: Card, mention: tuple[str, ...] = ()) -> tuple[dict[str, Any], bytes]:
    """A card as a message, and the body of the request that brings it."""
    message, _ = CHATS[kind].message(card, bot(kind, mention=mention).rule)
    return message, CHATS[kind].call(message, bot(kind, SECRET), 1_700_000_000.5).body or b""


def words(kind: str, message: Mapping[str, Any]) -> str:
    """All markup of a message."""
    if kind == "feishu":
        return "\n".join(one["text"]["content"] for one in message["card"]["elements"])
    if kind == "slack":
        blocks = message["attachments"][0]["blocks"]
        return "\n".join([message["text"], *(one["text"]["text"] for one in blocks)])
    if kind == "discord":
        return f"{message['embeds'][0]['title']}\n{message['embeds'][0]['description']}"
    if kind == "telegram":
        return str(message["text"])
    return str(message["markdown"]["text" if kind == "dingtalk" else "content"])


@pytest.mark.parametrize(
    ("timestamp", "secret", "sign"),
    [
        (1_700_000_000, SECRET, "6svnAaBgcMG8h8Bxm9IUMUmGKJ/hIw+Jesx3VtvWXQs="),
        (1_599_360_473, STRANGE_SECRET, "IGMshjQdlbUwrn4nFbIU8rhBFoP0S2dYAlw5jKHFSww="),
    ],
)
def test_feishu_signs_nothing_by_time_and_secret(timestamp: int, secret: str, sign: str) -> None:
    """The vectors are openssl's: `openssl dgst -sha256 -mac HMAC` of no text, by the key "time\\nsecret"."""
    assert feishu.signature(timestamp, secret) == sign
    call = CHATS["feishu"].call({"msg_type": "x"}, bot("feishu", secret), timestamp + 0.9)
    body = json.loads(call.body or b"")
    assert (body["timestamp"], body["sign"], body["msg_type"]) == (str(timestamp), sign, "x")


@pytest.mark.parametrize(
    ("milliseconds", "secret", "sign"),
    [
        (1_700_000_000_000, SECRET, "1c65z5fm626i8y2RR+LhOgNcTjtKTiXw7YS8mGlvZvk="),
        (1_577_262_236_757, STRANGE_SECRET, "bHCfotoAtauP/MDinzOckL57YgRp7JkPZNl7HK+2Avk="),
    ],
)
def test_dingtalk_signs_time_and_secret_by_the_secret(milliseconds: int, secret: str, sign: str) -> None:
    """The vectors are openssl's: `openssl dgst -sha256 -hmac secret` of "milliseconds\\nsecret"."""
    assert dingtalk.signature(milliseconds, secret) == sign
    call = CHATS["dingtalk"].call({}, bot("dingtalk", secret), milliseconds / 1000)
    assert call.params == {"timestamp": str(milliseconds), "sign": sign}


@pytest.mark.parametrize("kind", ["feishu", "dingtalk"])
def test_without_a_secret_nothing_is_signed(kind: str) -> None:
    """Bots may be protected by other means."""
    call = CHATS[kind].call({"a": 1}, bot(kind), 1.7e9)
    assert (json.loads(call.body or b""), call.params) == ({"a": 1}, {})


@pytest.mark.parametrize("kind", CHATS)
def test_a_call_shows_no_secret(kind: str) -> None:
    """What ends up in a traceback or a log by accident holds neither address nor signature."""
    secrets = {"url": f"https://chat.example/hook/{SECRET}", "token": SECRET, "secret": SECRET}
    secretive = replace(bot(kind, SECRET), secrets=secrets)
    call = CHATS[kind].call({"a": 1}, secretive, 1.7e9)
    assert SECRET not in repr((call, secretive))
    assert "sign" not in repr(call)


def is_small_enough(kind: str, card: Card) -> bool:
    """Whether a card is within all limits of its chat; characters are UTF-16 units where it counts them."""
    message, body = sent(kind, card, ("all",) if CHATS[kind].rule.can_mention_all else ("someone",))
    if kind == "wecom":
        return len(message["markdown"]["content"].encode()) <= 4096
    if kind == "slack":
        texts = [one["text"]["text"] for one in message["attachments"][0]["blocks"]]
        return len(texts) <= 50 and all(0 < len(text) <= 3000 for text in texts)
    if kind == "discord":
        embed = message["embeds"][0]
        title, text = (len(embed[key].encode("utf-16-le")) // 2 for key in ("title", "description"))
        return 0 < title <= 256 and 0 < text <= 4096
    if kind == "telegram":
        return 0 < telegram.parsed_length(message["text"]) <= 4096
    return len(body) <= MOST[kind]


@pytest.mark.parametrize("kind", CHATS)
@given(
    lines=st.lists(st.text(min_size=1, max_size=50), min_size=1, max_size=12),
    times=st.sampled_from([1, 7, 100, 900]),
    title=st.text(min_size=1, max_size=150),
)
@example(lines=["中" * 50] * 12, times=900, title="训" * 150)
@example(lines=["<*>" * 16] * 3, times=900, title="*" * 150)
@example(lines=["\U0001f534" * 40] * 12, times=900, title="\U0001f534" * 150)
def test_no_card_is_too_large(kind: str, lines: list[str], times: int, title: str) -> None:
    """Whatever texts a card has, and however long, its message is within the chat's limits, in bytes."""
    assert is_small_enough(kind, made(*(line * times for line in lines), title=title, loud=True))


@pytest.mark.parametrize("kind", CHATS)
def test_what_matters_least_is_left_out_first_and_said(kind: str) -> None:
    """Causes go before facts and links, whole lines before parts of them; the card says what is missing."""
    card = made("what happened", *(f"cause {number} " + "中" * 700 for number in range(40)))
    message, cut = CHATS[kind].message(card, bot(kind).rule)
    text = words(kind, message)
    assert cut
    assert "what happened" in text
    assert "https://example.com/run" in text
    assert re.search(r"Left out for length: \d+ causes\.", text)
    assert "中" * 700 in text or kind == "wecom"


def test_a_single_text_that_is_too_long_is_cut_between_characters() -> None:
    """What cannot be left out is shortened, and the card says so; no character is torn."""
    message, cut = CHATS["wecom"].message(made("训练" * 5000), bot("wecom").rule)
    text = message["markdown"]["content"]
    assert cut
    assert len(text.encode()) <= 4096
    assert "训练训练训练" in text
    assert "Texts were shortened." in text


def links_in(kind: str, text: str) -> list[str]:
    """Where a chat's client would lead to from such markup: its links, and whatever looks like an address."""
    if kind == "slack":
        return re.findall(r"<(https?://[^|>]*)\|[^>]*>", text) + re.findall(r"(?<![<\w])https?://\S+", text)
    if kind == "telegram":
        shown = html.unescape(re.sub(r"<a .*?</a>|<code>.*?</code>|<[^>]*>", "", text))
        alive = r"(?:https?://|www\.)\S+|\w\.[a-z]{2,}|(?<!\w)@\w+|(?<![\w/<>])/\w+"
        return re.findall(r'<a href="([^"]*)">', text) + re.findall(alive, shown)
    linked = re.findall(r"(?<!\\)\]\((\S*?)\)", text)
    bare = re.findall(r"(?<!\]\()\b(?:https?://|www\.)\S+", re.sub(r"\]\([^)]*\)", "", text))
    return linked + bare


@pytest.mark.parametrize("kind", CHATS)
@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_strangers_do_nothing_in_a_chat(kind: str, name: str) -> None:
    """No name of a run, label or function calls anybody, links anywhere or changes how other words look."""
    text = words(kind, sent(kind, made(f"run {name} broke", name, title=f"x: {name}"))[0])
    if kind == "discord":  # nothing between backticks is markup there
        text = re.sub(r"(?<!\\)`[^`]*`", "", text)
    assert links_in(kind, text) == ["https://example.com/run?run=a%29"]
    for calling in ("<at", "<!", "<@", "<font", "<https", "</b></code>"):
        assert calling not in text.replace("<https://example.com", "").replace("\\<", "")


@pytest.mark.parametrize("kind", CHATS)
@given(text=st.text(alphabet="<>&*_~`[]()!@#|\\:/. \u200babchtpsw\U0001f534中", max_size=40))
def test_no_text_links_or_calls(kind: str, text: str) -> None:
    """Any mixture of the characters that are markup somewhere stays words."""
    markup = MARKUPS[kind]
    written = markup.plain(text)
    unescaped = written.replace("\\\\", "").replace("\\<", "").replace("\\]", "")
    assert "<" not in unescaped
    assert kind in ("slack", "telegram") or "](" not in unescaped  # no markup there
    assert "://" not in written


def test_nobody_is_called_but_by_a_critical_card() -> None:
    """Mentions of the settings stand on loud cards alone, in each chat's own way."""
    loud, quiet = made("x", loud=True), made("x")
    for kind, mention, called in (
        ("feishu", ("all", "ou_1"), "<at id=all></at> <at id=ou_1></at>"),
        ("wecom", ("ann",), "<@ann>"),
        ("slack", ("all", "U1", "S2"), "<!channel> <@U1> <!subteam^S2>"),
    ):
        assert called in words(kind, sent(kind, loud, mention)[0])
        assert called not in words(kind, sent(kind, quiet, mention)[0])
    ding, _ = sent("dingtalk", loud, ("all", "13800000000", "ann"))
    assert ding["at"] == {"atMobiles": ["13800000000"], "atUserIds": ["ann"], "isAtAll": True}
    assert ding["markdown"]["text"].endswith("@13800000000 @ann")
    assert sent("dingtalk", quiet, ("all",))[0]["at"]["isAtAll"] is False
    disc, _ = sent("discord", loud, ("all", "42", "&7"))
    assert disc["content"] == "@everyone <@42> <@&7>"
    assert disc["allowed_mentions"] == {"parse": ["everyone"], "users": ["42"], "roles": ["7"]}
    assert sent("discord", quiet, ("all",))[0]["allowed_mentions"] == {"parse": [], "users": [], "roles": []}
    called = '<a href="tg://user?id=42">42</a> @ann @bob'
    assert words("telegram", sent("telegram", loud, ("42", "ann", "@bob"))[0]).endswith(called)
    assert called not in words("telegram", sent("telegram", quiet, ("42", "ann", "@bob"))[0])


@pytest.mark.parametrize(
    ("kind", "status", "body", "verdict", "reason"),
    [
        ("feishu", 200, {"code": 0}, Verdict.ACCEPTED, ""),
        ("feishu", 200, {"StatusCode": 0, "StatusMessage": "success"}, Verdict.ACCEPTED, ""),
        ("feishu", 200, {"code": 11232, "msg": "frequency limited"}, Verdict.LATER, "rate_limit"),
        ("feishu", 400, {"code": 9499, "msg": "too many request"}, Verdict.LATER, "rate_limit"),
        ("feishu", 400, {"code": 9499, "msg": "Bad Request"}, Verdict.NEVER, "card"),
        ("feishu", 200, {"code": 19021, "msg": "sign match fail"}, Verdict.CLOSED, "signature"),
        ("feishu", 200, {"code": 19024, "msg": "Key Words Not Found"}, Verdict.CLOSED, "keyword"),
        ("feishu", 200, {"code": 19001, "msg": "token invalid"}, Verdict.CLOSED, "address"),
        ("feishu", 200, {"code": 4711, "msg": "what"}, Verdict.CLOSED, "unknown"),
        ("feishu", 502, b"<html>", Verdict.LATER, "server_error"),
        ("feishu", 200, b"<html>log in</html>", Verdict.LATER, "unreadable"),
        ("feishu", 200, b"[" * 100_000, Verdict.LATER, "unreadable"),
        ("feishu", 200, {"code": "0"}, Verdict.LATER, "unreadable"),
        ("feishu", 200, {"code": True}, Verdict.LATER, "unreadable"),
        ("dingtalk", 200, {"errcode": 0, "errmsg": "ok"}, Verdict.ACCEPTED, ""),
        ("dingtalk", 200, {"errcode": 130101, "errmsg": "send too fast"}, Verdict.LATER, "rate_limit"),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": "sign not match"}, Verdict.CLOSED, "signature"),
        (
            "dingtalk",
            200,
            {"errcode": 310000, "errmsg": "keywords not in content"},
            Verdict.CLOSED,
            "keyword",
        ),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": "ip 1.2.3.4 not in whitelist"}, Verdict.CLOSED, "ip"),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": ["x"]}, Verdict.CLOSED, "signature"),
        ("dingtalk", 200, {"errcode": 300005}, Verdict.CLOSED, "address"),
        ("dingtalk", 200, {"errcode": 101002}, Verdict.NEVER, "too_long"),
        ("dingtalk", 200, {"errcode": 460101}, Verdict.NEVER, "too_long"),
        ("dingtalk", 200, {"errcode": -1}, Verdict.LATER, "server_error"),
        ("dingtalk", 200, {"errcode": 410100}, Verdict.LATER, "rate_limit"),
        ("dingtalk", 200, {"errcode": 430101}, Verdict.NEVER, "content"),
        ("dingtalk", 200, {"errcode": 400102}, Verdict.CLOSED, "disabled"),
        ("wecom", 200, {"errcode": 0}, Verdict.ACCEPTED, ""),
        ("wecom", 200, {"errcode": 45009}, Verdict.LATER, "rate_limit"),
        ("wecom", 200, {"errcode": 93000}, Verdict.CLOSED, "address"),
        ("wecom", 200, {"errcode": 40058}, Verdict.NEVER, "card"),
        ("slack", 200, b"ok", Verdict.ACCEPTED, ""),
        ("slack", 429, b"rate_limited", Verdict.LATER, "rate_limit"),
        ("slack", 400, b"invalid_blocks", Verdict.NEVER, "card"),
        ("slack", 404, b"no_service", Verdict.CLOSED, "address"),
        ("slack", 500, b"rollup_error", Verdict.LATER, "server_error"),
        ("discord", 204, b"", Verdict.ACCEPTED, ""),
        ("discord", 429, {"retry_after": 0.5}, Verdict.LATER, "rate_limit"),
        ("discord", 401, {"message": "Invalid Webhook Token"}, Verdict.CLOSED, "address"),
        ("discord", 400, {"embeds": ["0"]}, Verdict.NEVER, "card"),
        ("discord", 503, b"", Verdict.LATER, "server_error"),
        ("telegram", 200, {"ok": True, "result": {"message_id": 1}}, Verdict.ACCEPTED, ""),
        ("telegram", 200, {"result": {}}, Verdict.LATER, "unreadable"),
        ("telegram", 200, b"<html>", Verdict.LATER, "unreadable"),
        ("telegram", 404, b"<html>", Verdict.CLOSED, "address"),
        ("telegram", 413, b"<html>", Verdict.NEVER, "too_long"),
        ("telegram", 502, b"<html>", Verdict.LATER, "server_error"),
        ("telegram", 429, TOO_MANY, Verdict.LATER, "rate_limit"),
        ("telegram", 500, refused(500, "Internal Server Error"), Verdict.LATER, "server_error"),
        ("telegram", 401, refused(401, "Unauthorized"), Verdict.CLOSED, "token"),
        ("telegram", 404, refused(404, "Not Found"), Verdict.CLOSED, "token"),
        ("telegram", 403, refused(403, "Forbidden: bot was kicked"), Verdict.CLOSED, "chat"),
        ("telegram", 413, refused(413, "Request Entity Too Large"), Verdict.NEVER, "too_long"),
        ("telegram", 400, refused(400, "Bad Request: chat not found"), Verdict.CLOSED, "chat"),
        ("telegram", 400, refused(400, "Bad Request: message thread not found"), Verdict.CLOSED, "topic"),
        ("telegram", 400, refused(400, "Bad Request: TOPIC_CLOSED"), Verdict.CLOSED, "topic"),
        ("telegram", 400, refused(400, "Bad Request: have no rights to send"), Verdict.CLOSED, "chat"),
        ("telegram", 400, refused(400, "Bad Request: message is too long"), Verdict.NEVER, "too_long"),
        ("telegram", 400, refused(400, "Bad Request: can't parse entities"), Verdict.NEVER, "card"),
        ("telegram", 400, MOVED, Verdict.CLOSED, "chat"),
        ("telegram", 400, {"ok": False, "parameters": 1, "description": 2}, Verdict.NEVER, "card"),
    ],
)
def test_answers_are_understood(kind: str, status: int, body: Any, verdict: Verdict, reason: str) -> None:
    """Success is what the body says and no HTTP status; only what may pass is tried again."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    judged = CHATS[kind].judge(Answer(status, content, {}))
    assert (judged.verdict, judged.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("kind", "headers", "body", "wait"),
    [
        ("slack", {"Retry-After": "30"}, b"", 30.0),
        ("slack", {"retry-after": "soon"}, b"", None),
        ("slack", {"Retry-After": "-1"}, b"", None),
        ("slack", {"Retry-After": "nan"}, b"", None),
        ("discord", {}, b'{"retry_after": 1.5}', 1.5),
        ("discord", {"Retry-After": "2"}, b'{"retry_after": 1.5}', 2.0),
        ("discord", {}, b'{"retry_after": "x"}', None),
        ("telegram", {}, b'{"ok": false, "parameters": {"retry_after": 35}}', 35.0),
        ("telegram", {"Retry-After": "34"}, b'{"ok": false, "parameters": {"retry_after": 35}}', 34.0),
        ("telegram", {}, b'{"ok": false, "parameters": {"retry_after": -1}}', None),
    ],
)
def test_a_bot_may_say_how_long_to_wait(
    kind: str, headers: dict[str, str], body: bytes, wait: float | None
) -> None:
    """By header or body; what makes no sense is as if it had not."""
    assert CHATS[kind].judge(Answer(429, body, headers)).wait == wait


def test_messages_are_utf8_without_escapes() -> None:
    """A Chinese character takes three bytes and not six; half a character is still sent somehow."""
    assert encoded({"a": "训练"}) == '{"a":"训练"}'.encode()
    assert json.loads(encoded({"a": "\ud83d"})) == {"a": "\ud83d"}


def test_addresses_of_runs_keep_their_name() -> None:
    """A link to a run whose name is markup leads to that run."""
    name = "a)[b](c) <x> 训练/1"
    url = f"https://example.com/run?run={quote(name, safe='')}"
    for kind, markup in MARKUPS.items():
        assert url in markup.link("Page", url).replace("&amp;", "&"), kind


def test_a_group_that_moved_is_told_with_its_new_id() -> None:
    """A group of Telegram's that becomes a supergroup has another id, which the answer knows."""
    judged = CHATS["telegram"].judge(Answer(400, json.dumps(MOVED).encode(), {}))
    assert judged.hint is not None
    assert judged.hint.en == "the group has become a supergroup: set chat_id to -1001234567890"


def test_a_token_stands_in_the_address_alone() -> None:
    """Of Telegram's requests: text and picture go to the server of the settings, chat and topic with them."""
    one = bot("telegram")
    rule = one.rule.model_copy(update={"message_thread_id": 7, "api_url": "https://api.example/base"})
    one = replace(one, rule=rule)
    message, _ = CHATS["telegram"].message(made("x"), rule)
    text = CHATS["telegram"].call(message, one, 0.0)
    assert CHATS["telegram"].picture is not None
    assert CHATS["telegram"].picture.follow is not None
    photo = CHATS["telegram"].picture.follow(made("x", title="a<b" * 900), one, b"png")
    token = one.secrets["token"]
    assert text.url == f"https://api.example/base/bot{token}/sendMessage"
    assert photo.url == f"https://api.example/base/bot{token}/sendPhoto"
    sent_text = json.loads(text.body or b"")
    assert (sent_text["chat_id"], sent_text["message_thread_id"]) == (rule.chat_id, 7)
    form = {name: value.content.decode() for name, value in photo.form.items()}
    assert (form["chat_id"], form["message_thread_id"], form["photo"]) == (rule.chat_id, "7", "png")
    assert 0 < telegram.parsed_length(form["caption"]) <= 1024
    assert token not in repr((text, photo)) + str(text.body) + str(form)


@pytest.mark.parametrize(
    ("shown", "length"),
    [("abc", 3), ("<b>a</b>&lt;&amp;", 3), ('<a href="https://x/?a=1&amp;b=2">中</a>', 1), ("\U0001f534", 2)],
)
def test_telegram_counts_what_people_see(shown: str, length: int) -> None:
    """Tags, addresses and entities are not counted; what may count twice does."""
    assert telegram.parsed_length(shown) == length


@pytest.mark.parametrize("kind", ["feishu", "dingtalk"])
@pytest.mark.parametrize("keyword", ["训练", "step", "【告警】", "A.b-c 1"])
def test_the_keyword_stands_on_every_card(kind: str, keyword: str) -> None:
    """In the title as it is, however much of a card is cut; a card that holds it anyway is left alone."""
    rule = CHATS[kind].rule.model_validate(
        {"name": "a", "kind": kind, "url": "https://x.example", "keyword": keyword}
    )
    for title in ("x", f"about {keyword}", "y" * 100_000):
        message, _ = CHATS[kind].message(Card(Lang.ZH, Tone.CRITICAL, title, ()), rule)
        assert CHATS[kind].size(message) <= CHATS[kind].most
        written = json.dumps(message, ensure_ascii=False)
        assert keyword in written
        assert title != f"about {keyword}" or f"[{keyword}" not in written


def test_the_hint_about_keywords_names_the_setting() -> None:
    """And no word that cards do not hold."""
    for kind, body in (("feishu", {"code": 19024}), ("dingtalk", {"errcode": 310000, "errmsg": "keyword"})):
        hint = CHATS[kind].judge(Answer(200, json.dumps(body).encode(), {})).hint
        assert hint is not None
        assert "as keyword in its settings" in hint.en
        assert '"' not in hint.en
