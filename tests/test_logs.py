"""The exporter's own log: readable, quiet about repetitions, without forged lines and without secrets."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter import logs
from llmtrain_exporter.printable import printable

UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The loggers of the test run are what they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level


def configured(log_format: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(log_format, level, stream)
    return stream


class Clock:
    """Time that moves when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def limited() -> Iterator[tuple[logging.Logger, Clock, io.StringIO]]:
    """A logger behind a rate limit, its clock, and what comes out."""
    stream, clock = io.StringIO(), Clock()
    handler = logs.RateLimit(logging.StreamHandler(stream), clock)
    logger = logging.Logger("limited")
    logger.addHandler(handler)
    yield logger, clock, stream
    handler.close()


def test_a_text_line_says_when_how_bad_where_and_what() -> None:
    """A text message is one line with the time in UTC, the level, the logger and the text."""
    stream = configured("text")
    logging.getLogger("llmtrain_exporter.somewhere").warning("%s: gone", "a.jsonl")
    time, level, logger, *text = stream.getvalue().split()
    assert (level, logger, text) == ("WARNING", "llmtrain_exporter.somewhere:", ["a.jsonl:", "gone"])
    assert time.endswith("Z")


def test_a_json_line_has_the_same_as_fields() -> None:
    """A JSON message is one object on one line."""
    stream = configured("json")
    logging.getLogger("llmtrain_exporter.somewhere").error("line one\nline two \u2028 \x1b[31m")
    [line] = stream.getvalue().splitlines()
    message = json.loads(line)
    assert set(message) == {"time", "level", "logger", "message"}
    assert message["message"] == "line one\\x0aline two \\u2028 \\x1b[31m"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_less_severe_messages_are_left_out(log_format: str) -> None:
    """The level is the least severe that is written."""
    stream = configured(log_format, "warning")
    logging.getLogger("llmtrain_exporter").info("hello")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", UVICORN)
def test_the_web_servers_messages_look_like_ours(name: str) -> None:
    """What uvicorn set up for itself is taken away; its messages come out once, in our format."""
    logging.getLogger(name).addHandler(logging.StreamHandler(io.StringIO()))
    stream = configured("json")
    logging.getLogger(name).error("of the server")
    assert [json.loads(line)["logger"] for line in stream.getvalue().splitlines()] == [name]


@given(st.text())
def test_no_message_can_look_like_two(text: str) -> None:
    """Whatever a log or a file name holds, its message is one line of printable text."""
    shown = logs.escaped(text)
    assert len(f"x{shown}x".splitlines()) == 1
    assert "\x1b" not in shown
    shown.encode()


def test_ordinary_text_of_any_language_is_left_alone() -> None:
    """Only what is no visible character is written out."""
    assert logs.escaped("奖励崩溃 - Größe, step 7") == "奖励崩溃 - Größe, step 7"


def test_messages_and_labels_agree_on_what_is_printable() -> None:
    """What the log writes out is what the name of a run has U+FFFD for, of all characters there are."""
    characters = [chr(code) for code in range(sys.maxunicode + 1) if code != 0xFFFD]
    escaped = [each for each in characters if logs.escaped(each) != each]
    assert escaped == [each for each in characters if printable(each) != each]
    assert set("\x1b\u200b\u200d\u2060\ufeff\ufff9") <= set(escaped)


def test_a_traceback_cannot_hold_a_line_of_its_own() -> None:
    """Every line below a message's first is indented, the text of an exception included."""
    stream = configured("text")
    try:
        raise ValueError("x\n2026-01-01T00:00:00.000Z ERROR exporter: forged \x1b[2J")
    except ValueError:
        logging.getLogger("llmtrain_exporter").exception("went wrong")
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("went wrong")
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("GET https://user:hunter2@host/x", "https://***@host/x"),
        ("Authorization: Basic aHVudGVyMg==", "Basic ***"),
        ("sent with Bearer hunter2.abc", "Bearer ***"),
        ("https://oapi.dingtalk.com/robot/send?access_token=hunter2&x=1", "&x=1"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=hunter2", "/webhook/***"),
        ("https://hooks.slack.com/services/T0/B0/hunter2", "https://hooks.slack.com/services/***"),
        ("https://api.telegram.org/bot123456789:hunter2/sendMessage", "/bot***/sendMessage"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/hunter2", "/hook/***"),
        ("{'api_key': 'hunter2', 'a': 1}", "'a': 1"),
        ("password=hunter2", "password="),
    ],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_do_not_get_into_the_log(text: str, kept: str, log_format: str) -> None:
    """What looks like a password, a token or a webhook is blotted out in messages and in tracebacks."""
    stream = configured(log_format)
    logging.getLogger("llmtrain_exporter").warning("%s", text)
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("llmtrain_exporter").exception("failed")
    assert "hunter2" not in stream.getvalue()
    assert "aHVudGVyMg" not in stream.getvalue()
    assert kept in logs.without_secrets(text)


def test_ordinary_messages_lose_nothing() -> None:
    """A token count or a path is no secret."""
    text = "qwen/v1-20260101-000000/logging.jsonl: 8 tokens, num_tokens 5, 12:30"
    assert logs.without_secrets(text) == text


def test_a_repeated_message_is_counted_and_not_written(
    limited: tuple[logging.Logger, Clock, io.StringIO],
) -> None:
    """Beyond its share of a minute a template is held back; later on it is told how often it came."""
    logger, clock, stream = limited
    for number in range(logs.REPEATS + 5):
        logger.warning("%s: cannot be read", f"run{number}")
    assert len(stream.getvalue().splitlines()) == logs.REPEATS
    clock.now = logs.WINDOW_SECONDS
    logger.warning("something else")
    summary, other = stream.getvalue().splitlines()[logs.REPEATS :]
    assert (summary, other) == ("run14: cannot be read [repeated 5 times]", "something else")


def test_after_its_minute_a_message_is_written_again(
    limited: tuple[logging.Logger, Clock, io.StringIO],
) -> None:
    """The share of a template is per minute."""
    logger, clock, stream = limited
    for minute in range(3):
        clock.now = minute * logs.WINDOW_SECONDS
        for _ in range(logs.REPEATS):
            logger.warning("again")
    assert stream.getvalue().splitlines() == ["again"] * 3 * logs.REPEATS


def test_what_stands_nowhere_else_is_always_written(
    limited: tuple[logging.Logger, Clock, io.StringIO],
) -> None:
    """However many there are, each one differs in what matters."""
    logger, _, stream = limited
    for number in range(logs.REPEATS + 5):
        logger.error("lost: %s", number, extra={"each_one": True})
    assert len(stream.getvalue().splitlines()) == logs.REPEATS + 5


def test_what_is_held_back_is_told_at_the_end() -> None:
    """Closing the log writes the counts that were still waiting."""
    stream = io.StringIO()
    handler = logs.RateLimit(logging.StreamHandler(stream), Clock())
    logger = logging.Logger("limited")
    logger.addHandler(handler)
    for _ in range(logs.REPEATS + 1):
        logger.warning("again")
    handler.close()
    assert stream.getvalue().splitlines()[-1] == "again [repeated 1 times]"


@pytest.mark.parametrize("differing", [lambda n: (logging.WARNING, f"m{n}"), lambda n: (n + 1, "m")])
def test_different_messages_do_not_share(
    limited: tuple[logging.Logger, Clock, io.StringIO], differing: Callable[[int], tuple[int, str]]
) -> None:
    """Each template of each level has a share of its own."""
    logger, _, stream = limited
    for number in range(3 * logs.REPEATS):
        level, text = differing(number)
        logger.log(level, text)
    assert len(stream.getvalue().splitlines()) == 3 * logs.REPEATS


def test_messages_that_are_all_different_do_not_fill_the_memory(
    limited: tuple[logging.Logger, Clock, io.StringIO],
) -> None:
    """Only so many templates are counted; the oldest is forgotten, and what it held back is told."""
    logger, _, stream = limited
    for _ in range(logs.REPEATS + 2):
        logger.warning("first")
    for number in range(logs.TEMPLATES_KEPT):
        logger.warning(f"message {number}")
    assert "first [repeated 2 times]" in stream.getvalue().splitlines()


def test_a_line_that_is_written_over_is_cleared_before_a_message() -> None:
    """And only for so long."""
    stream = configured("text", "warning")
    with logs.preceded_by(lambda: stream.write("<cleared>")):
        logging.getLogger("a").info("nothing")
        logging.getLogger("a").warning("first")
    logging.getLogger("a").warning("second")
    first, second = stream.getvalue().splitlines()
    assert first.startswith("<cleared>20")
    assert first.endswith("first")
    assert second.startswith("20")


def test_it_is_cleared_where_nobody_asked_for_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Python shows warnings by itself then."""
    logging.getLogger().handlers = []
    with logs.preceded_by(lambda: sys.stderr.write("<cleared>")):
        logging.Logger("a").warning("first")
    assert capsys.readouterr().err == "<cleared>first\n"
