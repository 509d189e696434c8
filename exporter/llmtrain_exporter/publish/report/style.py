"""The style sheet of a report: quiet on a screen, light or dark, and on paper."""

from __future__ import annotations

import base64
import hashlib

from llmtrain_exporter.draw.inline import CLASSES

_LIGHT = {
    "ground": "#ffffff",
    "ink": "#2b2b2b",
    "grid": "#e2e2e2",
    "baseline": "#6f6f6f",
    "healthy": "#2e7d32",
    "warning": "#9a5b00",
    "critical": "#b3261e",
    "info": "#1f5f8b",
    "resume": "#4a4a8a",
    "soft": "#f4f4f2",
    "line1": "#0072b2",
    "line2": "#d55e00",
    "line3": "#009e73",
    "line4": "#cc79a7",
    "line5": "#9a6b00",
    "line6": "#56b4e9",
    "line7": "#6a4c93",
    "line8": "#5f5f5f",
}
_DARK = {
    "ground": "#16181b",
    "ink": "#e6e6e3",
    "grid": "#34373b",
    "baseline": "#a3a3a3",
    "healthy": "#7bc97f",
    "warning": "#f0b45a",
    "critical": "#ff8a80",
    "info": "#7fc1ec",
    "resume": "#a9a9ee",
    "soft": "#202327",
    "line1": "#5cb3e6",
    "line2": "#ff9552",
    "line3": "#3fcaa2",
    "line4": "#e6a8c9",
    "line5": "#d9ab3f",
    "line6": "#9bd4f5",
    "line7": "#b79be0",
    "line8": "#b0b0b0",
}

_RULES = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 4rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC",
  "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .8rem; padding-top: .8rem; border-top: 1px solid var(--grid); }
h3 { font-size: 1.12rem; margin: 1.9rem 0 .5rem; }
h4, h5, h6 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .5rem 0; }
.lead { font-size: 1.1rem; margin: 0 0 1.2rem; padding: .7rem 1rem; background: var(--soft);
  border-left: .3rem solid var(--baseline); border-radius: .2rem; }
ul, ol { margin: .5rem 0; padding-left: 1.4rem; }
li { margin: .2rem 0; }
ul.bare { list-style: none; padding: 0; }
.more { color: var(--baseline); font-size: .92em; }
nav { background: var(--soft); padding: .7rem 1rem; margin: 1.2rem 0; border-radius: .4rem; }
nav ul { list-style: none; padding: 0; margin: .3rem 0 0; columns: 2; column-gap: 2rem; }
nav ul ul { columns: 1; padding-left: 1rem; margin: 0; font-size: .92rem; }
nav li { break-inside: avoid; }
a { color: var(--info); }
a:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .88em; }
code { background: var(--soft); padding: .05em .3em; border-radius: .2em; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .7rem .9rem; border-radius: .4rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.small, footer, figcaption { color: var(--baseline); font-size: .88rem; }
.wide { overflow-x: auto; margin: .7rem 0; }
.wide:focus-visible { outline: 2px solid var(--info); }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.35; min-width: 24rem; }
caption { text-align: left; color: var(--baseline); padding: 0 0 .3rem; }
th, td { text-align: left; vertical-align: top; padding: .28rem .8rem .28rem 0;
  border-bottom: 1px solid var(--grid); font-variant-numeric: tabular-nums; overflow-wrap: normal; }
thead th { border-bottom: 2px solid var(--grid); font-weight: 600; }
td { min-width: 3.6rem; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 10rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: .6rem 0; }
dt { color: var(--baseline); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: .9rem 0 1.2rem; }
figure svg { display: block; width: 100%; max-width: 46rem; height: auto; }
figure.beside { display: inline-block; width: 32.6%; vertical-align: top; margin: 0 0 .8rem; }
details { margin: 1.2rem 0; padding: .4rem .9rem; background: var(--soft); border-radius: .4rem; }
summary { cursor: pointer; } summary h3, summary h4 { display: inline; }
summary:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
.mark { font-weight: 600; white-space: nowrap; }
.mark::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .35em;
  border-radius: 50%; background: currentColor; }
.healthy, .fine { color: var(--healthy); }
.watch, .warning, .look { color: var(--warning); }
.broken, .critical { color: var(--critical); }
.info { color: var(--info); }
.broken::before, .critical::before { border-radius: 0; }
.watch::before, .warning::before, .look::before { border-radius: 50% 50% 0 0; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
  nav ul { columns: 1; } figure.beside { width: 100%; } }
@media print { body { max-width: none; padding: 0; font-size: 8.5pt; line-height: 1.4; }
  nav, details:not([open]), .beside figcaption { display: none; }
  figure, tr, li, pre, dl, h3 + p { break-inside: avoid; } h1, h2, h3, h4, h5, h6 { break-after: avoid; }
  h1 { font-size: 15pt; margin: 0 0 6pt; } h2 { font-size: 11.5pt; margin: 11pt 0 4pt; padding-top: 5pt; }
  h3, summary h3 { font-size: 9pt; margin: 6pt 0 1pt; } h4, h5, h6 { font-size: 8.5pt; margin: 4pt 0 1pt; }
  p, ul, ol, dl { margin: 2pt 0; } li { margin: 0; } pre { padding: 4pt 6pt; margin: 4pt 0; }
  .lead { font-size: 9.5pt; margin: 0 0 6pt; padding: 4pt 8pt; }
  .small, footer, figcaption { font-size: 7pt; }
  caption, thead, tbody tr:first-child { break-after: avoid; } p code { white-space: nowrap; }
  .wide { overflow: visible; margin: 4pt 0; } table { font-size: 7pt; line-height: 1.25; min-width: 0; }
  th, td { padding: 1.5pt .5rem 1.5pt 0; } td { min-width: 0; } tbody th { min-width: 0; }
  figure { margin: 4pt 0 6pt; } figure svg { max-width: 100%; max-height: 10.5cm; }
  figure.beside { margin: 0 0 2pt; } [data-part="settings"] .wide { columns: 3; column-gap: 1.2rem; }
  [data-part="settings"] table { width: 100%; }
  [data-part="settings"] dl { grid-template-columns: max-content 1fr max-content 1fr; gap: 1pt 9pt; }
  a { color: inherit; text-decoration: none; } }
@page { size: A4; margin: 1.2cm 1.4cm; }
"""


def sheet() -> str:
    """All of it."""
    lines = "".join(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}\n" for name in CLASSES)
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(_DARK)} }} }}\n"
    return f":root {{ color-scheme: light dark; {_variables(_LIGHT)} }}\n{dark}{_RULES}{lines}"


def policy(style: str) -> str:
    """What the page may do: show itself, with this very style sheet. No script, no request, no form."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
