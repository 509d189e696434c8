"""What is done each time that somebody looks at a training: its good checkpoints are kept, as a ladder."""

from __future__ import annotations

from collections.abc import Collection

from llmtrain_exporter.guard.keep.checkpoints import Checkpoint
from llmtrain_exporter.guard.keep.keeping import CheckpointKeeper
from llmtrain_exporter.guard.keep.ladder import chosen, judged_until
from llmtrain_exporter.guard.keep.marks import HealthMarks


def protect(
    keeper: CheckpointKeeper, checkpoints: Collection[Checkpoint], marks: HealthMarks, because: str
) -> None:
    """Have those of the complete checkpoints kept that are good, and let go what the ladder leaves out.

    Nothing is let go before all that takes its place is kept, and nothing that the next records may show to
    be good after all, unless more is kept than may be.
    """
    have = keeper.kept()
    known = {(each.step, each.written) for each in have}
    stay = chosen([*have, *checkpoints], marks, keeper.bounds.most)
    missing = [each for each in stay if (each.step, each.written) not in known]
    done = [keeper.keep(each, because) for each in reversed(missing)]  # the one to go back to comes first
    if stay and all(done):
        wanted = {each.step for each in stay}
        left = sorted({each.step for each in have} - wanted)
        surplus = len(left) + len(wanted) - keeper.bounds.most
        certain = judged_until(marks)
        for at, step in enumerate(left):
            if step <= certain or at < surplus:
                keeper.let_go(step, "left out by the ladder")
    keeper.tidy()
