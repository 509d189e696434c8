"""What text says of settings: the scalars of YAML and JSON, by the names that lead to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from llmtrain_exporter.ingest.json_rows import lenient_json

DEEPEST = 8  # levels of nested settings that are looked at

_YAML_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_YAML_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def parse_json(content: bytes) -> object:
    """Whatever JSON says, NaN and Infinity included."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return lenient_json(content)


def parse_flat_yaml(content: bytes) -> Mapping[str, object]:
    """The scalars of a flat YAML file: no more of YAML is wanted from a file that anybody can write."""
    lines = (line.partition(": ") for line in content.decode(errors="replace").splitlines())
    return {key: scalar(value.strip()) for key, colon, value in lines if colon and key.isidentifier()}


def parse_nested_yaml(content: bytes) -> Mapping[str, object]:
    """The scalars of a YAML file by the names that lead to them, joined by dots; lists say nothing."""
    found: dict[str, object] = {}
    above: list[tuple[int, str]] = []  # indentation and name of what the line may stand below
    for line in content.decode(errors="replace").splitlines():
        text = line.lstrip(" ")
        name, colon, value = text.partition(":")
        if not (colon and name.isidentifier()):
            continue
        indent = len(line) - len(text)
        while above and above[-1][0] >= indent:
            above.pop()
        if value.strip():
            found[".".join((*(each for _, each in above), name))] = scalar(value.partition(" #")[0].strip())
        elif len(above) < DEEPEST:
            above.append((indent, name))
    return found


def parse_valued_yaml(content: bytes) -> Mapping[str, object]:
    """The scalars of a tracker's config.yaml, which has what belongs to each key below it as `value`."""
    found: dict[str, object] = {}
    for name, value in parse_nested_yaml(content).items():
        key, _, below = name.partition(".")
        if below == "value" or below.startswith("value."):
            found[key + below.removeprefix("value")] = value
    return found


def scalar(text: str) -> object:
    """What a scalar of YAML, or a text that stands for one, means."""
    if text in _YAML_NULLS:
        return None
    if text in _YAML_TRUTHS:
        return _YAML_TRUTHS[text]
    try:
        return float(text)
    except ValueError:
        return text.strip("'\"")


def flattened(stated: Mapping[str, object]) -> Mapping[str, object]:
    """Nested settings with the names of their parts joined by dots; some trackers join them by slashes."""
    return {key.replace("/", "."): value for key, value in _leaves(stated, "", DEEPEST)}


def _leaves(settings: Mapping[str, object], above: str, deepest: int) -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, dict) and deepest:
            yield from _leaves(value, f"{above}{key}.", deepest - 1)
        else:
            yield f"{above}{key}", value
