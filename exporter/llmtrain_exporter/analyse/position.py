"""How far a run is: its steps, as far as they are known, and where a process went on from an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.model import Record, Resume, StepSource


class Position:
    """The steps of a run's records."""

    __slots__ = (
        "_certain",
        "_gap",
        "first_step",
        "last_step",
        "max_steps",
        "resumes",
        "step_is_record",
        "trained",
    )

    def __init__(self) -> None:
        self.resumes: list[Resume] = []
        self.first_step: int | None = None
        self.last_step: int | None = None
        self.max_steps: int | None = None
        self.step_is_record = False  # nothing told steps: they are numbers of records
        self.trained = 0  # training records, those of a second writer left out
        self._certain = False  # the last step is not merely reckoned
        self._gap = 1  # steps between the last training records

    @property
    def at_end(self) -> bool:
        """Whether the last step that is planned was surely taken."""
        return self._certain and bool(self.max_steps) and (self.last_step or 0) >= (self.max_steps or 0)

    def left(self, stated: bool) -> bool:
        """Whether another record was to come before the planned end; `stated`: a closing row had its step."""
        if not self.max_steps or self.step_is_record or self.last_step is None:
            return False
        return self.max_steps - self.last_step >= (1 if stated else self._gap)

    def go_to(self, record: Record) -> tuple[int, Resume | None]:
        """Where a training record stands; back from the one before it, a process was resumed."""
        self.trained += 1
        step = self.trained if record.step is None else record.step
        last, placement, resume = self.last_step or 0, record.placement, None
        if self.first_step is None:
            self.first_step = step
        elif step < last:
            resume = Resume(last, step)
        elif placement is not None and placement.resumed is not None:
            resume = Resume(max(last, placement.resumed.last), placement.resumed.first)
        self._gap = step - last if step > last else 1
        self.last_step = step
        self.max_steps = record.max_steps or self.max_steps
        if placement is None:
            self._certain, self.step_is_record = True, record.step is None
        else:
            self._certain = placement.source is StepSource.SHOWN
            self.step_is_record = placement.source is StepSource.COUNTED
        if resume is not None:
            self.resumes.append(resume)
        return step, resume

    def go_on(self, steps: Sequence[int]) -> None:
        """Training records that state these steps, each further on than the one before."""
        self.trained += len(steps)
        before, last = steps[-2] if len(steps) > 1 else self.last_step or 0, steps[-1]
        self._gap, self.last_step = last - before, last
        self._certain, self.step_is_record = True, False

    def advance(self, record: Record) -> None:
        """Steps of rows that train nothing; an evaluation phase that counts its own steps says nothing."""
        step, planned = record.step, record.max_steps
        if step is None or (self.first_step is not None and planned not in (None, self.max_steps)):
            return
        self.max_steps = planned or self.max_steps
        if self.last_step is None or step >= self.last_step:
            self.last_step = step
            placement = record.placement
            self._certain = placement is None or placement.source is StepSource.SHOWN
