"""What a cause is: what speaks for it and against it, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from llmtrain_exporter.knowledge.evidence import Evidence
from llmtrain_exporter.knowledge.remedy import ALL_PROFILES
from llmtrain_exporter.knowledge.text import Text


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run goes wrong. `how` is said of a run that shows it, so it holds nothing that no evidence says.

    `remedies`: ids, what removes the cause first. `profiles`: the kinds of training in which it occurs.
    """

    name: Text
    how: Text
    evidence: tuple[Evidence, ...]
    remedies: tuple[str, ...]
    sources: tuple[Text, ...]
    profiles: frozenset[str] = ALL_PROFILES
