"""Regular expressions of an operator: as Python understands them, in a time that no name can make long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from llmtrain_exporter.config import ConfigError, RunRule, configure
from llmtrain_exporter.config.linear_regex import MOST_STEPS, LinearRegex
from llmtrain_exporter.config.settings import EXPORTER

PLAIN = ["a", "b", "1", "/", "-", "中", "{", ".", r"\.", "^", "$", r"\b", r"\d", r"\w", r"\W"]
ATOMS = st.sampled_from([*PLAIN, "[ab]", "[^a]", "[]a]", r"[\d-]"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    times = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "+?", "??"])
    return st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, times).map(lambda pair: f"({pair[0]}){pair[1]}"),
        st.tuples(ATOMS, times).map("".join),
        inner.map(lambda regex: f"(?:{regex})"),
    )


PATTERNS = st.recursive(ATOMS, _larger, max_leaves=12)
TEXTS = st.text("ab1/-.{中\n", max_size=8)


def matches(regex: str, text: str) -> bool:
    return LinearRegex(regex).rewrite(text, "") is not None


@settings(max_examples=2000, deadline=None)
@given(PATTERNS, TEXTS)
@example("(a|ab)(c|bcd)*", "abcd")
@example("(|a)+", "aaa")
@example("(?:a*)*b", "aab")
def test_it_matches_what_python_matches(regex: str, text: str) -> None:
    """Whatever Python takes for a pattern, and on whatever name."""
    try:
        expected = re.fullmatch(regex, text)
    except re.error:
        return
    assert matches(regex, text) == (expected is not None)


@pytest.mark.parametrize(
    ("regex", "text", "template"),
    [
        (r"(.*)/v\d+-\d+-\d+", "qwen/v1/v2-3-4", r"\1"),
        (r"(?P<what>\w+)/v(\d+)-.*", "训练/v12-x", r"\g<what>-\2-\g<2>"),
        (r"(.*?)(\d*)", "abc123", r"\1|\2"),
        (r"(.*)(\d*)", "abc123", r"\1|\2"),
        (r"(a|ab)(c|bcd)(d*)", "abcd", r"\1|\2|\3"),
        (r"(?i)(QWEN)-(.*)", "qwen-7B", r"\2 \1"),
        (r"(a)|(b)", "b", r"<\1\2>"),
        (r"((a)|b)+", "ab", r"\1\2"),
        (r"a{2,3}(a{,2})", "aaaa", r"\1"),
        (r"(.)(.)?", "x", r"\1\2\\"),
        (r"(\x61\u0062)(.*)", "abc", r"\2\1"),
        (r"(a+?)(a*)$", "aaa", r"\1,\2"),
        (r"\A(\S+) (\S+)\Z", "a b", r"\2 \1 \g<0>"),
        ("(.*)\\udc80", "a\udc80", r"\1"),
    ],
)
def test_groups_are_pythons(regex: str, text: str, template: str) -> None:
    """The same way is preferred, greedy or lazy, the left alternative first."""
    found = re.fullmatch(regex, text)
    assert found
    assert LinearRegex(regex).rewrite(text, template) == found.expand(template)


@pytest.mark.parametrize(
    "regex", ["(a+)+$", "(a|aa)+", "(.*a){12}b", "(a*)*b", "(?:a?){50}a{50}b", ".*.*.*.*.*b", "(|){50}b"]
)
def test_no_pattern_takes_long(regex: str) -> None:
    """Such take longer than the sun has left in an engine that tries one way after another."""
    began = time.process_time()
    assert not matches(regex, "a" * 255 + "!")
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("regex", "told"),
    [
        ("(", "missing )"),
        ("a**", "multiple repeat"),
        (r"(a)\1", "backreferences, lookaround and inner flags are not supported"),
        ("(?=a)b", "lookaround"),
        ("(?<!a)b", "lookaround"),
        ("a(?#x)", "not supported"),
        ("(?P<n>a)(?P=n)", "backreferences"),
        (f"a{{{MOST_STEPS + 1}}}", "repeat less"),
        ("(((a{99}){99}){99}){99}", "repeat less"),
        ("(" * 5000 + ")" * 5000, "recursion"),
    ],
)
def test_what_cannot_be_had_is_told(regex: str, told: str) -> None:
    """With its place in the file, and why."""
    with pytest.raises(ConfigError) as refused:
        configure(EXPORTER, {}, {"LLMTRAIN_RUNS": f"[{{regex: '{regex}', name: x}}]"}, None)
    text = str(refused.value)
    assert text.startswith("LLMTRAIN_RUNS: [0].regex: must be a regular expression (")
    assert told in text


def test_a_rule_of_an_operator() -> None:
    """The name of a run, picked and written anew."""
    rule = RunRule(regex=r"(?P<what>\w+)/v(\d+)-.*", name=r"\g<what>-\2")
    assert rule.rename("qwen/v107-2025") == "qwen-107"
    assert rule.rename("qwen/other") is None
