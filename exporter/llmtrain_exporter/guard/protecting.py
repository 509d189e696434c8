"""What is done each time that somebody looks at a training: its good checkpoints are kept, as a ladder."""

from __future__ import annotations

from collections.abc import Collection

from llmtrain_exporter.guard.checkpoints import Checkpoint
from llmtrain_exporter.guard.keeping import Keeper
from llmtrain_exporter.guard.ladder import chosen
from llmtrain_exporter.guard.marks import HealthMarks


def protect(keeper: Keeper, checkpoints: Collection[Checkpoint], marks: HealthMarks, because: str) -> None:
    """Have those of the complete checkpoints kept that are good, and let go what the ladder leaves out.

    Nothing is let go before all that takes its place is kept.
    """
    have = keeper.kept()
    known = {(each.step, each.written) for each in have}
    stay = chosen([*have, *checkpoints], marks, keeper.bounds.most)
    missing = [each for each in stay if (each.step, each.written) not in known]
    done = [keeper.keep(each, because) for each in reversed(missing)]  # the one to go back to comes first
    if stay and all(done):
        for step in {each.step for each in have} - {each.step for each in stay}:
            keeper.let_go(step, "left out by the ladder")
    keeper.tidy()
