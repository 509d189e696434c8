"""What docker-compose.yml starts, as programs of this machine: the shipped files under other addresses."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, repeat
from pathlib import Path

import yaml
from llmtrain_exporter.analyse.run import RunOptions
from llmtrain_exporter.ingest import discover
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.model import Snapshot
from llmtrain_exporter.publish.replay import Manner, Pace, replay
from llmtrain_exporter.watching.on_demand import read_log

from tests.progress import Progress
from tests.servers import Alertmanager, ExporterProcess, Server, free_port

ROOT = Path(__file__).resolve().parent.parent
ALERTS = ROOT / "alerts"
FAST_SECONDS = 0.3


class Stack:
    """Exporter, Prometheus, Alertmanager and relay, each to be killed and started again.

    `bots` is the list of bots as relay.yml has it.
    """

    def __init__(
        self,
        folder: Path,
        logs: Path,
        bots: Sequence[Mapping[str, object]],
        find: Callable[[str], Path],
        version: str,
    ) -> None:
        """`version`: "" for the installed programs, "3" for the newer ones."""
        folder.mkdir(parents=True)
        self.exporter: Server = ExporterProcess([logs, "--stdout-log", "*.log"])
        port = free_port()
        config = folder / "relay.yml"
        token = folder / "relay_token"
        token.write_text(32 * "t")
        webhook = {"token_file": str(token)}
        config.write_text(
            yaml.safe_dump({"exporters": [self.exporter.url], "bots": [*bots], "webhook": webhook})
        )
        relay: list[str | Path] = [
            sys.executable,
            "-m",
            "llmtrain_exporter",
            "relay",
            "--config",
            config,
            "--listen",
            f"127.0.0.1:{port}",
        ]
        self.relay = Server(relay, port)
        addresses = {
            "relay:9849": self.relay.address,
            "exporter:9848": self.exporter.address,
            "/run/relay-token/token": str(token),
        }
        shipped = with_addresses(ALERTS / "alertmanager.yml", addresses, folder)
        shutil.copytree(ALERTS / "templates", folder / "templates")
        self.alertmanager: Server = Alertmanager(folder, shipped, binary=find(f"alertmanager{version}"))
        port = free_port()
        addresses |= {"alertmanager:9093": self.alertmanager.address, "localhost:9090": f"127.0.0.1:{port}"}
        shutil.copytree(ALERTS / "rules", folder / "rules")
        prometheus: list[str | Path] = [
            find(f"prometheus{version}"),
            f"--config.file={with_addresses(ALERTS / 'prometheus.yml', addresses, folder)}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        self.prometheus = Server(prometheus, port)
        self._block = ExitStack()

    def __enter__(self) -> Stack:
        for server in (self.exporter, self.relay, self.alertmanager, self.prometheus):
            self._block.enter_context(server)
        return self

    def __exit__(self, *raised: object) -> None:
        self._block.__exit__(*raised)  # type: ignore[arg-type]


def with_addresses(shipped: Path, addresses: Mapping[str, str], folder: Path) -> Path:
    """A shipped configuration with the addresses of this machine in place of those of the compose project."""
    text = shipped.read_text()
    for name, address in addresses.items():
        text = text.replace(name, address)
    (folder / shipped.name).write_text(text)
    return folder / shipped.name


class Replay:
    """A log that is written once more, in a thread; `written` has the Unix time of each line.

    The first `slow` lines are `interval` seconds apart, the second one comes so much later as `pause` says,
    and those behind them come fast.
    """

    def __init__(self, source: Path, folder: Path, interval: float, slow: int, pause: float = 0.0) -> None:
        self.source = source
        self.run = folder.name if source.suffix == ".jsonl" else f"{folder.name}/{source.stem}"
        self.written: list[float] = []
        self.progress = Progress()
        self._folder = folder
        self._pace = _Strides(
            self._note, chain((interval + pause,), repeat(interval, slow - 2), repeat(FAST_SECONDS))
        )
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until the last line is written."""
        self._thread.join()

    def wait_for(self, line: int) -> float:
        """Until that line, counted from 1, is written; when that was."""
        assert self.progress.reach(line), f"{self.source} has fewer than {line} lines"
        return self.written[line - 1]

    def _write(self) -> None:
        try:
            for _ in replay(self.source, self._folder, Manner(), self._pace):
                pass
        finally:
            self.progress.end()

    def _note(self) -> None:
        self.written.append(time.time())
        self.progress.step()


class _Strides(Pace):
    """A trainer's pace: so long from each line to the next one. `written` is called after each line."""

    def __init__(self, written: Callable[[], None], intervals: Iterator[float]) -> None:
        super().__init__(1.0)
        self._written = written
        self._intervals = intervals

    def wait(self, _share: float = 1.0) -> None:
        """Wait for as long as this line takes."""
        self._written()
        super().wait(next(self._intervals))


def breaks_at(source: Path, scratch: Path) -> int:
    """The line of a log, counted from 1, with which its first incident begins."""
    lines = source.read_bytes().splitlines(keepends=True)
    scratch.mkdir()
    if (source.parent / "args.json").exists():
        shutil.copy(source.parent / "args.json", scratch)
    log = scratch / source.name
    options = discover.SearchOptions(stdout_log=("*.log",))
    for count in range(1, len(lines) + 1):
        log.write_bytes(b"".join(lines[:count]))
        (found,) = discover.discover([str(log)], options, time.time()).found
        snapshot = read_log(found, RunOptions(), Readers(None), time.time())
        if isinstance(snapshot, Snapshot) and snapshot.incidents:
            return count
    raise AssertionError(f"{source} has no incident")
