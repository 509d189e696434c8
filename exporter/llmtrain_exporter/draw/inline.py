"""A picture as part of a page: its colours become classes, and nothing in it needs the page's permission.

matplotlib writes colours into style attributes, which a strict content security policy forbids and a dark
page cannot change.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from llmtrain_exporter.draw.colours import NAMES

CLASSES = NAMES.values()
"""For each the page defines `.f-NAME { fill: ... }` and `.s-NAME { stroke: ... }`."""

_XLINK = "{http://www.w3.org/1999/xlink}href"
_PAGES_OWN = frozenset(("font-family", "font"))
_DROPPED = ("metadata", "style")


def inlined(picture: bytes, name: str) -> str:
    """The SVG element of a picture that matplotlib wrote. `name`: what it shows, for those who cannot see."""
    root = ElementTree.fromstring(picture)  # noqa: S314  # our own drawing
    _clean(root)
    size = root.get("viewBox", "0 0 1 1").split()
    root.attrib = {"viewBox": " ".join(size), "role": "img", "aria-label": name, "class": "chart"}
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for child in list(element):
        if child.tag.rpartition("}")[2] in _DROPPED:
            element.remove(child)
        else:
            _clean(child)
    if element.tag == "g":
        element.attrib.pop("id", None)  # the same in each picture, and nobody refers to it
    if _XLINK in element.attrib:
        element.set("href", element.attrib.pop(_XLINK))
    styles = dict(_declarations(element.attrib.pop("style", "")))
    classes = [
        f"{prefix}-{NAMES[colour]}"
        for prefix, key in (("f", "fill"), ("s", "stroke"))
        if (colour := styles.get(key, "")) in NAMES
    ]
    for key, value in styles.items():
        if key not in _PAGES_OWN and value not in NAMES:
            element.set(key, value)
    if classes:
        element.set("class", " ".join(classes))


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for part in style.split(";"):
        key, colon, value = part.partition(":")
        if colon:
            yield key.strip(), value.strip()
