"""What launchers and shells put before each line of a program: ranks, process ids, times, colours."""

from __future__ import annotations

import re

_COLOUR = re.compile(
    rb"\x1b(?:\[[0-9;:?]{0,40}[A-Za-z]|\][^\x07\x1b\r\n]{0,400}(?:\x07|\x1b\\))"
)  # and titles of windows, which shells set
_TOLD = (
    rb"\[(?:rank|default)?[ ]?\d{1,6}\]:?"  # torchrun
    rb"|\[\d{1,4},\d{1,6}\](?:<std(?:out|err)>)?:?"  # mpirun
    rb"|\([^()]{0,80}\bpid=\d{1,9}[^()]{0,80}\)"  # Ray
    rb"|\[?(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[-+]\d\d:?\d\d)?\]?(?=[ \t])"
    rb"|std(?:out|err) [FP](?= )"  # of CRI, behind its time
    rb"|\[pod/[\w./-]{1,200}\]"  # kubectl logs --prefix
)  # the times are those of Docker, Kubernetes and loggers
_LABEL = rb"\d{1,5}:(?= )"  # srun --label
_PREFIX = re.compile(rb"(?:[ \t]{0,8}(?:" + _TOLD + rb"|" + _LABEL + rb"))+[ \t]*")
_AT_END = re.compile(rb"(?:[ \t]{0,8}(?:" + _TOLD + rb"))+[ \t]*\Z")  # a label looks like the end of a number
_WORD = re.compile(rb"\d+|[A-Za-z]+|[ \t]+|.", re.DOTALL)
_ENDS = frozenset((b":", b"|", b"]", b")", b">"))  # of a prefix, beside blanks
LONGEST_PREFIX = 400
"""Bytes; a line that has more before its row has it of its program."""

ESCAPE = b"\x1b"
OPENINGS = (b"[", b"(", b" ", *(b"%d" % digit for digit in range(10)))
"""Nothing is to be taken off a line that begins with none of these, and has no escape: of most."""


def without_prefixes(line: bytes) -> bytes:
    """A line as its program printed it, and without colours."""
    if ESCAPE in line:
        line = _COLOUR.sub(b"", line)
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else line


def without_prefix_of(first: bytes, line: bytes) -> bytes:
    """A line without what stands before all lines of a text, whoever put it there.

    `first`: what stands before the text in its first line: that, and perhaps words of the program, which its
    other lines do not have. Of times and counts the numbers differ.
    """
    if not first or len(first) > LONGEST_PREFIX or first.isspace():
        return line
    whole = ended = at = 0
    for one, other in zip(_WORD.findall(first), _WORD.findall(line[: 2 * LONGEST_PREFIX]), strict=False):
        if not _is_alike(one, other):
            break
        whole += len(one)
        at += len(other)
        if one.isspace() or one in _ENDS:
            ended = at - max(len(other) - len(one), 0)  # what is indented further is so by the program
    return line[ended:] if whole < len(first) or first[-1:].isspace() else line[at:]


def without_prefix_at_end(first: bytes, text: bytes) -> bytes:
    """A text without what stands before another row that was glued to it.

    `first`: what stands before the text itself, which the other row has as well, with other numbers.
    """
    if 0 < len(first) <= LONGEST_PREFIX:
        text = text[: len(text) - _length_at_end(first, text[-2 * LONGEST_PREFIX :])]
    behind = _AT_END.search(text, max(len(text) - LONGEST_PREFIX, 0))
    return text[: behind.start()] if behind else text


def _length_at_end(first: bytes, text: bytes) -> int:
    """How many bytes at the end of a text are such a prefix; 0: none."""
    ones, others = _WORD.findall(first.strip()), _WORD.findall(text.rstrip())
    pairs = list(zip(reversed(ones), reversed(others), strict=False))
    if len(pairs) < len(ones) or any(not _is_alike(*pair) for pair in pairs):
        return 0
    begin = min(len(ones[0]), len(pairs[-1][1]))  # the number before it may end in a digit, too
    return begin + sum(len(other) for _, other in pairs[:-1]) + len(text) - len(text.rstrip())


def _is_alike(one: bytes, other: bytes) -> bool:
    return one == other or (one.isdigit() and other.isdigit()) or (one.isspace() and other.isspace())
