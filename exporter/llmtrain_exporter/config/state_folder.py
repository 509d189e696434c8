"""Where programs of this package keep what they have to know after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def usual_state_folder(environ: Mapping[str, str]) -> Path | None:
    """The folder of the user; None where neither it nor a home is known.

    Source: the XDG base directory specification.
    """
    state, home = environ.get("XDG_STATE_HOME"), environ.get("HOME")
    if not (state or home):
        return None
    return (Path(state) if state else Path(home or "", ".local", "state")) / "llmtrain-exporter"
