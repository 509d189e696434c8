"""Runs that collapse while programs are killed: Prometheus and Alertmanager, two of each; exporter, relay.

    python -m benchmarks.kill_storm --seed 1 --newer /folder/of/newer/servers

Half an hour. It prints what was killed, and of each bot what is missing and what came twice; exit code 1 if
anything did. Incidents, kills and their moments come from the seed; what they hit does not.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from tests.bots import Bot, bot
from tests.line_to_card import ALERTS, Replay, breaks_at, with_addresses
from tests.relaying import RelayProcess
from tests.servers import ExporterProcess, Server, clustered, eventually, free_port

DEMO = ALERTS.parent / "exporter" / "llmtrain_exporter" / "demo"
KINDS = ("feishu", "wecom", "slack")
BREAKS_SECONDS = 60.0
OVER_SECONDS = 1200.0
INCIDENT, OVER = ("\U0001f534",), ("\u2705", "\u26aa")


@dataclass(frozen=True)
class Size:
    """How much happens: collapses begin and kills happen within `seconds`."""

    collapses: int = 30
    kills: int = 60
    seconds: float = 600.0


class Programs:
    """Six programs with the shipped configuration. `binary` finds a server."""

    def __init__(
        self, folder: Path, logs: Path, bots: Sequence[Bot], binary: Callable[[str], str | Path]
    ) -> None:
        exporter = ExporterProcess([logs])
        config = folder / "relay.yml"
        rules = [one.rule() for one in bots]
        config.write_text(
            yaml.safe_dump({"exporters": [exporter.url], "memory_file": "memory.sqlite", "bots": rules})
        )
        relay = RelayProcess(["--config", config])
        peers = [free_port(), free_port()]
        shutil.copytree(ALERTS / "templates", folder / "templates")
        shutil.copytree(ALERTS / "rules", folder / "rules")
        alerting = with_addresses(ALERTS / "alertmanager.yml", {"relay:9849": relay.address}, folder)
        managers = [
            clustered(folder / f"a{at}", alerting, peers[at], peers[1 - at], binary("alertmanager"))
            for at in range(2)
        ]
        addresses = {
            "relay:9849": relay.address,
            "exporter:9848": exporter.address,
            "alertmanager:9093": '", "'.join(manager.address for manager in managers),
        }
        watching = with_addresses(ALERTS / "prometheus.yml", addresses, folder)
        prometheus = [_prometheus(folder / f"prometheus-{at}", watching, binary) for at in range(2)]
        self.all: Mapping[str, Server] = {
            "exporter": exporter,
            "relay": relay,
            **{f"alertmanager {at}": server for at, server in enumerate(managers)},
            **{f"prometheus {at}": server for at, server in enumerate(prometheus)},
        }
        self._block = ExitStack()

    def __enter__(self) -> Programs:
        for server in self.all.values():
            self._block.enter_context(server)
        return self

    def __exit__(self, *raised: object) -> None:
        self._block.__exit__(*raised)  # type: ignore[arg-type]


def _prometheus(folder: Path, config: Path, binary: Callable[[str], str | Path]) -> Server:
    port = free_port()
    command: list[str | Path] = [
        binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    return Server(command, port)


def storm(
    folder: Path,
    bots: Mapping[str, Bot],
    binary: Callable[[str], str | Path],
    size: Size,
    chance: random.Random,
    note: Callable[[str], object],
) -> list[str]:
    """Let it happen; the names of the runs that collapsed. `note` is told what is killed."""
    logs = folder / "logs"
    logs.mkdir()
    shutil.copytree(DEMO / "collapse", logs / "history")
    source = DEMO / "collapse" / "logging.jsonl"
    line = breaks_at(source, folder / "scratch")
    with Programs(folder, logs, list(bots.values()), binary) as programs:
        for name in ("prometheus 0", "prometheus 1"):
            eventually(partial(_has_scraped, programs.all[name]))
        begins = sorted(chance.uniform(0.0, size.seconds) for _ in range(size.collapses))
        replays: list[Replay] = []
        beginning = threading.Thread(target=_begin, args=(source, logs, line, begins, replays), daemon=True)
        beginning.start()
        _kill(programs, size, chance, note)
        beginning.join()
        for replay in replays:
            replay.wait()
        runs = [replay.run for replay in replays]
        until = time.monotonic() + OVER_SECONDS
        while time.monotonic() < until and not all(
            _count(one, runs, OVER) == len(runs) for one in bots.values()
        ):
            time.sleep(1.0)
        time.sleep(90.0)  # what comes twice comes with the next flush
    return runs


def _has_scraped(prometheus: Server) -> bool:
    return "llmtrain_run_health" in prometheus.get("/api/v1/label/__name__/values").text


def _begin(source: Path, logs: Path, line: int, begins: Sequence[float], replays: list[Replay]) -> None:
    start = time.monotonic()
    for at, moment in enumerate(begins):
        time.sleep(max(start + moment - time.monotonic(), 0.0))
        replays.append(Replay(source, logs / f"collapse-{at:02}", BREAKS_SECONDS / line, line))


def _kill(programs: Programs, size: Size, chance: random.Random, note: Callable[[str], object]) -> None:
    start = time.monotonic()
    moments = sorted(chance.uniform(BREAKS_SECONDS, BREAKS_SECONDS + size.seconds) for _ in range(size.kills))
    for moment in moments:
        name = chance.choice(list(programs.all))
        away = chance.uniform(0.0, 8.0)
        time.sleep(max(start + moment - time.monotonic(), 0.0))
        note(f"{time.monotonic() - start:.1f} s: {name} is killed, and away for {away:.1f} s")
        programs.all[name].crash(partial(time.sleep, away))


def _titles(one: Bot) -> list[str]:
    return [card.title.strip("*") for card in one.cards]


def _count(one: Bot, runs: Sequence[str], marks: tuple[str, ...]) -> int:
    """Of how many runs the bot has such a card."""
    titles = [title for title in _titles(one) if title.startswith(marks)]
    return sum(any(title.endswith((f": {run}", f"\uff1a{run}")) for title in titles) for run in runs)


def judged(bots: Mapping[str, Bot], runs: Sequence[str]) -> list[str]:
    """What is wrong: a line for each card that is missing, came twice, or belongs to no collapse."""
    wrong = []
    for kind, one in bots.items():
        found = Counter(_titles(one))
        for run in runs:
            for what, marks in (("incident", INCIDENT), ("over", OVER)):
                cards = [title for title in found.elements() if title.startswith(marks)]
                count = sum(title.endswith((f": {run}", f"\uff1a{run}")) for title in cards)
                if count != 1:
                    wrong.append(f"{kind}: {run}: {what}: {count} times")
        others = [
            title for title in found.elements() if not title.endswith(tuple(f": {run}" for run in runs))
        ]
        wrong += [f"{kind}: another card: {title}" for title in others]
    return wrong


def main() -> int:
    """Run it once; see the module."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--newer", type=Path, help="a folder with prometheus and prometheus-alertmanager")
    options.add_argument("--collapses", type=int, default=Size.collapses)
    options.add_argument("--kills", type=int, default=Size.kills)
    options.add_argument("--seconds", type=float, default=Size.seconds)
    given = options.parse_args()

    def binary(name: str) -> str | Path:
        program = "prometheus-alertmanager" if name == "alertmanager" else name
        return given.newer / program if given.newer else program

    size = Size(given.collapses, given.kills, given.seconds)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bots = {kind: stack.enter_context(bot(kind)) for kind in KINDS}
        runs = storm(Path(folder), bots, binary, size, random.Random(given.seed), partial(print, flush=True))
        wrong = judged(bots, runs)
        for kind, one in bots.items():
            for card in one.cards:
                print(f"{kind} {card.at:.1f} {card.title}")
    print(
        f"{len(runs)} collapses, {size.kills} kills, {len(KINDS)} bots: {len(wrong)} wrong", *wrong, sep="\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
