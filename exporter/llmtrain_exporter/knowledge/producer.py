"""Who writes training logs, and how a hyper-parameter is set on a producer's command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FlagStyle:
    """How a command line sets a value: `--beta 0.1` is "--" and " ", `actor.optim.lr=1e-06` is "" and "="."""

    before: str
    between: str

    def write(self, flag: str, value: str | None = None) -> str:
        """The flag as it is typed; without a value the flag alone."""
        return f"{self.before}{flag}" if value is None else f"{self.before}{flag}{self.between}{value}"


DASHED = FlagStyle("--", " ")


@dataclass(frozen=True, slots=True, eq=False)
class Producer:
    """A program that trains and logs. A setting goes by its name in `arguments`, which is ms-swift's.

    `states_steps`: a file of its runs that states steps; empty: none.

    `flags`: setting to the name on the command line; one that is missing cannot be set there. `defaults`:
    what the program takes for a setting not given, by its own code. Both have what holds for every profile,
    and `..._in` what holds in one profile alone and goes before it.
    """

    name: str
    style: FlagStyle = DASHED
    flags: Mapping[str, str] = field(default_factory=dict)
    flags_in: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    defaults_in: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    states_steps: str = ""

    def flag(self, setting: str, profile: str, value: str | None = None) -> str:
        """What to type for a setting, with its value where that is known; empty: it has no flag."""
        name = self.flags_in.get(profile, {}).get(setting) or self.flags.get(setting)
        return self.style.write(name, value) if name else ""

    def default(self, setting: str, profile: str) -> float | None:
        """What a run of that profile trains with where the setting is not given; None: unknown."""
        return self.defaults_in.get(profile, {}).get(setting, self.defaults.get(setting))
