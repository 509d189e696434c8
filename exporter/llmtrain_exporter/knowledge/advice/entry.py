"""What is said about a signal."""

from __future__ import annotations

from dataclasses import dataclass

from llmtrain_exporter.knowledge.text import Text


@dataclass(frozen=True, slots=True)
class Advice:
    """All texts about one signal.

    `title` names the condition. `summary` is one static sentence, for the alert. `finding` says what happened
    in a run; it alone holds placeholders of the moment. `meaning` says what that tells, `impact` what follows
    if nothing is done, `diagnosis` what to look at, in order. `causes` and `remedies` are ids, the likeliest
    and the first to try in front; each has the profiles that it applies to.
    """

    title: Text
    summary: Text
    finding: Text
    meaning: Text
    impact: Text
    causes: tuple[str, ...]
    diagnosis: tuple[Text, ...]
    remedies: tuple[str, ...]
    sources: tuple[Text, ...]
