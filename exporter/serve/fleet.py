"""What the loop and the HTTP server share."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

from exporter.model import Snapshot
from exporter.serve.exposition import Exposition


class Fleet:
    """The snapshots that are published now. One writer (the loop), many readers."""

    def __init__(self, exposition: Exposition, roots: tuple[str, ...]) -> None:
        self.roots = roots
        self.ready = False  # the writer's: true once every log that was there at the start is read to its end
        self._exposition = exposition
        self._snapshots: dict[str, Snapshot] = {}  # changed by the writer only; readers copy it in one step

    def __len__(self) -> int:
        return len(self._snapshots)

    def publish(self, snapshot: Snapshot, newborn: bool = False) -> None:
        """Show this from now on, instead of what was known of the run before. `newborn`: see `Exposition`.

        The samples are the exposition's alone: kept here too, they would double what a run takes.
        """
        self._exposition.publish(snapshot.run, snapshot.samples, newborn)
        self._snapshots[snapshot.run] = replace(snapshot, samples={})

    def remove(self, run: str) -> None:
        """Show nothing of that run any more. A run that is not there is no error."""
        self._snapshots.pop(run, None)
        self._exposition.remove(run)

    def get(self, run: str) -> Snapshot | None:
        """What is known of that run, None if there is no such run."""
        return self._snapshots.get(run)

    def snapshots(self) -> list[Snapshot]:
        """All of them, sorted by the name of the run."""
        return sorted(self._snapshots.copy().values(), key=attrgetter("run"))
