"""Trainings that show their rows in a way that is not read: known by it, so that people are told what is.

Grammars: those of AReaL's StatsLogger, NeMo-RL's report, prime-rl's logger, litgpt's CSVLogger, tqdm's bars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmtrain_exporter.ingest.dialect import Head
from llmtrain_exporter.ingest.follow import open_regular
from llmtrain_exporter.knowledge.no_run import UnreadRows

LOOKED_AT = 32 << 10
"""Bytes of a file's begin, and as many of its end."""

_SIGNS: Mapping[UnreadRows, re.Pattern[bytes]] = {
    UnreadRows.AREAL: re.compile(
        rb"Epoch \d{1,9}/\d{1,9} Step \d{1,9}/\d{1,9} Train step \d{1,9}/\d{1,9} done"
    ),
    UnreadRows.NEMO_RL: re.compile(rb"\xe2\x80\xa2 (?:Loss|Avg Reward|Generation KL Error): -?[\d.n]"),
    UnreadRows.PRIME_RL: re.compile(rb"\bStep \d{1,12} \|[^|\r\n]{1,80}\| (?:Loss|Reward):? -?[\d.n]"),
    UnreadRows.LITGPT: re.compile(
        rb"\A(?=[\w/,]{0,400}\bloss\b)(?=[\w/,]{0,400}\biter\b)[\w/]+(?:,[\w/]+){1,40}\r?\n"
    ),
    UnreadRows.BARS: re.compile(rb"\d%\|[^|\r\n]{0,300}\|[^\r\n]{0,300}?loss\w{0,12} ?[=:] ?-?[\d.n]"),
}
"""Repetitions are bounded, for anybody's files are looked into."""


def unread_rows(path: str) -> UnreadRows | None:
    """Which training shows its rows in a file, if one does in such a way. Raises OSError."""
    descriptor, state = open_regular(path)
    with open(descriptor, "rb") as file:
        begin = file.read(LOOKED_AT)
        file.seek(max(state.st_size - LOOKED_AT, file.tell()))
        texts = [Head.of(data).text for data in (begin, file.read(LOOKED_AT))]
    return next((rows for rows, sign in _SIGNS.items() if any(map(sign.search, texts))), None)
