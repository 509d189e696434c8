"""What a search finds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter

from llmtrain_exporter.ingest.candidates import Basis
from llmtrain_exporter.ingest.checkpoints import current_document
from llmtrain_exporter.ingest.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Found:
    """One run: its live log, and the other logs of its folder that may add what that one lacks."""

    path: str  # absolute
    run: str  # unique in its scan
    dialect: Dialect
    modified: float  # st_mtime, seconds since the epoch
    size: int  # bytes
    identity: tuple[int, int]  # device, inode
    extra: tuple[str, ...]
    key: str = ""  # of a run in a store of several: below the store's path
    basis: Basis = field(default=Basis.NAME, compare=False)  # why the file is taken for a log
    parts: tuple[str, ...] = ()  # the further files in which its log stands
    own_name: str = field(default="", compare=False)  # as the scan called it, where a rule calls it otherwise

    @property
    def file(self) -> str:
        """The file that it is read from now."""
        if self.dialect.in_checkpoints:
            return current_document(self.path)
        return os.path.dirname(self.path) if self.key else self.path

    @property
    def folder(self) -> str:
        """The name that rules go by: of its folder, before any of them."""
        return self.own_name or self.run

    @property
    def told(self) -> str:
        """What people are told of where it lies."""
        return self.path if self.key else self.file

    def called(self, name: str) -> Found:
        """The same by the name that the rules give it."""
        return replace(self, run=name, own_name=self.folder)

    @property
    def particulars(self) -> tuple[object, ...]:
        """All that a scan tells of it, but its path."""
        return _particulars(self)


_particulars = attrgetter(*(each.name for each in fields(Found)[1:-1]))
