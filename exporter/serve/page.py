"""The landing page: how all runs are, at a glance and without a script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from exporter.model import Snapshot
from exporter.printable import printable

MOST_ROWS = 500
"""More rows than that make a browser slow, and nobody reads them."""

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #30363d); --dim: light-dark(#59636e, #9198a1); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h1 small, .dim, th { color: var(--dim); font-weight: normal; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td:first-child, code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.healthy { color: light-dark(#1a7f37, #3fb950); } .watch { color: light-dark(#9a6700, #d29922); }
.broken { color: light-dark(#cf222e, #f85149); font-weight: bold; }
"""

STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""What a content security policy calls this style."""

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>llmtrain-exporter</title>
<style>$style</style>
</head>
<body>
<h1>llmtrain-exporter <small>$version</small></h1>
<p><a href="/metrics">Metrics</a> &middot; <a href="/api/v1/runs">Runs as JSON</a></p>
<p>Watching $roots. $note</p>
<table>
<thead><tr><th>Run</th><th>State</th><th>Health</th><th class="number">Step</th>
<th class="number">Last record</th></tr></thead>
<tbody>
$rows</tbody>
</table>
</body>
</html>
""")

_ROW = Template(
    '<tr><td>$run</td><td>$state</td><td class="$health">$health</td><td class="number">$step</td>'
    '<td class="number">$age</td></tr>\n'
)

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def landing(
    version: str, roots: Iterable[str], ready: bool, snapshots: Sequence[Snapshot], now: float
) -> str:
    """The page as HTML; the runs in trouble come first. `now`: Unix time."""
    worst_first = sorted(snapshots, key=lambda snapshot: (-snapshot.health, snapshot.run))[:MOST_ROWS]
    return _PAGE.substitute(
        style=STYLE,
        version=_text(version),
        roots=", ".join(f"<code>{_text(root)}</code>" for root in roots) or "nothing",
        note=_note(ready, len(snapshots)),
        rows="".join(_row(snapshot, now) for snapshot in worst_first),
    )


def _note(ready: bool, runs: int) -> str:
    if not ready:
        return "Still reading the logs that were there at the start."
    if runs > MOST_ROWS:
        return f"{MOST_ROWS} of {runs:,} runs are listed, those in trouble first; the JSON has all."
    return f"{runs} run{'' if runs == 1 else 's'}."


def _row(snapshot: Snapshot, now: float) -> str:
    return _ROW.substitute(
        run=_text(snapshot.run),
        state=snapshot.state.value,
        health=snapshot.health.name.lower(),
        step=_step(snapshot.last_step, snapshot.max_steps),
        age="" if snapshot.last_record is None else f"{age(now - snapshot.last_record)} ago",
    )


def _step(last: int | None, most: int | None) -> str:
    if last is None:
        return ""
    return f"{last:,}" if most is None else f"{last:,} / {most:,}"


def age(seconds: float) -> str:
    """A length of time in its largest unit that fits: "12 s", "3 min", "5 h", "2 d"."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1.0, "s"))
    return f"{max(0.0, seconds) // size:.0f} {unit}"


def _text(text: str) -> str:
    return escape(printable(text))
