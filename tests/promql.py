"""What a PromQL query selects: enough of its grammar to hold queries against rules, not to run them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<range>\[[^\]]*\])
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:ms|[smhdwy])?)
    | (?P<variable>\$\w+|\$\{\w+(?::\w+)?\})
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^<>=@])
    | (?P<mark>[(){},])
    | (?P<space>\s+)""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"\$([a-zA-Z_]\w*)|\$\{(\w+)(?::\w+)?\}")
_KEYWORDS = frozenset(("and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan", "Inf", "NaN"))
_LABEL_LISTS = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a query; `kind` is the name of the group of the pattern that it matched."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Matcher:
    """`label op "value"` of a selector."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric as a query selects it. `range`: what stands in its brackets, "" where it has none.

    `function`: the name of the function or aggregation that takes it as it is, "" where there is none.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    range: str
    function: str

    def has(self, label: str, operator: str, value: str) -> bool:
        """Whether it is held to that."""
        return Matcher(label, operator, value) in self.matchers


def tokens(query: str) -> list[Token]:
    """The words of a query, without spaces. Raises ValueError at what is no PromQL."""
    found, at = [], 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise ValueError(f"no PromQL from {query[at : at + 20]!r} on, in {query!r}")
        at = match.end()
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0]))
    return found


def selectors(query: str) -> Iterator[Selector]:
    """Every selector of a query, from left to right."""
    words = tokens(query)
    functions: list[str] = []  # of each open parenthesis, what stands before it
    for at, word in enumerate(words):
        if word.text == "(":
            functions.append(words[at - 1].text if at and words[at - 1].kind == "name" else "")
        elif word.text == ")":
            functions.pop()
        elif _is_metric(words, at, functions):
            matchers, after = _matchers(words, at + 1)
            ranged = words[after].text[1:-1] if after < len(words) and words[after].kind == "range" else ""
            yield Selector(word.text, matchers, ranged, functions[-1] if functions else "")


def grouped_labels(query: str) -> set[str]:
    """The labels in `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`."""
    words, found = tokens(query), set()
    for at, word in enumerate(words[:-1]):
        if word.text in _LABEL_LISTS and words[at + 1].text == "(":
            end = next(place for place in range(at, len(words)) if words[place].text == ")")
            found |= {each.text for each in words[at + 2 : end] if each.kind == "name"}
    return found


def made_labels(query: str) -> set[str]:
    """The labels that a query makes itself: the first text that each label_replace or label_join is given."""
    words = tokens(query)
    calls = [at for at, word in enumerate(words) if word.text in ("label_replace", "label_join")]
    return {next(word.text[1:-1] for word in _own(words[at + 1 :]) if word.kind == "string") for at in calls}


def filled(text: str, values: Mapping[str, str]) -> str:
    """A query with its variables: `$name`, `${name}` and `${name:format}`. Unknown ones stay."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2], match[0])

    return _VARIABLE.sub(value, text)


def variables(text: str) -> set[str]:
    """The names of the variables in a text."""
    return {one or other for one, other in _VARIABLE.findall(text)}


def metrics_of(queries: Iterable[str]) -> set[str]:
    """The names of all metrics that these queries select."""
    return {selector.metric for query in queries for selector in selectors(query)}


def _is_metric(words: list[Token], at: int, functions: list[str]) -> bool:
    word = words[at]
    if word.kind != "name" or word.text in _KEYWORDS | _LABEL_LISTS:
        return False
    if functions and functions[-1] in _LABEL_LISTS:
        return False
    inside_braces = sum((each.text == "{") - (each.text == "}") for each in words[:at])
    before_list = at + 1 < len(words) and words[at + 1].text in ("(", *_LABEL_LISTS)
    return not inside_braces and not before_list


def _matchers(words: list[Token], at: int) -> tuple[tuple[Matcher, ...], int]:
    """The matchers that begin there, and the place after them."""
    if at >= len(words) or words[at].text != "{":
        return (), at
    end = next(place for place in range(at, len(words)) if words[place].text == "}")
    inner = [word for word in words[at + 1 : end] if word.text != ","]
    triples = zip(inner[::3], inner[1::3], inner[2::3], strict=True)
    return tuple(Matcher(label.text, op.text, value.text[1:-1]) for label, op, value in triples), end + 1


def _own(words: list[Token]) -> Iterator[Token]:
    """Of a call's words, from its parenthesis on, those that are in no call or braces inside it."""
    depth = 0
    for word in words:
        depth += (word.text in ("(", "{")) - (word.text in (")", "}"))
        if not depth:
            return
        if depth == 1:
            yield word
