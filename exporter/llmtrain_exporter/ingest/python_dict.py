"""Dicts as Python prints them, read by a small grammar: nothing is evaluated, and time grows with the text.

Text is Latin-1 of the log's bytes, so that places in both are the same. A value that the grammar does not
know is `UNREADABLE`, and the pairs behind it are read all the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

LONGEST_DICT = 1 << 18
"""Characters of a dict that is read."""

PASSED_IN_VAIN = 2 * LONGEST_DICT
"""Characters of one text in dicts that turn out to be none, before the rest of the text is given up."""

_PRICE = 256  # characters that can be passed in the time that a beginning costs


class Unreadable:
    """The type of `UNREADABLE`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE: Final = Unreadable()
"""Stands for a value that is there and means no number: a nested dict, several numbers, an object."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?))(?![\w.])"
_SINGLE = r"'[^'\\]*(?:\\.[^'\\]*)*'"
_DOUBLE = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRING = f"{_SINGLE}|{_DOUBLE}"
_SCALARS = (
    r"b?float(?:\d+(?:_\w+)?)?_?|u?int\d*_?|double|half|longdouble|Decimal|(?:Float|Double|Half|Long|Int)?Tensor"
    r"|tensor|DTensor|Parameter|[aA]rray|ndarray|DeviceArray|ArrayImpl|scalar"
)
_TIMES = r"Timestamp|Timedelta|datetime|timedelta|date|time|UUID"
_MODULES = r"(?:[A-Za-z_]\w*\.){0,4}"

_PLAIN_PAIR = re.compile(
    rf"""\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*:\s*(?:({_NUMBER})|'([^'\\]*)'|"([^"\\]*)")\s*([,}}])"""
)
_KEY = re.compile(rf"\s*({_STRING})\s*:\s*", re.DOTALL)
_WRAPPED = re.compile(
    rf"{_MODULES}(?:{_SCALARS})\(\s*(\[{{1,8}}\s*)?(['\"]?)({_NUMBER})\2\s*(?(1),?\s*\]{{1,8}}\s*)[,)]"
)
_NUMPY_FIELD = re.compile(rf"<[^<>]{{0,400}}\bnumpy=({_NUMBER})\s*>")  # TensorFlow's
_TEXT = re.compile(_STRING, re.DOTALL)
_TIME = re.compile(rf"{_MODULES}(?:{_TIMES})\([^()]*\)")  # a text too: no number, and nothing is wrong
_WORD = re.compile(r"(?:None|null|(?:np\.|numpy\.)?(True|true|False|false)_?)(?![\w.(])")
_MODULE_NUMBER = re.compile(r"([-+]?)(?:np|numpy|math|torch|jnp)\.(nan|inf)(?![\w.(])")
_END = re.compile(r"\s*([,}])")
_MARK = re.compile(rf"(?<!\w)(?:{_STRING})|[\[\](){{}},<>]", re.DOTALL)
_ANGLED = re.compile(r"<[^<>]*(?:<[^<>]*>[^<>]*)*>")
_CUT_IN_KEY = re.compile(
    rf"""\s*(?:'[^'\\]*(?:\\.[^'\\]*)*\\?|"[^"\\]*(?:\\.[^"\\]*)*\\?|(?:{_STRING})\s*:?\s*)?\Z""", re.DOTALL
)
_CLOSED = re.compile(r"\s*\}")
_BEGIN = re.compile(r"""\{(?=\s*['"])""")
_ESCAPE = re.compile(
    r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}|U0010[0-9a-fA-F]{4}|.)", re.DOTALL
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}


class FoundDict(NamedTuple):
    """A dict in a text, from `begin` up to `end`. Of one that is not `complete` the pairs before its end.

    `cut`: the text ended inside of it; what follows may complete it.
    """

    pairs: Mapping[str, object]
    begin: int
    end: int
    complete: bool
    cut: bool


def dicts(text: str) -> Iterator[FoundDict]:
    """The dicts in a text, one after the other; of those that are broken or cut what stands in them."""
    at, in_vain = 0, 0
    while in_vain < PASSED_IN_VAIN and (begin := _BEGIN.search(text, at)):
        found = dict_at(text, begin.start())
        yield found
        at = found.end if found.complete else begin.end()
        in_vain += 0 if found.complete else found.end - found.begin + _PRICE


def dict_at(text: str, begin: int) -> FoundDict:
    """The dict that begins there, with its brace."""
    limit = min(len(text), begin + LONGEST_DICT)
    pairs: dict[str, object] = {}
    at = begin + 1
    while True:
        pair = _PLAIN_PAIR.match(text, at, limit)
        if pair:
            single, double, number, *strings, mark = pair.groups()
            key, value = single if double is None else double, _plain_value(number, strings)
            at = pair.end()
        else:
            start = _KEY.match(text, at, limit)
            if start is None:
                return _without_key(text, at, limit, pairs, begin)
            key = _unquoted(start[1])
            value, at, mark = _value(text, start.end(), limit)
        if not mark:
            cut = at == limit == len(text)
            return FoundDict({**pairs, _decoded(key): UNREADABLE}, begin, at, complete=False, cut=cut)
        pairs[_decoded(key)] = value
        if mark == "}":
            return FoundDict(pairs, begin, at, complete=True, cut=False)


def _without_key(text: str, at: int, limit: int, pairs: Mapping[str, object], begin: int) -> FoundDict:
    closed = _CLOSED.match(text, at, limit) if pairs else None  # behind a comma
    if closed:
        return FoundDict(pairs, begin, closed.end(), complete=True, cut=False)
    cut = limit == len(text) and _CUT_IN_KEY.match(text, at) is not None
    return FoundDict(pairs, begin, at, complete=False, cut=cut)


def _plain_value(number: str | None, strings: list[str]) -> object:
    if number is not None:
        return float(number)
    return next(each for each in strings if each is not None)


def _value(text: str, at: int, limit: int) -> tuple[object, int, str]:
    """A value, where to go on, and the mark that ends it: a comma, a brace, nothing at the text's end."""
    for pattern, read in _VALUES:
        found = pattern.match(text, at, limit)
        if found:
            after = _past_arguments(text, found.end(), limit) if found[0].endswith(",") else found.end()
            end = _END.match(text, after, limit)
            if end:
                return read(found), end.end(), end[1]
    return _unknown(text, at, limit)


def _past_arguments(text: str, at: int, limit: int) -> int:
    """Behind the bracket that closes a call, whose arguments say dtype, device or grad_fn."""
    depth = 1
    while depth and (mark := _MARK.search(text, at, limit)):
        at = mark.end()
        depth += (mark[0] == "(") - (mark[0] == ")")
    return at


def _unknown(text: str, at: int, limit: int) -> tuple[object, int, str]:
    """Passes over a value of any form, up to the comma or brace that is not inside of its brackets."""
    depth = 0
    while mark := _MARK.search(text, at, limit):
        at = mark.end()
        sign = mark[0]
        if sign == "<":
            angled = _ANGLED.match(text, mark.start(), min(limit, mark.start() + 1000))
            at = angled.end() if angled else at
        elif sign in "([{":
            depth += 1
        elif depth and sign in ")]}":
            depth -= 1
        elif not depth and sign in ",}":
            return UNREADABLE, at, sign
    return UNREADABLE, limit, ""


def _unquoted(string: str) -> str:
    inner = string[1:-1]
    return _ESCAPE.sub(_unescaped, inner) if "\\" in inner else inner


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) > 1:
        # Back to the bytes that the rest of the text is, which are decoded later.
        return chr(int(code[1:], 16)).encode(errors="replace").decode("latin-1")
    return _CONTROLS.get(code, code)


def _decoded(key: str) -> str:
    return key if key.isascii() else key.encode("latin-1").decode(errors="replace")


def _signed(found: re.Match[str]) -> float:
    return -math.inf if found[1] == "-" and found[2] == "inf" else float(found[2])


_VALUES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], object]], ...] = (
    (re.compile(_NUMBER), lambda found: float(found[0])),
    (_WRAPPED, lambda found: float(found[3])),
    (_WORD, lambda found: None if found[1] is None else found[1] in ("True", "true")),
    (_TEXT, lambda found: _unquoted(found[0])),
    (_TIME, lambda found: found[0]),
    (_MODULE_NUMBER, _signed),
    (_NUMPY_FIELD, lambda found: float(found[1])),
)
