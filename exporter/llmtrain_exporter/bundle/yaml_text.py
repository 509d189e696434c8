"""YAML as people write it."""

from __future__ import annotations

import yaml


class TextBlocks(yaml.SafeDumper):
    """Texts of several lines stand as they are written."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


TextBlocks.add_representer(str, _text)
