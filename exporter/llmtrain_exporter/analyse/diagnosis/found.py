"""What was found of a pattern in a run."""

from __future__ import annotations

from collections.abc import Sequence

from llmtrain_exporter.model import Proof

Found = Sequence[Proof] | None
"""What shows it, in numbers and steps; None: it is not there."""
