"""What is kept from rotation is told wherever a run's story is, and is what advice goes back to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from llmtrain_exporter.analyse.ways_back import checkpoint_name, last_before
from llmtrain_exporter.knowledge.guarding import KEPT_FOLDER
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.model import Incident
from llmtrain_exporter.story.blocks import plain
from llmtrain_exporter.story.events import back_to
from llmtrain_exporter.story.facts import fact_lines
from llmtrain_exporter.story.run_object import full_object
from llmtrain_exporter.watching.beside import with_checkpoints

from tests.saved_checkpoints import save
from tests.serving import RUN

INCIDENT = Incident(100, 110, None, (("kl", 100),), ("kl_high",), True, False)


def test_what_is_kept_counts_among_the_checkpoints_to_go_back_to() -> None:
    """The trainer has rotated it away: its path leads into the kept folder."""
    run = replace(RUN, checkpoints=(90, 120), kept=(60, 90, 95))
    assert (last_before(run, 100), last_before(run, 95), last_before(run, 60)) == (95, 90, None)
    assert checkpoint_name(run, 95) == f"{KEPT_FOLDER}/checkpoint-95"
    assert checkpoint_name(run, 90) == "checkpoint-90"
    assert last_before(replace(run, step_is_record=True), 100) is None
    assert plain(back_to(run, INCIDENT, Lang.EN)) == f"last checkpoint before it: {KEPT_FOLDER}/checkpoint-95"


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (Lang.EN, "checkpoints kept from rotation in llmtrain-kept: steps 60, 90"),
        (Lang.ZH, "保留在 llmtrain-kept 中、不会被轮换删除的 checkpoint：第 60、90 步"),
    ],
)
def test_it_is_told_which_are_kept(lang: Lang, said: str) -> None:
    """On the page, in checks and cards; of others nothing is said."""
    assert said in [plain(line) for line in fact_lines(replace(RUN, kept=(60, 90)), lang)]
    assert not any(KEPT_FOLDER in plain(line) for line in fact_lines(RUN, lang))


def test_programs_are_told_too(tmp_path: Path) -> None:
    """What lies there when somebody asks."""
    save(tmp_path, 30)
    save(tmp_path / KEPT_FOLDER, 20)
    (tmp_path / KEPT_FOLDER / ".checkpoint-10.partial").mkdir()
    run = with_checkpoints(replace(RUN, file=str(tmp_path / "logging.jsonl")))
    assert (run.checkpoints, run.kept) == ((30,), (20,))
    assert full_object(run, Lang.EN)["kept_checkpoints"] == [20]
