"""Who writes training logs, and how a hyper-parameter is set there."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_PLAIN_YAML = re.compile(r"[\w./+-]+")
_PYTHON_TRUTHS = {"true": "True", "false": "False"}
_NUMBER = re.compile(r"[-+]?\d[\d_]*(\.\d*)?(e[-+]?\d+)?")


class FlagStyle(NamedTuple):
    """How a value is set: `--beta 0.1` is "--" and " ", `actor.optim.lr=1e-6` is "" and "=".

    `quote`: writes a value so that nothing in it is taken for more. `on_one_line`: several may follow each
    other there. `nested`: a name with a dot is a part of another, as in a YAML file.
    """

    before: str
    between: str
    quote: Callable[[str], str] = shlex.quote
    on_one_line: bool = True
    nested: bool = False

    def write(self, flag: str, value: str | None = None) -> str:
        """The flag as it is typed; without a value the flag alone."""
        if value is None:
            return f"{self.before}{flag}"
        outer, dot, inner = flag.rpartition(".") if self.nested else ("", "", flag)
        written = f"{self.before}{inner}{self.between}{self.quote(value)}"
        return f"{outer}: {{{written}}}" if dot else written


def _yaml_value(text: str) -> str:
    return text if _PLAIN_YAML.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _python_value(text: str) -> str:
    return text if _NUMBER.fullmatch(text) else _PYTHON_TRUTHS.get(text, json.dumps(text, ensure_ascii=False))


DASHED = FlagStyle("--", " ")
YAML_KEY = FlagStyle("", ": ", _yaml_value, on_one_line=False, nested=True)
ASSIGNED = FlagStyle("", "=")
DOTTED_YAML_KEY = FlagStyle("", ": ", _yaml_value, on_one_line=False)
PYTHON_KEYWORD = FlagStyle("", "=", _python_value, on_one_line=False)


@dataclass(frozen=True, slots=True, eq=False)
class Producer:
    """A program that trains and logs. A setting goes by its name in `arguments`, which is ms-swift's.

    `flags`: setting to the name that it has there; one that is missing cannot be set there. `defaults`:
    what the program takes for a setting not given, by its own code; nobody knows whether that is in force.
    Both have what holds for every profile, and `..._in` what holds in one profile alone and goes before it.
    `family`: the dialect under which people know its logs, where that is not the program's own.
    `states_steps`: a file of its runs that states steps; empty: none.
    `kl_clamp`: above which it lets no kl of a token rise, nats; most know no such limit.
    """

    name: str
    style: FlagStyle = DASHED
    flags: Mapping[str, str] = field(default_factory=dict)
    flags_in: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, float | str] = field(default_factory=dict)
    defaults_in: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    family: str = ""
    states_steps: str = ""
    kl_clamp: float = math.inf

    @property
    def dialect(self) -> str:
        """The name under which people know who wrote a log."""
        return self.family or self.name

    def flag(self, setting: str, profile: str, value: str | None = None) -> str:
        """What to type for a setting, with its value where that is known; empty: it has no flag."""
        name = self.spelled(setting, profile)
        return self.style.write(name, value) if name else ""

    def spelled(self, setting: str, profile: str) -> str:
        """What a setting is called there; empty: it has none such."""
        return self.flags_in.get(profile, {}).get(setting) or self.flags.get(setting, "")

    def default(self, setting: str, profile: str) -> float | str | None:
        """What a run of that profile trains with where the setting is not given; None: unknown."""
        return self.defaults_in.get(profile, {}).get(setting, self.defaults.get(setting))
