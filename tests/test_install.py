"""An installation: what the wheel holds, that it runs beside anything, and what a plain one lacks."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from llmtrain_exporter import __version__
from llmtrain_exporter.notify.chart import drawn
from llmtrain_exporter.publish import demo

from benchmarks.footprint import copy_source
from tests.bots import bot
from tests.conftest import leave_out
from tests.relaying import STORY, RelayProcess, alert, group
from tests.servers import HANGS_SECONDS, ExporterProcess, eventually

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "exporter" / "llmtrain_exporter"
OLDEST_SETUPTOOLS = 77
HEALTHY = demo.BUNDLED / demo.HEALTHY / demo.LOG
EXTRA = ("matplotlib", "pandas", "numpy")
INSTALL = "pip install 'llmtrain-exporter[report]'"
DECOY = "raise SystemExit('the decoy was imported')\n"


@dataclass(frozen=True)
class Installation:
    """A virtual environment in which the wheel is installed; its dependencies are those of the tests."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def program(self) -> Path:
        return self.folder / "bin" / "llmtrain-exporter"

    def run(self, *command: str | Path, beside: Path) -> str:
        """What a command prints in a folder that is on Python's path too; a failure fails the test."""
        answer = subprocess.run(
            command,
            cwd=beside,
            env={**os.environ, "PYTHONPATH": str(beside)},
            capture_output=True,
            text=True,
            timeout=HANGS_SECONDS,
            check=False,
        )
        assert (answer.returncode, answer.stderr) == (0, ""), command
        return answer.stdout


def pip(*arguments: str | Path, python: Path = Path(sys.executable)) -> None:
    """Runs pip for a Python, without a network."""
    command = [sys.executable, "-m", "pip", "--python", str(python), *map(str, arguments), "--quiet"]
    without_notices = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    answer = subprocess.run(command, env=without_notices, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def can_build() -> bool:
    """Whether pip and the build backend of pyproject.toml are installed beside the tests."""
    try:
        setuptools = int(version("setuptools").split(".")[0])
    except PackageNotFoundError:
        return False
    return setuptools >= OLDEST_SETUPTOOLS and find_spec("pip") is not None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source, built from a copy so that nothing is left here."""
    if not can_build():
        leave_out("needs pip and setuptools to build the wheel: pip install -e '.[test]'")
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, copy_source(source))
    [found] = built.iterdir()
    return found


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel in an environment of its own."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    made = Installation(folder)
    pip("install", "--no-deps", wheel, python=made.python)
    [packages] = folder.glob("lib/python3*/site-packages")
    # Folders in a .pth file come last, and their own .pth files are not read: no editable install gets in.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return made


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every file below the import package is in it, pages and demo logs too; beside it only the metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    metadata = f"llmtrain_exporter-{__version__}.dist-info"
    files = [path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {name.split("/")[0] for name in names} == {SOURCE.name, metadata}
    assert sorted(name for name in names if not name.startswith(metadata)) == sorted(
        str(path.relative_to(SOURCE.parent)) for path in files
    )


@pytest.mark.parametrize("module", ["__init__.py", "cli.py"], ids=["package", "folder"])
def test_the_program_runs_beside_a_folder_called_exporter(
    installation: Installation, module: str, tmp_path: Path
) -> None:
    """Neither a package of that name in the current folder and on the path takes its place, nor a folder."""
    (tmp_path / "exporter").mkdir()
    (tmp_path / "exporter" / module).write_text(DECOY)
    python, program = installation.python, installation.program
    assert installation.run(program, "--version", beside=tmp_path) == f"llmtrain-exporter {__version__}\n"
    where = "import llmtrain_exporter; print(llmtrain_exporter.__file__)"
    assert Path(installation.run(python, "-c", where, beside=tmp_path)).is_relative_to(installation.folder)
    assert "healthy" in installation.run(python, "-m", "llmtrain_exporter", "check", HEALTHY, beside=tmp_path)


def test_a_machine_is_set_up_from_the_wheel_alone(installation: Installation, tmp_path: Path) -> None:
    """Templates, rules and dashboards are in it, and run.sh starts the program that wrote it."""
    said = installation.run(installation.program, "setup", "watch", "--logs", ".", "--yes", beside=tmp_path)
    assert f"{tmp_path}/watch/run.sh" in said
    assert f"first {installation.program} " in (tmp_path / "watch" / "run.sh").read_text()
    assert {"rules", "grafana", "secrets", "systemd"} <= {
        path.name for path in (tmp_path / "watch").iterdir()
    }


def test_a_release_is_what_is_checked_and_has_no_token() -> None:
    """It builds and checks as CI does, and only the job that publishes may prove who it is."""
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    build, publish = release["jobs"]["build"], release["jobs"]["publish"]
    checked = (ROOT / ".ci" / "run").read_text()
    assert [line for line in ("-m build", "-m twine check --strict") if line not in checked] == []
    commands = [step["run"] for step in build["steps"] if "run" in step]
    assert commands[1:3] == ["python -m build", "python -m twine check --strict dist/*"]
    assert (release["permissions"], build["permissions"]) == ({}, {"contents": "read"})
    assert (publish["permissions"], publish["needs"]) == ({"id-token": "write"}, "build")
    assert "secrets." not in str(release)


def lacking(folder: Path, *libraries: str) -> dict[str, str]:
    """Variables for a program that is to find these libraries not installed; `folder` is for its use."""
    text = f"import sys\nsys.modules.update(dict.fromkeys({libraries!r}))\n"
    (folder / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


def llmtrain(env: Mapping[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program of this checkout, to its end."""
    command = [sys.executable, "-m", "llmtrain_exporter", *map(str, arguments)]
    return subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
    )


@pytest.mark.parametrize(
    ("missing", "named"),
    [(EXTRA, "pandas and matplotlib"), (["matplotlib"], "matplotlib"), (["pandas", "numpy"], "pandas")],
    ids=["both", "matplotlib", "pandas"],
)
def test_a_report_without_its_libraries_says_how_to_get_them(
    tmp_path: Path, missing: Sequence[str], named: str
) -> None:
    """One line, nothing was written, and the exit code is no verdict."""
    report = tmp_path / "report.html"
    answer = llmtrain(lacking(tmp_path, *missing), "report", HEALTHY, "-o", report)
    line = f"Error: report needs {named}: pip install 'llmtrain-exporter[report]'\n"
    assert (answer.returncode, answer.stdout, answer.stderr) == (3, "", line)
    assert not report.exists()


def test_the_relay_without_matplotlib_says_once_that_cards_have_no_charts(tmp_path: Path) -> None:
    """It starts, says so in its log, and its help says what to install; a drawing is left out in silence."""
    env = lacking(tmp_path, "matplotlib")
    with RelayProcess(env={**env, "LLMTRAIN_RELAY_EXPORTERS": "http://127.0.0.1:9"}) as relay:
        assert relay.post(group(alert())).status_code == 200
        log = eventually(lambda: "Card, and no bot" in relay.log and relay.log)
    assert log.count("matplotlib") == 1
    assert f"Cards have no charts without matplotlib: {INSTALL}" in log
    shown = " ".join(llmtrain(env, "relay", "--help").stdout.split())
    assert f"a chart, where matplotlib is installed: {INSTALL}" in shown


def test_a_sample_without_matplotlib_is_a_card_without_a_chart(tmp_path: Path) -> None:
    """Every bot takes it; why there is no picture stands beside it."""
    with bot("discord") as one:
        answer = llmtrain({**lacking(tmp_path, "matplotlib"), **one.variables}, "relay", "--test")
        assert [message.picture for message in one.accepted] == [None]
    assert answer.returncode == 0
    assert answer.stderr == f"Cards have no charts without matplotlib: {INSTALL}\n"


def test_a_chart_without_matplotlib_is_left_out_in_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No word for each card, and no exporter is asked for values that nobody draws."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    asked: list[object] = []
    assert drawn(STORY, lambda **question: asked.append(question)) is None
    assert (asked, caplog.records) == ([], [])


@pytest.mark.parametrize("command", [("check",), ("check", "--format", "json"), ("watch",)], ids=" ".join)
def test_a_log_is_judged_without_the_extras(tmp_path: Path, command: tuple[str, ...]) -> None:
    """What needs no report needs none of its libraries."""
    answer = llmtrain(lacking(tmp_path, *EXTRA), *command, HEALTHY)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_pages_are_served_without_the_extras(tmp_path: Path) -> None:
    """A run's page draws its charts in the browser, and its history is read without pandas."""
    with ExporterProcess([HEALTHY.parent], lacking(tmp_path, *EXTRA)) as exporter:
        [run] = [each["run"] for each in exporter.get("/api/v1/runs").json()["runs"]]
        for path in ("/", "/run", "/api/v1/run", "/api/v1/history", "/metrics"):
            assert exporter.get(path, params={"run": run}).status_code == 200
