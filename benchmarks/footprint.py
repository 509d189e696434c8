"""What an installation weighs, and how soon a command answers."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import generate
from benchmarks.bench import Bench
from benchmarks.measure import ROOT, ContestantError, interleave, run
from benchmarks.report import Row, Table, Target, ratio

EXTRAS = ("", "report", "all")
"""In this order, each installed on top of the one before; the first is a plain installation."""

LIGHT = Target(40.0, at_most=True)  # MB
QUICK_IMPORT = Target(6.5, at_most=True)  # starts of an empty interpreter: 60 ms where that takes 9.2
PROCESSES = 5  # a round

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")
PROGRAM = (sys.executable, "-m", "llmtrain_exporter")
ANALYSIS = (sys.executable, "-c", "import llmtrain_exporter.analyse.run")
UNIT = "ms of a core"
INTERPRETER = "floor: an empty interpreter"
IMPORT = "import of the analysis"
IMPORT_FROM_SOURCE = "import of the analysis, without byte code"
HEALTHY, WATCH, BROKEN = range(3)  # exit codes of check; one line is no evidence of anything


@dataclass(frozen=True, slots=True)
class Weight:
    """Of what stands in site-packages: the size of all files, and how many packages there are beside ours."""

    bytes: int
    packages: int


def measure(bench: Bench) -> tuple[Table, ...]:
    """The tables of sizes and of starts."""
    return sizes(bench), starts(bench)


def copy_source(folder: Path) -> Path:
    """A copy of what the package is built from: a build leaves files behind."""
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, folder)
    leftovers = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "exporter", folder / "exporter", ignore=leftovers)
    return folder


def sizes(bench: Bench) -> Table:
    """What a plain installation and those with extras weigh."""
    title = "installed into an empty environment"
    try:
        weights = install(bench.folder / "installation")
    except ContestantError as error:
        missing = tuple(Row(_name(extra), None, "MB") for extra in EXTRAS)
        return Table(title, missing, (f"Needs pip and a package index: {error}",))
    rows: list[Row] = []
    for extra, weight in weights.items():
        rows.append(Row(_name(extra), weight.bytes / 1e6, "MB", target=None if extra else LIGHT))
        rows.append(Row(f"{_name(extra)}, beside it", weight.packages, "packages"))
    return Table(title, tuple(rows), ("Sizes of all files in site-packages, byte code included.",))


def _name(extra: str) -> str:
    return f"llmtrain-exporter[{extra}]" if extra else "llmtrain-exporter"


def install(folder: Path) -> Mapping[str, Weight]:
    """Installs the package with each of EXTRAS into a fresh environment below `folder`; what each weighs.

    Raises ContestantError where pip is missing or cannot get what it needs.
    """
    folder.mkdir()
    environment = folder / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    (folder / "source").mkdir()
    source = copy_source(folder / "source")
    weights = {}
    for extra in EXTRAS:
        wanted = f"{source}[{extra}]" if extra else str(source)
        pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
        run([*pip, "install", "--quiet", "--disable-pip-version-check", "--compile", wanted])
        weights[extra] = _weighed(environment)
    return weights


def _weighed(environment: Path) -> Weight:
    [packages] = environment.glob("lib/python3*/site-packages")
    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    return Weight(size, len(list(packages.glob("*.dist-info"))) - 1)


def starts(bench: Bench) -> Table:
    """What the processor does from the start of a program to its end."""
    log = bench.folder / "one-line" / "logging.jsonl"
    log.parent.mkdir()
    log.write_text(next(generate.rows(1)) + "\n", encoding="utf-8")
    installed, checkout = _copies(bench.folder)
    todo: dict[str, tuple[tuple[str, ...], Path]] = {
        INTERPRETER: ((sys.executable, "-c", ""), installed),
        IMPORT: (ANALYSIS, installed),
        IMPORT_FROM_SOURCE: (ANALYSIS, checkout),
        "--help": ((*PROGRAM, "--help"), installed),
        "serve --help": ((*PROGRAM, "serve", "--help"), installed),
        "check, a log of one line": ((*PROGRAM, "check", str(log)), installed),
    }
    contestants = {who: lambda start=start: _cpu(*start) for who, start in todo.items()}
    found = interleave(contestants, bench.sizes.rounds * PROCESSES)
    floor, targets = found.pop(INTERPRETER), {IMPORT: QUICK_IMPORT}
    rows = (
        Row(INTERPRETER, floor, UNIT),
        *(Row(who, cpu, UNIT, ratio(cpu, floor), targets.get(who)) for who, cpu in found.items()),
    )
    notes = ("Ratio: to the empty interpreter, whose start is part of each.",)
    return Table("start to end of a fresh process", rows, notes)


def _copies(folder: Path) -> tuple[Path, Path]:
    """The source with byte code, as an installation has it, and without, as a checkout that keeps none."""
    copies = folder / "installed", folder / "checkout"
    for copy in copies:
        copy.mkdir()
        copy_source(copy)
    run([sys.executable, "-m", "compileall", "-q", str(copies[0])], {"PYTHONPYCACHEPREFIX": ""})
    return copies


def _cpu(command: tuple[str, ...], copy: Path) -> float:
    """Processor time in ms of a whole process that runs a copy of the source."""
    env = {"PYTHONPATH": str(copy / "exporter"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": ""}
    return run(command, env, accept=(HEALTHY, WATCH, BROKEN)).cpu * 1000
