"""Fuzzes the way from the bytes of a log to what is said of a run: readers, fold, snapshot, verdict.

    python tests/fuzz_dialects.py --seconds 60            mutate logs for a minute
    python tests/fuzz_dialects.py --seed 7 --rounds 500   the same inputs again
    python tests/fuzz_dialects.py crash.log               one input through every dialect

Inputs are random mutations of the golden logs and, with --logs FOLDER, of the real ones below that folder.
The first input that breaks a promise is written to --crash FILE, its traceback printed; the exit code is 1.
What is promised: no exception, skipped lines only for known reasons, records and samples of floats, no more
series than the caps allow, one state, and a verdict that is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.ingest.dialect import Dialect, Role, Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.frames import Frames
from llmtrain_exporter.ingest.gathering import Gathers
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.reading import sort_rows
from llmtrain_exporter.ingest.source import read_lines
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.skips import REASONS
from llmtrain_exporter.model import HyperParameters
from llmtrain_exporter.publish.check import as_json

GOLDEN = Path(__file__).with_name("golden")
DIALECTS = registered()
PRINTED = "stdout.log"  # what people call logs that have no name of their own
LARGEST_SEED = 1 << 16
MUTATIONS = 8  # at most, of one input
NOW = 4e9

PUNCTUATION = rb"""{ } [ ] ( ) ' " : , / \ % - + . e _"""
NUMBERS = b"nan NaN inf -inf Infinity null true None 0 -1 1e999 0x1 1_0"
KEYS = b""""loss": 'loss': "step": "epoch": 'epoch': "reward": "log_history": "data": eval_ rewards/"""
BYTES = (b"\0", b"\r", b"\n", b"\t", b"\xff", b"\xef\xbb\xbf", "奖励🙂\u202e".encode())
LONG = (b"9" * 20, b"9" * 400, b"9" * 5000, b"[" * 2000, b"(" * 300, b"-" * 3000, b" " * 100)
PARTS = (
    b'"45/150"',
    b'"5s"',
    b"\\u0000",
    b"\\ud800",
    b"\\N{x}",
    b', "log_history": [',
    b"\r 50%|#  | 5/10 [",
)
LINES = (b"Traceback (most recent call last)", b'\n{"loss": NaN, "step": 1}\n', b"\r" + b" " * 60 + b"\r")
WRAPPERS = (
    b"np.float64(44.01)",
    b"tensor(0.5, device='cuda:0')",
    b"array([0.5, nan], dtype=float32)",
    b"{'a': {'b': [1, 2]}}",
    b"<Metric object, at 0x7f>",
)
ROWS = (
    b"step:7 - actor/grad_norm:nan - ",
    b" iteration 7/ 9 | lm loss: 1.0 |",
    b"Step 7 | loss:1.0 ",
    b"step 7: {'train/loss': 1.0, ",
    b'metrics_tag: {"step": 7, "metrics": {',
    b"\nStep | Training Loss | reward\n",
    b"Epoch:[1/2](7/9), loss: 1.0, ",
)
PREFIXES = (b"(TaskRunner pid=7) ", b"[rank0]: ", b"0: ", b"2026-05-18T16:04:46.338Z stdout P ")
BROKEN = (
    b"}{",
    b",\n ",
    b"{\n",
    b"{'loss': 1.5,\n",
    b"\x1b[1;36m",
    b"\x1b[0m",
    b'{"log": "',
    b'\\n", "stream": "stdout"}',
)
TOKENS = (
    *PUNCTUATION.split(),
    *NUMBERS.split(),
    *KEYS.split(),
    *BYTES,
    *LONG,
    *PARTS,
    *LINES,
    *WRAPPERS,
    *ROWS,
    *PREFIXES,
    *BROKEN,
)


def seeds(logs: Path | None) -> list[tuple[str, bytes]]:
    """Dialect and text of each log to begin with."""
    found = [(path.name.partition("-")[0], path) for path in sorted(GOLDEN.glob("*.in"))]
    if logs is not None:
        found += [(name, path) for name in DIALECTS for path in _below(logs, DIALECTS[name])]
    return [(dialect, path.read_bytes()[:LARGEST_SEED]) for dialect, path in found]


def _below(logs: Path, dialect: Dialect) -> Iterator[Path]:
    """Its logs, those too whose names have something in the middle: logging-2.jsonl."""
    for name in (PRINTED,) if dialect.role is Role.CONSOLE else dialect.files:
        before, dot, suffix = name.rpartition(".")
        pattern = name if "*" in name else f"{before}*{dot}{suffix}"
        yield from sorted(logs.rglob(pattern)) if dialect.store is None else ()


def mutated(text: bytes, others: Sequence[tuple[str, bytes]], chance: random.Random) -> bytes:
    """The text after a few random changes."""
    for _ in range(chance.randint(1, MUTATIONS)):
        at, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, at + chance.choice((1, 10, 100, 10_000)))
        cut = text[at:end]
        other = chance.choice(others)[1]
        there = chance.randint(0, len(other))
        put = (
            chance.choice(TOKENS),
            b"",
            cut * 2,
            bytes(byte ^ 1 << chance.randrange(8) for byte in cut[:20]),
            other[there : there + chance.choice((10, 1000))],
            b"\n".join(chance.sample(lines, len(lines))) if (lines := cut.split(b"\n")) else b"",
        )
        text = text[:at] + chance.choice(put) + text[end:]
    return text[: 2 * LARGEST_SEED]


def inputs(chance: random.Random, logs: Path | None) -> Iterator[tuple[str, bytes]]:
    """Dialects and mutated logs without end; now and then a log is read as another dialect's."""
    begin = seeds(logs)
    while True:
        dialect, text = chance.choice(begin)
        if chance.random() < 0.05:
            dialect = chance.choice(begin)[0]
        yield dialect, mutated(text, begin, chance)


def pieces_of(dialect: Dialect, text: bytes) -> Sequence[bytes]:
    """What a reader gets of a log; of frames the whole ones, and what no checksum lets through."""
    if dialect.framing is not None:
        frames, _ = dialect.framing().take(text, True)
        return [*(frame for frame in frames if isinstance(frame, bytes)), *text.split(b"\n")]
    if dialect.shape is Shape.RECORDS:
        return [*Frames(0, 0).take(text, 0, len(text)), *text.split(b"\n")]
    return [text] if dialect.shape is Shape.DOCUMENT else text.split(b"\n")


def examine(dialect: str, text: bytes) -> None:
    """Read, fold and tell a log. Raises whatever breaks, AssertionError for a broken promise."""
    known = DIALECTS[dialect]
    reader = Readers().reader(known)
    records, skipped = read_lines(reader, pieces_of(known, text))
    if isinstance(reader, Gathers):
        records += sort_rows([reader.release()])[0]
    assert set(skipped) <= set(REASONS), skipped
    options = RunOptions()
    run = Run(options, HyperParameters({}, {"max_grad_norm": 0.0, "max_completion_length": 64.0}))
    for record in records:
        assert all(type(value) is float for value in record.values), record
        assert len(record.values) == len(record.layout.series), record
        run.fold(record, NOW)
    run.skip(skipped)
    found = run.snapshot("run", "log", known.producer, NOW + 1)
    assert all(type(value) in (float, int) for value in found.samples.values())
    assert sum(one.metric is c.OTHER for one in found.samples) <= options.max_other_keys
    assert sum(value for one, value in found.samples.items() if one.metric is c.RUN_STATE) == 1
    json.loads(as_json([found], []))


def fuzz(chance: random.Random, rounds: int, seconds: float, logs: Path | None, crash: Path) -> int:
    """Examine so many inputs, or for so long; how many there were. Raises what the first bad one raises."""
    began = time.monotonic()
    for count, (dialect, text) in enumerate(inputs(chance, logs)):
        if count >= rounds or time.monotonic() - began > seconds:
            return count
        try:
            examine(dialect, text)
        except BaseException:
            crash.write_bytes(text)
            print(f"{dialect}: input {count} of {len(text)} bytes is kept in {crash}", file=sys.stderr)
            raise
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", nargs="?", type=Path, help="examine this file once instead")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--rounds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=None, help="default: another each time")
    parser.add_argument("--logs", type=Path, help="a folder with logs to mutate as well")
    parser.add_argument("--crash", type=Path, default=Path("crash.log"))
    asked = parser.parse_args()
    seed = random.randrange(1 << 32) if asked.seed is None else asked.seed
    try:
        if asked.input:
            for dialect in DIALECTS:
                examine(dialect, asked.input.read_bytes())
            return 0
        count = fuzz(random.Random(seed), asked.rounds, asked.seconds, asked.logs, asked.crash)
    except Exception:
        traceback.print_exc()
        print(f"seed {seed}", file=sys.stderr)
        return 1
    print(f"{count} inputs, none broke a promise (seed {seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
