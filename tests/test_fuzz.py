"""The fuzz target itself: it runs, it repeats, and it finds what is broken."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from llmtrain_exporter.ingest import values

from tests import fuzz_dialects
from tests.fuzz_dialects import examine, fuzz, inputs, seeds
from tests.servers import HANGS_SECONDS


@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_mutated_logs_break_no_promise(seed: int, tmp_path: Path) -> None:
    """A few seconds of what can run for hours: python tests/fuzz_dialects.py --seconds 3600."""
    assert fuzz(random.Random(seed), 250, math.inf, None, tmp_path / "crash") == 250


def test_real_logs_break_none_either(corpus: Path, tmp_path: Path) -> None:
    """Neither mutated nor as they are."""
    for dialect, text in seeds(corpus):
        examine(dialect, text)
    assert fuzz(random.Random(3), 50, math.inf, corpus, tmp_path / "crash") == 50


def test_a_seed_gives_the_same_inputs_again() -> None:
    """Or nobody could look into what was found."""
    one, other = (inputs(random.Random(5), None) for _ in range(2))
    assert [next(one) for _ in range(20)] == [next(other) for _ in range(20)]


def breaks(dialect: str, text: bytes) -> bool:
    """Whether a dialect cannot read the text."""
    try:
        examine(dialect, text)
    except TypeError:
        return True
    return False


def test_what_breaks_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reader that raises is found within a few inputs, and the input is written down."""
    monkeypatch.setattr(values, "LONGEST", None)
    with pytest.raises(TypeError):
        fuzz(random.Random(1), 500, math.inf, None, tmp_path / "crash")
    text = (tmp_path / "crash").read_bytes()
    assert [dialect for dialect in fuzz_dialects.DIALECTS if breaks(dialect, text)]


def test_the_target_runs_as_a_program(tmp_path: Path) -> None:
    """As its help says."""
    target = Path(fuzz_dialects.__file__)
    command = [sys.executable, str(target), "--rounds", "5", "--seed", "1"]
    told = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "5 inputs, none broke a promise (seed 1)\n"
