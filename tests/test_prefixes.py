"""What launchers, hosts and encodings put around the lines of a program changes nothing of what is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from pprint import pformat

import pytest
from llmtrain_exporter.ingest.dialect import Dialect, Role, Shape
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.encoding import wide_encoding
from llmtrain_exporter.ingest.fields import fields, grouped_number, human_number, number_or_text
from llmtrain_exporter.ingest.prefixes import without_prefixes
from llmtrain_exporter.ingest.python_dict import UNREADABLE
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.ingest.recognise import recognise
from llmtrain_exporter.ingest.source import LineSource
from llmtrain_exporter.ingest.wrappers import Unwrapper
from llmtrain_exporter.model import Record, Skip

GOLDEN = Path(__file__).with_name("golden")
DIALECTS = registered()
CONSOLES = [each for each in DIALECTS.values() if each.role is Role.CONSOLE and each.shape is Shape.LINES]
LOGS = [
    log
    for each in CONSOLES
    for log in sorted(GOLDEN.glob(f"{each.name}-*.in"))
    if "notebook.in" not in log.name
]
TIME = "2026-05-18T16:04:46.338123456Z"


def docker(line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": TIME})


AROUND: dict[str, Callable[[str], str]] = {
    "torchrun": lambda line: f"[rank0]: {line}",
    "torchrun tee": lambda line: f"[default0]:{line}",
    "Ray": lambda line: f"\x1b[36m(TaskRunner pid=4711, ip=10.0.0.7)\x1b[0m {line}",
    "srun": lambda line: f" 0: {line}",
    "mpirun": lambda line: f"[1,0]<stdout>:{line}",
    "docker logs": lambda line: f"{TIME} {line}",
    "logger": lambda line: f"[2026-05-18 16:04:46,338] {line}",
    "Docker": docker,
    "CRI": lambda line: f"{TIME} stdout F {line}",
    "kubectl": lambda line: f"[pod/train-0/worker] {TIME} {line}",
    "several": lambda line: f"{TIME} stdout F 12: [rank0]: \x1b[32m{line}\x1b[0m",
    "Windows": lambda line: f"{line}\r",
    "a title of a window": lambda line: f"\x1b]0;user@host: ~/run\x07{line}",
    "a title that ends otherwise": lambda line: f"\x1b]2;train\x1b\\{line}",
    "logger in JSON": lambda line: json.dumps({"time": TIME, "level": "INFO", "message": line}),
    "structlog": lambda line: json.dumps({"event": line, "logger": "trainer", "timestamp": TIME}),
    "Cloud Logging": lambda line: json.dumps({"textPayload": line, "insertId": "a1"}),
}


AROUND_ROWS: dict[str, Callable[[str], str]] = {
    "docker compose": lambda line: f"trainer-1  | {line}",
    "pdsh": lambda line: f"10.0.0.12: {line}",
    "journald": lambda line: f"Nov 30 03:57:08 gpu01 python[4711]: {line}",
    "ts": lambda line: f"Nov 30 03:57:08 {line}",
    "logger of Python": lambda line: f"2026-05-18 16:04:46,338 - INFO - {line}",
    "its root": lambda line: f"INFO:root:{line}",
}
"""What no list of prefixes has: it is found by what stands before the row, in all its lines."""

BETWEEN = {
    "bars": " 12%|███       | 5/40 [00:01<02:00,  1.1it/s]",
    "bars of others": "Loading shards:  12%|███       | 5/40 [00:01<02:00,  1.1it/s]",
    "blank lines": " ",
    "warnings": "/lib/torch/utils/checkpoint.py:87: UserWarning: None of the inputs' {gradients}.",
}


def read(dialect: Dialect, lines: list[str]) -> list[Record | Skip]:
    """All that is said of the lines."""
    reader = Readers().reader(dialect)
    return [each for line in lines for each in reader.read(line.encode()) if each != Skip("text")]


def lines_of(log: Path) -> list[str]:
    """The lines of a golden log, those without bars: what lies between returns has no prefix."""
    return [line for line in log.read_bytes().decode(errors="replace").split("\n") if "\r" not in line]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_what_stands_around_the_lines_of_a_program_is_taken_off(log: Path, around: str) -> None:
    """A log is known by its content and read as if it had been printed to a file."""
    dialect, lines = DIALECTS[log.name.partition("-")[0]], lines_of(log)
    wrapped = [AROUND[around](line) if line else line for line in lines]
    assert str(read(dialect, wrapped)) == str(read(dialect, lines))
    assert recognise("\n".join(wrapped).encode(), DIALECTS.values()) is recognise(
        "\n".join(lines).encode(), DIALECTS.values()
    )


@pytest.mark.parametrize("around", AROUND_ROWS)
@pytest.mark.parametrize("log", [log for log in LOGS if "table" not in log.name], ids=lambda log: log.stem)
def test_no_list_has_to_know_what_stands_before_a_row(log: Path, around: str) -> None:
    """Rows are found where they begin; the lines of one row begin alike, but for times."""
    dialect, lines = DIALECTS[log.name.partition("-")[0]], lines_of(log)
    wrapped = [AROUND_ROWS[around](line) if line else line for line in lines]
    assert str(read(dialect, wrapped)) == str(read(dialect, lines))


def dict_rows(width: int) -> list[str]:
    """Rows as pprint prints them, or broken anywhere as terminals do."""
    rows = [
        {
            "loss": 2 - step / 8,
            "grad_norm": 0.5,
            "learning_rate": 1e-05,
            "rewards/f/mean": step / 8,
            "epoch": step,
        }
        for step in range(1, 5)
    ]
    if not width:
        return [line for row in rows for line in pformat(row, width=60).split("\n")]
    return [text[at : at + width] for text in map(str, rows) for at in range(0, len(text), width)]


@pytest.mark.parametrize("width", [0, *range(20, 50)])
@pytest.mark.parametrize("around", AROUND_ROWS)
def test_rows_over_several_lines_are_put_together_behind_any_prefix(around: str, width: int) -> None:
    """Lines are broken in the midst of names and numbers: only the prefix comes off."""
    printed, lines = DIALECTS["printed"], dict_rows(width)
    wrapped = [AROUND_ROWS[around](line) for line in lines]
    assert str(read(printed, wrapped)) == str(read(printed, list(map(str, lines))))
    assert len(read(printed, wrapped)) == 4


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("around", ["nothing", *AROUND_ROWS])
@pytest.mark.parametrize("log", ["printed", "skyrl"])
def test_what_others_print_between_the_lines_of_a_row_is_none_of_it(
    log: str, around: str, between: str
) -> None:
    """Bars and warnings go to the same terminal at any time."""
    wrap = AROUND_ROWS.get(around, str)
    rows = [
        [f"Step {at}: ", f"{{'policy/policy_loss': '{at}.5',", " 'reward/avg_raw_reward': '0.5'}"]
        for at in (1, 2)
    ]
    lines = dict_rows(0) if log == "printed" else [line for row in rows for line in row]
    mixed = [wrap(each) for line in lines for each in (line, BETWEEN[between])]
    found, alone = (
        [each.values for each in read(DIALECTS[log], text) if isinstance(each, Record)]
        for text in (mixed, lines)
    )
    assert found == alone
    assert len(found) == (4 if log == "printed" else 2)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_a_log_in_another_encoding_is_the_same(tmp_path: Path, encoding: str) -> None:
    """As editors and PowerShell write it."""
    text = (GOLDEN / "verl-grpo.in").read_text(encoding="utf-8")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "train.log").write_bytes((mark + text).encode(encoding))
    assert recognise((tmp_path / "train.log").read_bytes(), DIALECTS.values()).name == "verl"
    source = LineSource(
        str(tmp_path / "train.log"), lambda: Readers().reader(DIALECTS["verl"]), patient=False
    )
    found: list[Record] = []
    while (reading := source.poll(0.0)) is not None:
        found += reading.records
    assert [record.step for record in found] == [0, 1, 2, 2, 2, 3, None]


@pytest.mark.parametrize(
    "head",
    [
        b"step:1 - actor/pg_loss:0.5",
        b"\0" * 64,
        b"a\0" * 7,
        b"\x89PNG\0\0\0\rIHDR\0\0\x01\0\0\0\1\0",
        "训练".encode("utf-16-le") * 9,
    ],
)
def test_what_only_has_nuls_is_no_wide_text(head: bytes) -> None:
    """Holes, pictures, and what is too short to tell."""
    assert wide_encoding(head) is None


@pytest.mark.parametrize("row", [{"level": "info", "event": "step", "loss": 0.5}, {"message": "a", "id": 7}])
def test_an_object_that_is_a_row_itself_stays(row: dict[str, object]) -> None:
    """Numbers beside a message are the row; and not everything with a message is a logger's."""
    line = json.dumps(row).encode()
    assert Unwrapper().text(line) == line


@pytest.mark.parametrize(
    "line",
    [
        b"{'loss': 0.5}",
        b" 50%|#####     | 5/10 [00:01<00:01]",
        b"100%|##########| 10/10 [00:01<00:00]",
        b"[0.5, 0.25]",
        b"(see pid file)",
        b"10:30 is no time of a logger",
        b"",
    ],
)
def test_what_only_looks_like_a_prefix_stays(line: bytes) -> None:
    """Numbers, bars and text in brackets are the program's own."""
    assert without_prefixes(line) == line


def test_pieces_of_a_long_line_are_put_together() -> None:
    """CRI breaks lines of 16 KiB; standard output and standard error are two streams."""
    unwrapper = Unwrapper()
    pieces = [
        f"{TIME} stdout P step:1 - actor/a:1.5 - act",
        f"{TIME} stderr F a warning",
        f"{TIME} stdout F or/b:2.5",
    ]
    assert [unwrapper.text(piece.encode()) for piece in pieces] == [
        b"",
        b"a warning",
        b"step:1 - actor/a:1.5 - actor/b:2.5",
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0.5", 0.5),
        (b"-1.5e-06", -1.5e-06),
        (b"np.float64(0.25)", 0.25),
        (b"tensor(0.5, device='cuda:0')", 0.5),
        (b"1_0", "1_0"),
        (b"n/a", "n/a"),
        (b"9" * 50, "9" * 50),
        (b"f(" * 2000, "f(" * 2000),
    ],
)
def test_a_number_is_read_in_the_forms_that_programs_write(text: bytes, number: object) -> None:
    """What is none stays text: whether that is a loss, the key tells."""
    assert number_or_text(text) == number


def test_sizes_and_thousands_are_read() -> None:
    """Three digits and a letter, or commas between thousands."""
    assert [human_number(text) for text in (b"10.7M", b"1.21K", b"85.8G", b"2.38", b"1e-05", b"M")] == [
        10.7e6,
        1210.0,
        85.8e9,
        2.38,
        1e-05,
        "M",
    ]
    assert [grouped_number(text) for text in (b"7,123", b"1,234,567.5", b"61.2")] == [7123.0, 1234567.5, 61.2]


def test_a_field_that_is_cut_is_unreadable() -> None:
    """The row before it is read."""
    assert fields(b"loss:0.5 lr:1e-05 grad", b" ", b":") == {"loss": 0.5, "lr": 1e-05, "grad": UNREADABLE}
