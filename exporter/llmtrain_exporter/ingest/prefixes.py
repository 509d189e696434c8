"""What launchers and shells put before each line of a program: ranks, process ids, times, colours."""

from __future__ import annotations

import re

_COLOUR = re.compile(rb"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
_PREFIX = re.compile(
    rb"(?:[ \t]{0,8}(?:"
    rb"\[(?:rank|default)?[ ]?\d{1,6}\]:?"  # torchrun
    rb"|\[\d{1,4},\d{1,6}\](?:<std(?:out|err)>)?:?"  # mpirun
    rb"|\([^()]{0,80}\bpid=\d{1,9}[^()]{0,80}\)"  # Ray
    rb"|\[?(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[-+]\d\d:?\d\d)?\]?(?=[ \t])"
    rb"|std(?:out|err) [FP](?= )"  # of CRI, behind its time
    rb"|\[pod/[\w./-]{1,200}\]"  # kubectl logs --prefix
    rb"|\d{1,5}:(?= )"  # srun --label
    rb"))+[ \t]*"
)  # the times are those of Docker, Kubernetes and loggers
ESCAPE = b"\x1b"
OPENINGS = (b"[", b"(", b" ", *(b"%d" % digit for digit in range(10)))
"""Nothing is to be taken off a line that begins with none of these, and has no escape: of most."""


def without_prefixes(line: bytes) -> bytes:
    """A line as its program printed it, and without colours."""
    if ESCAPE in line:
        line = _COLOUR.sub(b"", line)
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else line
