"""Two Prometheus that share the exporters, as docs/sharding configures them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from benchmarks.fleet_targets import address, instance
from tests.servers import Prometheus, Server, eventually, free_port

Tool = Callable[[str], Path]

ROOT = Path(__file__).resolve().parent.parent
SHARDS = sorted((ROOT / "docs/sharding").glob("*.yml"))
TARGETS = 12


@pytest.fixture(scope="module")
def exporters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A dozen exporters in one program, and the file that names them."""
    port = free_port()
    program = [sys.executable, "-m", "benchmarks.fleet_targets", "--port", port, "--targets", TARGETS]
    server = Server([*map(str, program), "--runs", "1", "--seconds", "60"], port)
    server.url = f"http://{address(0)}:{port}"
    groups = [
        {"targets": [f"{address(number)}:{port}"], "labels": {"instance": instance(number)}}
        for number in range(TARGETS)
    ]
    with server:
        file = tmp_path_factory.mktemp("targets") / "all.yml"
        file.write_text(yaml.safe_dump(groups))
        yield file


def shard(path: Path, targets: Path, folder: Path, binary: Path) -> Prometheus:
    """A Prometheus as the file says, which finds the rules and the exporters of this test, each second."""
    config = yaml.safe_load(path.read_text())
    config["rule_files"] = [str(ROOT / "alerts/rules/*.yml")]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [job] = config["scrape_configs"]
    job["scrape_timeout"] = "1s"
    job["file_sd_configs"] = [{"files": [str(targets)]}]
    del config["alerting"]
    folder.mkdir()
    server = Prometheus(folder, "127.0.0.1:1", binary=binary)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return server


@pytest.mark.parametrize("tool", ["promtool", "promtool3"])
@pytest.mark.parametrize("path", SHARDS, ids=lambda path: path.stem)
def test_prometheus_takes_the_configuration(real_tool: Tool, tool: str, path: Path) -> None:
    """Of both versions."""
    command = [str(real_tool(tool)), "check", "config", "--syntax-only", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_files_differ_in_their_number_alone() -> None:
    """Each shard has the number of its file, of as many as there are files."""
    texts = [path.read_text() for path in SHARDS]
    assert [text.count(f'regex: "{number}"') for number, text in enumerate(texts)] == [1] * len(texts)
    assert all(f"modulus: {len(SHARDS)}" in text for text in texts)
    assert len({text.replace(f'"{n}"', "").replace(f"number {n}", "") for n, text in enumerate(texts)}) == 1


@pytest.mark.parametrize("tool", ["prometheus", "prometheus3"])
def test_each_exporter_is_scraped_by_exactly_one(
    real_tool: Tool, tool: str, exporters: Path, tmp_path: Path
) -> None:
    """Together they have all of them, none twice, and neither is idle; rules count what is there."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(shard(path, exporters, tmp_path / path.stem, real_tool(tool)))
            for path in SHARDS
        ]
        eventually(
            lambda: (
                sum(len(server.query("instance:llmtrain_records:rate5m")) for server in servers) == TARGETS
            )
        )
        scraped = [{one["metric"]["instance"] for one in server.query("up")} for server in servers]
    assert all(scraped)
    assert sorted(name for names in scraped for name in names) == [
        instance(number) for number in range(TARGETS)
    ]
