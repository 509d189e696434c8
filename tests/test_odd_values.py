"""Rows with odd values, broken rows, glued rows: what can be read is read, what is lost is counted."""

from __future__ import annotations

import json
import math
import re
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.cli import main
from llmtrain_exporter.ingest.discover import SearchOptions, discover
from llmtrain_exporter.ingest.python_dict import UNREADABLE, dict_at, dicts
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.model import Record, Skip

from tests.growth import grows_linearly
from tests.test_dialects import read, value

LOSS, PLACE = "'loss': 1.5", "'epoch': 0.25"
LOST = Skip("unreadable_value")


def printed(text: str) -> list[Record | Skip]:
    """What is read of a printed log, without its ordinary lines."""
    return [row for row in read("printed", text.encode()) if row != Skip("text")]


def losses(rows: list[Record | Skip]) -> list[float | None]:
    return [value(row, c.LOSS, split="train") for row in rows if isinstance(row, Record)]


READ = {
    "np.float64(44.01)": 44.01,
    "np.float32(0.5)": 0.5,
    "np.int64(7)": 7.0,
    "numpy.float64(0.5)": 0.5,
    "np.float64(nan)": math.nan,
    "np.float64(-inf)": -math.inf,
    "float('nan')": math.nan,
    "np.nan": math.nan,
    "-np.inf": -math.inf,
    "-math.inf": -math.inf,
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
    "tensor(0.5)": 0.5,
    "tensor(1.)": 1.0,
    "tensor(nan)": math.nan,
    "tensor(0.5, device='cuda:0')": 0.5,
    "tensor(0.5, device='cuda:0', dtype=torch.bfloat16)": 0.5,
    "tensor(0.5, grad_fn=<NllLossBackward0>)": 0.5,
    "tensor(0.5, device=device(type='cuda', index=0))": 0.5,
    "tensor([0.5])": 0.5,
    "tensor([[0.5]], device='cuda:0')": 0.5,
    "torch.tensor(0.5)": 0.5,
    "torch.FloatTensor([0.5])": 0.5,
    "array(0.5)": 0.5,
    "array([0.5])": 0.5,
    "array(0.5, dtype=float32)": 0.5,
    "np.array([0.5])": 0.5,
    "Array(0.5, dtype=float32, weak_type=True)": 0.5,
    "jnp.array(0.5)": 0.5,
    "Decimal('0.5')": 0.5,
    "<tf.Tensor: shape=(), dtype=float32, numpy=0.5>": 0.5,
    ".5": 0.5,
    "5.": 5.0,
    "+1e-05": 1e-5,
    "'1.5e+04'": 15000.0,
}
LOST_ALONE = (
    "{'a': 1.0}",
    "{'a': {'b': [1, {'c': 2}]}}",
    "[1.0, 2.0]",
    "(1.0, 2.0)",
    "[]",
    "tensor([0.5, 0.7])",
    "array([0.5, 0.7], dtype=float32)",
    "<Metric object, at 0x7f>",
    "Metric(value=0.5, count=[1, 2])",
    "np.float64(1_0)",
    "0x1",
    "it's",
    "1 if a else 2",
    "__import__('os').getpid()",
)
NO_NUMBERS = (
    "None",
    "True",
    "np.True_",
    "'a text'",
    "Timestamp('2026-01-31 12:00:00')",
    "datetime.date(2026, 1, 31)",
)


@pytest.mark.parametrize("text", READ)
def test_a_wrapped_number_is_that_number(text: str) -> None:
    """As NumPy 2, PyTorch, JAX, TensorFlow, decimal print it, with what they say of type and device."""
    (row,) = printed(f"{{{LOSS}, 'some/key': {text}, {PLACE}}}")
    assert isinstance(row, Record)
    assert value(row, c.OTHER, key="some/key", split="train") == pytest.approx(READ[text], nan_ok=True)
    assert value(row, c.EPOCH) == 0.25


@pytest.mark.parametrize("text", LOST_ALONE)
def test_an_unreadable_value_loses_its_key_alone(text: str) -> None:
    """It is counted; the values before and behind it are read."""
    row, *lost = printed(f"{{{LOSS}, 'some/key': {text}, {PLACE}}}")
    assert isinstance(row, Record)
    assert (losses([row]), value(row, c.EPOCH), lost) == ([1.5], 0.25, [LOST])


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_meant_to_be_no_number_is_nothing_lost(text: str) -> None:
    """Texts, times and truth values under names that nobody knows."""
    assert len(printed(f"{{{LOSS}, 'some/key': {text}, {PLACE}}}")) == 1


def test_an_unreadable_epoch_leaves_a_row_its_place() -> None:
    """Or one odd value would cost the row."""
    row, lost = printed("{'loss': 1.5, 'epoch': [1, 2]}")
    assert isinstance(row, Record)
    assert (losses([row]), row.step, lost) == ([1.5], 1, LOST)


@pytest.mark.parametrize("cell", ['{"a": 1}', "[1, 2]", "[]"])
def test_json_rows_lose_one_key_alone_too(cell: str) -> None:
    """The same in the dialects of JSON."""
    row, lost = read("swift", f'{{"loss": 1.5, "odd": {cell}, "global_step/max_steps": "1/2"}}'.encode())
    assert isinstance(row, Record)
    assert (losses([row]), lost) == ([1.5], LOST)


def test_a_row_without_a_readable_value_is_a_row_that_was_lost() -> None:
    """It is no ordinary output."""
    assert printed(f"{{'loss': <Metric>, {PLACE}}}") == [Skip("unreadable_row")]
    assert read("swift", b'{"loss": {"mean": 1.5}, "step": 1}') == [Skip("unreadable_row")]


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "none of its training rows could be read"), ("zh", "没有一条能读取")]
)
def test_a_log_of_which_no_row_was_read_has_no_verdict(
    lang: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It came to its end, which does not make it healthy."""
    log = tmp_path / "train.log"
    log.write_text(
        f"{{'loss': <Metric>, {PLACE}}}\n{{'train_runtime': 9.0, 'train_loss': 1.0, 'epoch': 1.0}}\n"
    )
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["check", "--lang", lang, str(log)]))
    told = re.sub(r"\s+", " " if lang == "en" else "", capsys.readouterr().out)
    assert (ended.value.code, said in told) == (3, True)


# Colours, bars, broken lines


def test_colours_inside_of_a_row_do_not_matter() -> None:
    """rich and loguru put them around keys and numbers."""
    green, cyan, plain = "\x1b[32m", "\x1b[1;36m", "\x1b[0m"
    number = f"{cyan}np.float64{plain}({cyan}1.5{plain})"
    assert losses(printed(f"{{{green}'loss'{plain}: {number}, {green}'epoch'{plain}: 0.25}}")) == [1.5]


def test_a_bar_in_front_without_a_break_does_not_matter() -> None:
    """It was not cleared before the row."""
    text = f" 16%|##    | 10/60 [1:02:03<2:00:00, 25.02s/it, loss=1.2]{{{LOSS}, 'x': tensor(1.), {PLACE}}}"
    assert losses(printed(text)) == [1.5]


ROW = {
    "loss": 1.5,
    "grad_norm": 0.669487,
    "learning_rate": 9.83e-06,
    "rewards/format/mean": 0.5,
    "epoch": 0.25,
}


@pytest.mark.parametrize("width", [10, 20, 40, 79, 80, 100])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_that_is_broken_at_a_column_is_joined(width: int, end: str) -> None:
    """Wherever that is: inside of a key, of a number."""
    text = str(ROW)
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    rows = printed(end.join(["before", *lines, "behind", str(ROW)]))
    assert losses(rows) == [1.5, 1.5]
    assert all(isinstance(row, Record) and len(row.values) == 5 for row in rows)


def test_rich_breaks_between_words() -> None:
    """The blank at which it breaks is gone."""
    assert losses(printed(str(ROW).replace(", ", ",\n", 3))) == [1.5]
    assert losses(printed(str(ROW).replace(": ", ":\n", 3))) == [1.5]


@pytest.mark.parametrize("indent", [1, 4])
def test_a_key_a_line_is_a_row(indent: int) -> None:
    """As pprint prints it, and as json does."""
    pretty = str(ROW).replace(", ", ",\n" + indent * " ")
    assert losses(printed(f"{pretty}\n{pretty}\n")) == [1.5, 1.5]
    assert losses(printed(f"{json.dumps(ROW, indent=indent)}\n{ROW}\n")) == [1.5, 1.5]


def test_bars_and_blank_lines_between_the_lines_of_a_row_do_not_matter() -> None:
    """They come from another stream."""
    before, behind = str(ROW).split(" 'learning_rate'")
    bar = " 33%|###   | 20/60 [00:08<00:24,  1.25it/s]"
    assert losses(printed(f"{before}\n{bar}\n\n 'learning_rate'{behind}\n")) == [1.5]


@pytest.mark.parametrize("cut", range(2, len(str(ROW)), 7))
@pytest.mark.parametrize("glue", ["", "\n"])
def test_a_torn_row_costs_no_row_behind_it(cut: int, glue: str) -> None:
    """Whether the whole one follows on the same line or the next."""
    rows = printed(f"{str(ROW)[:cut]}{glue}{ROW}\nordinary\n{ROW}\n")
    assert losses(rows) == [1.5, 1.5]
    assert set(rows) - {row for row in rows if isinstance(row, Record)} <= {Skip("unreadable_row")}


def test_a_torn_row_is_counted() -> None:
    """A crash leaves one, and the next process goes on behind it."""
    assert Skip("unreadable_row") in printed(f"{{'loss': 1.5, 'grad_n\n{ROW}\n")


def test_a_dict_that_never_ends_holds_nothing_up() -> None:
    """Rows behind it are read; what it holds is bounded."""
    text = "config = {\n" + "    anything: 1,\n" * 100_000 + f"{ROW}\n"
    tracemalloc.start()
    try:
        rows = printed(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert losses(rows) == [1.5]
    assert peak < 20 * len(text)


HOSTILE: tuple[tuple[str, str, int], ...] = (  # a begin, what is repeated, how often
    ("", "{'", 500_000),
    ("", "{'a':", 200_000),
    ("", "{'a': 1, ", 110_000),
    ("", "{'a': <", 140_000),
    ("", "{'a': '", 140_000),
    ("", "{\"{'", 250_000),
    ("", "{'a': np.float64(", 60_000),
    ("{'a': ", "(", 1_000_000),
    ("{'a': [", "1,", 500_000),
    ("{'a': ", "<>", 500_000),
    ("{'a': ", "a.", 500_000),
    ("{'", "a\\", 500_000),
    ("{'a':", " ", 1_000_000),
    ("{", " ", 1_000_000),
    ("{'a': tensor(1, ", "(", 1_000_000),
)


@pytest.mark.parametrize(("begin", "repeated", "times"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_costs_time_that_grows_with_it_alone(begin: str, repeated: str, times: int) -> None:
    """A megabyte of beginnings, in one line and in many."""

    def read_hostile(count: int) -> None:
        text = begin + repeated * count
        assert printed(text) in ([], [Skip("unreadable_row")])
        assert printed(text.replace("a", "a\n")) in ([], [Skip("unreadable_row")])

    assert grows_linearly(read_hostile, times)


cells = st.recursive(
    st.floats() | st.integers() | st.text(max_size=5) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=8), cells, min_size=1, max_size=8), st.integers(1, 80))
def test_any_dict_that_python_prints_has_its_keys_and_numbers(row: dict[str, object], cut: int) -> None:
    """Whatever its values are; cut anywhere it is said to be cut, and nothing is made up."""
    text = repr(row).encode(errors="replace").decode("latin-1")
    found = dict_at(text, 0)
    assert (found.complete, found.end, len(found.pairs)) == (True, len(text), len(row))
    for cell, back in zip(row.values(), found.pairs.values(), strict=True):
        if isinstance(cell, (list, dict)):
            assert back is UNREADABLE
        elif type(cell) in (int, float):
            assert back == pytest.approx(float(cell), nan_ok=True)  # type: ignore[arg-type]  # a number, as type() says
    assert not any(each.complete and each.begin == 0 for each in dicts(text[: min(cut, len(text) - 1)]))


# Glued rows of JSON

JSON_ROW = '{{"loss": {loss}, "elapsed_time": "1m 8s", "global_step/max_steps": "{step}/60"}}'
FIRST, SECOND = (JSON_ROW.format(loss=1.5 + step, step=step) for step in (1, 2))


@pytest.mark.parametrize("between", ["", " ", ",", "\r"])
def test_two_rows_on_one_line_are_two_rows(between: str) -> None:
    """Two writers, or a line whose end was lost."""
    assert losses(read("swift", (FIRST + between + SECOND).encode())) == [2.5, 3.5]
    nan = FIRST.replace("2.5", "NaN")
    assert losses(read("swift", (nan + between + nan + SECOND).encode()))[2:] == [3.5]


@pytest.mark.parametrize("cut", range(1, len(FIRST)))
def test_of_a_torn_row_and_a_whole_one_the_whole_one_is_read(cut: int) -> None:
    """Wherever it was torn; what is torn is counted."""
    assert [losses([row]) or row for row in read("swift", (FIRST[:cut] + SECOND).encode())] == [
        Skip("not_json"),
        [3.5],
    ]
    assert losses(read("swift", (SECOND + FIRST[:cut]).encode())) == [3.5]
    assert losses(read("swift", (FIRST[cut:] + SECOND).encode())) == [3.5]


def test_the_history_in_a_torn_summary_is_no_news() -> None:
    """Its rows were read when they were written."""
    torn = f'{{"model_parameter_info": "1M", "log_history": [{FIRST}, {SECOND}'
    assert set(read("swift", torn.encode())) == {Skip("not_json")}
    assert set(read("swift", torn[:-9].encode())) == {Skip("not_json")}


@pytest.mark.parametrize("text", ['{"a":', '{"', '{"a": [{},', '{"a":1 ', "{}", '{"a":{}}'])
def test_hostile_json_costs_time_that_grows_with_it_alone(text: str) -> None:
    """Each torn beginning costs a look at the rest, so their number is bounded."""
    assert grows_linearly(lambda count: read("swift", (text * count).encode()), 1_000_000 // len(text))


# What hosts put around it


def docker(text: str, stream: str = "stdout") -> str:
    return json.dumps({"log": text, "stream": stream, "time": "2026-01-31T12:00:00.1Z"})


def test_dockers_own_log_is_unwrapped(tmp_path: Path) -> None:
    """Named by its path: its JSON is no trainer's."""
    log = tmp_path / "0a1b-json.log"
    log.write_text("\n".join(map(docker, ("begin\n", f"{{{LOSS}, {PLACE}}}\n"))) + "\n")
    (found,) = discover([str(log)], SearchOptions(), time.time()).found
    assert found.dialect.name == "printed"
    assert losses(printed(log.read_text())) == [1.5]


def test_dockers_pieces_of_a_long_line_are_joined() -> None:
    """It breaks lines of 16 KiB; the other stream may come in between."""
    row = str(ROW)
    lines = (docker(row[:40]), docker("a bar\r", "stderr"), docker(row[40:80]), docker(row[80:] + "\n"))
    assert losses(printed("\n".join(lines))) == [1.5]


def test_kubernetes_prefixes_do_not_stand_between_the_lines_of_a_row() -> None:
    """The container runtime puts a time and a stream before each line."""
    lines = str(ROW).replace(", ", ",\n").split("\n")
    text = "\n".join(f"2026-01-31T12:00:00.123456789Z stdout F {line}" for line in lines)
    assert losses(printed(text)) == [1.5]
