"""A store of a tracker that holds several runs: what is asked of it, and a run in it as a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from llmtrain_exporter.ingest.tracked_rows import RowsByKey, TrackedRow
from llmtrain_exporter.model import Record, Skip


class StoredRun(NamedTuple):
    """A run in a store."""

    key: str  # no other run of the store has it
    name: str  # for people; parts of it, as the experiment that it belongs to, end in "/"
    modified: float  # Unix time of what was logged last
    began: float  # Unix time; 0: the store does not say
    levels: int = 0  # folders, the store's own and those above it, that the name stands for


class Portion(NamedTuple):
    """Some of what a run has logged."""

    rows: Sequence[TrackedRow]  # one value each, or all that was logged at once
    after: int  # where the next portion begins
    more: bool
    finished: bool | None  # whether it ended well; None: it goes on
    settings: Mapping[str, object]  # what it was started with


class Store(Protocol):
    """Asks one store. Raises OSError; nobody who writes to it may notice."""

    @property
    def by_key(self) -> bool:
        """Whether it keeps rows value by value."""

    @property
    def generation(self) -> int:
        """How often what was read of it became void; looked up by `stamp`."""

    def runs(self) -> Sequence[StoredRun] | None:
        """The runs in it; None where it is no store of this tracker."""

    def settings(self, key: str, /) -> Mapping[str, object]:
        """What a run was started with, as far as that is stated by now."""

    def stamp(self, key: str, /) -> int:
        """A number that is another one when that run may have logged more; cheap."""

    def read(self, key: str, after: int, /) -> Portion:
        """What a run has logged behind `after`, from 0."""

    def first(self, key: str, /) -> Sequence[TrackedRow]:
        """Some of what a run has logged first, to know it by: some hundred values, the last row in parts."""


def first_rows(store: Store, key: str) -> Sequence[TrackedRow]:
    """The first rows of a run that are whole. Raises OSError."""
    found = store.first(key)
    rows = RowsByKey()
    return [whole for row in found for whole in rows.add(row)] if store.by_key else found


class Unread:
    """The reader of a store, which is asked for rows and has no lines."""

    def read(self, line: bytes) -> Iterable[Record | Skip]:  # noqa: ARG002  # other dialects have some
        """Nothing."""
        return ()
