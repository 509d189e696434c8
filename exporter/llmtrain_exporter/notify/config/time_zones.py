"""Time zones by their names in the IANA database, and what is likely meant by a name that is none."""

from __future__ import annotations

import difflib
from datetime import timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

UTC = "UTC"
_CAPITALS = {"beijing": "Asia/Shanghai", "delhi": "Asia/Kolkata", "washington": "America/New_York"}
"""Cities after which people look and no zone is called."""


def zone_named(name: str) -> tzinfo:
    """The zone of that name; UTC needs no database. Raises ValueError, which says what may be meant."""
    if name == UTC:
        return timezone.utc
    known = available_timezones()
    if not known:
        raise ValueError("cannot be looked up: this machine has no time zones; install tzdata")
    if name not in known:
        raise ValueError(f"is no time zone{_likely(name, known)}")
    return ZoneInfo(name)


def _likely(name: str, known: set[str]) -> str:
    """By the whole name, else by the city at its end."""
    wanted = name[:100].strip().replace(" ", "_").lower()
    city = wanted.rpartition("/")[2]
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(known)} | _CAPITALS
    whole = {zone.lower(): zone for zone in known}
    for names, word in ((_CAPITALS, city), (whole, wanted), (cities, city)):
        cutoff = 1.0 if names is _CAPITALS else 0.8
        for found in difflib.get_close_matches(word, names, 1, cutoff):
            return f"; did you mean {names[found]}?"
    return "; it has a name such as Asia/Shanghai or Europe/Berlin"
