"""Regular expressions in Python's syntax, matched in time that is linear in the text, whatever they are.

Python's engine tries one way after another, and for some patterns there are more ways than time: (a+)+b on a
long row of a. Here all ways are followed side by side, one character after the other, so that none is walked
twice. Backreferences and lookaround cannot be had so, and are refused; all else means what it means in `re`.

Source: Russ Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

MOST_STEPS = 2000
"""In a pattern with its repetitions written out."""

_TOKEN = re.compile(
    r"""(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<assertion>\\[AbBZ]|[\^$])
    | (?P<foreign>\\[1-9]|\(\?(?!:|P<))
    | (?P<escape>\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|0[0-7]{0,2}|.))
    | (?P<open>\((?:\?:|\?P<(?P<name>\w+)>)?)
    | (?P<close>\))
    | (?P<bar>\|)
    | (?P<times>[*+?]|\{\d+(?:,\d*)?\}|\{,\d*\})
    | (?P<character>.)""",
    re.VERBOSE | re.DOTALL,
)
_FLAGS = re.compile(r"\(\?[aims]+\)")
_REFERENCE = re.compile(r"\\(?:g<(\w+)>|(\d{1,2})|(.))", re.DOTALL)


CHARACTER, ASSERTION, SPLIT, SAVE, END = range(5)
"""What a step of a program does: go on where the next character fits, or where the place fits; go on in two
places, the first one preferred; note the place; have matched."""


class _Instruction(NamedTuple):
    step: int
    first: int = 1  # of SPLIT: how far it is to where it goes on; of SAVE: what it notes
    second: int = 1
    pattern: re.Pattern[str] | None = None  # of one character or place


_Code = list[_Instruction]
_Spans = tuple[int, ...]  # begin and end of each group, -1 where it has none


class LinearRegex:
    """A compiled pattern."""

    def __init__(self, regex: str) -> None:
        """Raises ValueError with what is wrong, also where `re` would take it."""
        try:
            re.compile(regex)
            parsed = _Parser(regex)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"must be a regular expression ({error})") from None
        self._code = parsed.code
        self._tests = [_never if code.pattern is None else code.pattern.match for code in parsed.code]
        self._names = parsed.names
        self._nothing: _Spans = (-1, -1) * (parsed.groups + 1)

    def rewrite(self, text: str, template: str) -> str | None:
        r"""The template with groups for \1 and \g<name> where the whole text matches; else None."""
        spans = self._fullmatch(text)
        if spans is None:
            return None

        def group(found: re.Match[str]) -> str:
            name, number, other = found.groups()
            if other is not None:
                return other
            at = 2 * (self._names[name] if name in self._names else int(number or name))
            begin, end = (spans[at], spans[at + 1]) if at else (0, len(text))
            return text[begin:end] if begin >= 0 else ""

        return _REFERENCE.sub(group, template)

    def check(self, template: str) -> None:
        """Raises ValueError where a template for `rewrite` names what is no group."""
        named = {number: name for name, number in self._names.items()}
        groups = (f"(?P<{named[n]}>)" if n in named else "()" for n in range(1, len(self._nothing) // 2))
        try:
            re.sub("".join(groups), template, "")
        except (re.error, IndexError) as error:
            raise ValueError(f"must name groups of its regex in name ({error})") from None

    def _fullmatch(self, text: str) -> _Spans | None:
        tests = self._tests
        ways = self._places([(0, self._nothing)], text, 0)
        for at in range(len(text)):
            fitting = [(place + 1, spans) for place, spans in ways if tests[place](text, at)]
            ways = self._places(fitting, text, at + 1)
            if not ways:
                return None
        return next((spans for place, spans in ways if place == len(self._code) - 1), None)

    def _places(self, ways: Sequence[tuple[int, _Spans]], text: str, at: int) -> list[tuple[int, _Spans]]:
        """Where a character is awaited, or the end, when these steps are next; the preferred first."""
        waiting, seen, code = [], set[int](), self._code
        ahead = [*reversed(ways)]
        while ahead:
            place, spans = ahead.pop()
            if place in seen:
                continue
            seen.add(place)
            step, first, second, _ = code[place]
            if step is CHARACTER or step is END:
                waiting.append((place, spans))
            elif step is SPLIT:
                ahead += (place + second, spans), (place + first, spans)
            elif step is SAVE:
                ahead.append((place + 1, (*spans[:first], at, *spans[first + 1 :])))
            elif self._tests[place](text, at):
                ahead.append((place + 1, spans))
        return waiting


def _never(_text: str, _at: int) -> None:
    """No character fits where none is awaited."""


class _Parser:
    """A pattern that `re` takes, as a program."""

    def __init__(self, regex: str) -> None:
        flags = _FLAGS.match(regex)
        self._flags = flags[0] if flags else ""
        self._tokens = list(_TOKEN.finditer(regex, len(self._flags)))
        self._at = 0
        self.groups = 0
        self.names: dict[str, int] = {}
        self.code = [*self._alternatives(), _Instruction(END)]

    def _take(self, *kinds: str) -> re.Match[str] | None:
        if self._at == len(self._tokens) or self._tokens[self._at].lastgroup not in kinds:
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _alternatives(self) -> _Code:
        branches = [self._sequence()]
        while self._take("bar"):
            branches.append(self._sequence())
        code = branches.pop()
        while branches:
            branch = branches.pop()
            over = _Instruction(SPLIT, len(code) + 1, len(code) + 1)
            code = [_Instruction(SPLIT, 1, len(branch) + 2), *branch, over, *code]
        return code

    def _sequence(self) -> _Code:
        code: _Code = []
        while (item := self._item()) is not None:
            code += self._repeated(item)
            if len(code) > MOST_STEPS:
                raise re.error(f"it is longer than {MOST_STEPS} steps; repeat less")
        return code

    def _item(self) -> _Code | None:
        if self._take("foreign"):
            raise re.error("backreferences, lookaround and inner flags are not supported")
        if opened := self._take("open"):
            return self._group(opened)
        if assertion := self._take("assertion"):
            return [_Instruction(ASSERTION, pattern=re.compile(self._flags + assertion[0]))]
        character = self._take("set", "escape", "character")
        if character is None:
            return None
        return [_Instruction(CHARACTER, pattern=re.compile(self._flags + _alone(character[0])))]

    def _group(self, opened: re.Match[str]) -> _Code:
        if opened[0] == "(?:":
            code = self._alternatives()
            self._take("close")
            return code
        self.groups += 1
        number = self.groups
        if opened["name"]:
            self.names[opened["name"]] = number
        code = self._alternatives()
        self._take("close")
        return [_Instruction(SAVE, 2 * number), *code, _Instruction(SAVE, 2 * number + 1)]

    def _repeated(self, code: _Code) -> _Code:
        times = self._take("times")
        if times is None:
            return code
        manner = self._take("times")
        if manner is not None and manner[0] != "?":
            raise re.error("possessive repetition is not supported")
        least, most = _bounds(times[0])
        if len(code) * max(least, most or 0) > MOST_STEPS:
            raise re.error(f"it is longer than {MOST_STEPS} steps; repeat less")
        return code * least + _optional(code, None if most is None else most - least, manner is not None)


def _alone(character: str) -> str:
    """A pattern of its own, in which a brace begins no repetition."""
    return rf"\{character}" if character in "{}" else character


def _bounds(times: str) -> tuple[int, int | None]:
    """How often something is repeated at least and, unless there is no limit, at most."""
    if times in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[times]
    least, comma, most = times[1:-1].partition(",")
    return int(least or 0), (int(most) if most else None) if comma else int(least)


def _optional(code: _Code, most: int | None, lazy: bool) -> _Code:
    """That again and again, or so many times at most."""

    def split(on: int, over: int) -> _Instruction:
        return _Instruction(SPLIT, over, on) if lazy else _Instruction(SPLIT, on, over)

    if most is None:
        back = _Instruction(SPLIT, -len(code) - 1, -len(code) - 1)
        return [split(1, len(code) + 2), *code, back]
    rest: _Code = []
    for _ in range(most):
        rest = [split(1, len(code) + len(rest) + 1), *code, *rest]
    return rest


@lru_cache(256)
def compiled(regex: str) -> LinearRegex:
    """The pattern, compiled once. Raises ValueError."""
    return LinearRegex(regex)
