"""The house keeps its own rules: which way imports point, what a start loads, what source may not hold."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.project import dependencies, extras

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "exporter"
PACKAGE = "llmtrain_exporter"

JUDGING = {"knowledge", "model", "printable", "ingest", "analyse"}
# A room is a folder or a module right below the package; it may import itself and these.
MAY_IMPORT: dict[str, set[str]] = {
    "knowledge": set(),
    "logs": {"printable"},
    "output_file": set(),
    "own_database": set(),
    "printable": set(),
    "progress_line": set(),
    "model": {"knowledge"},
    "config": {"knowledge", "model", "printable"},
    "ingest": {"knowledge", "model", "printable"},
    "analyse": {"knowledge", "model", "printable"},
    "story": {"knowledge", "model", "printable", "analyse"},
    "write": {"knowledge", "printable", "story"},
    "watching": {*JUDGING, "config", "story"},
    "push": {*JUDGING, "output_file", "own_database", "progress_line", "config", "story", "watching"},
    "draw": {"knowledge", "model", "printable", "analyse"},
    "web": {"config", "printable"},
    "serve": {*JUDGING, "own_database", "config", "story", "write", "watching", "push", "web"},
    "notify": {"knowledge", "model", "printable", "logs", "own_database", "config", "story", "web", "draw"},
    "publish": {*JUDGING, "output_file", "progress_line", "config", "story", "write", "watching", "draw"},
    "guard": {*JUDGING, "output_file", "config", "story", "watching"},
    "bundle": {"knowledge"},
    "setup": {"knowledge", "output_file", "config", "notify", "bundle"},
}
EVERYTHING = {"cli", "__main__"}
ANALYSIS = ("knowledge", "model", "analyse")
ANALYSIS_NEEDS = {"orjson"}
FOR_PEOPLE = re.compile(r"words|\.(alerting|meanings|checklists|validation)\b")
"""Modules of the knowledge that the analysis has no use for."""

BROUGHT_ALONG = {"pydantic-core": "pydantic", "numpy": "pandas", "markupsafe": "jinja2"}
"""Libraries that are imported and that another one pins to what it works with."""

LOADED_LATE = ("numpy", "pandas", "requests", "starlette", "uvicorn")

SLEEPING_LIBRARIES = ("time", "anyio", "asyncio", "trio")
MAY_SLEEP = {
    "servers.py: eventually": "asks a program that is running, and which cannot tell by itself",
    "tracker_lab.py: main": "plays a trainer, in a program of its own",
    "verl_lab.py: main": "plays verl, in a program of its own",
}
"""Functions of the tests that sleep, and why they must."""

TWICE = {
    *("Answer", "BasicAuth", "Batch", "Configured", "Judgement"),
    *("Outcome", "Part", "Place", "Unread", "Verdict"),
}
"""Names of which there were two classes before there was a rule."""

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root)/")
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|X{3})\b")
SOURCE_SUFFIXES = {"", ".py", ".sh", ".md", ".toml", ".yml", ".yaml", ".html", ".css", ".js", ".tmpl"}


@dataclass(frozen=True)
class Import:
    """One imported module, by its absolute dotted name; `late` in a function and for type checkers."""

    module: str
    late: bool


@dataclass(frozen=True)
class Source:
    """One module of the package: its place, its dotted name and its syntax tree."""

    path: Path
    module: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return room_of(self.module)


def room_of(module: str) -> str:
    """The room that a dotted name lies in; empty for the package itself, which holds only the version."""
    return module.split(".")[1] if "." in module else ""


def sources(root: Path) -> list[Source]:
    """Every module of the package below `root`."""
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found.append(Source(path, ".".join(parts), ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imports(source: Source) -> Iterator[Import]:
    """All imports of a module, those for type checkers included; `from a import b` counts as `a.b`."""
    yield from _imports_in(source.tree, source, late=False)


def _imports_in(node: ast.AST, source: Source, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, late) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, source)
            yield from (Import(f"{base}.{alias.name}", late) for alias in child.names)
        else:
            yield from _imports_in(child, source, late or _is_late(child))


def _is_late(node: ast.AST) -> bool:
    """Whether what stands below is not run when the module is loaded."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _absolute(node: ast.ImportFrom, source: Source) -> str:
    if not node.level:
        return node.module or ""
    package = source.module.split(".")
    if source.path.name != "__init__.py":
        package = package[:-1]
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def wrong_directions(root: Path) -> list[str]:
    """Each import of the package that points against the direction of the house, as `file imports module`."""
    rooms = {source.room for source in sources(root)}
    return [
        f"{source.path.relative_to(root)} imports {imported.module}"
        for source in sources(root)
        if source.room not in EVERYTHING
        for imported in imports(source)
        if imported.module.split(".")[0] == PACKAGE
        and room_of(imported.module) in rooms - {source.room} - MAY_IMPORT.get(source.room, set())
    ]


def undeclared(root: Path) -> list[str]:
    """Each import of a library that pyproject.toml does not ask for, as `file imports library`.

    What only an extra brings may be imported in functions alone, and for type checkers.
    """
    known = packages_distributions()
    base = {canonicalize_name(each.name) for each in dependencies()}
    more = {canonicalize_name(each.name) for wanted in extras().values() for each in wanted}
    found = []
    for source in sources(root):
        for imported in imports(source):
            top = imported.module.split(".")[0]
            if top in sys.stdlib_module_names or top == PACKAGE:
                continue
            library: str = canonicalize_name(known.get(top, [top])[0])
            library = BROUGHT_ALONG.get(library, library)
            if library not in (base | more if imported.late else base):
                found.append(f"{source.path.relative_to(root)} imports {library}")
    return found


def source_files() -> list[Path]:
    """What people wrote and version control holds, or would hold; recorded data is not among it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no telling what is source")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = [ROOT / name for name in names if Path(name).suffix in SOURCE_SUFFIXES and name != "LICENSE"]
    return [path for path in found if path.is_file()]


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """The lines of those files in which the pattern is found, as `file:line: text`."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def made_up(root: Path, files: dict[str, str]) -> Path:
    """A small package below `root` with these files, to see the checkers fail."""
    for name, text in files.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_imports_never_point_back() -> None:
    """Data flows from knowledge to the command line, and no module imports a room that lies behind it."""
    assert wrong_directions(SOURCE) == []


def test_every_room_has_its_place_in_the_house() -> None:
    """A new folder or module below the package is entered in the table of directions."""
    rooms = {source.room for source in sources(SOURCE)} - {""}
    assert rooms - EVERYTHING - set(MAY_IMPORT) == set()


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("knowledge/a.py", "from llmtrain_exporter.model import Record"),
        ("knowledge/a.py", "import llmtrain_exporter.model"),
        ("knowledge/a.py", "from .. import model"),
        ("analyse/a.py", "from llmtrain_exporter import ingest"),
        ("analyse/a.py", "from ..ingest.follow import Follower"),
        ("analyse/__init__.py", "from ..ingest import follow"),
        ("analyse/a.py", "def f():\n    import llmtrain_exporter.ingest.follow"),
        ("serve/a.py", "if True:\n    from llmtrain_exporter.notify import a"),
        ("bundle/a.py", "from llmtrain_exporter.config import Settings"),
    ],
)
def test_an_import_that_points_back_is_found(tmp_path: Path, importer: str, statement: str) -> None:
    """The checker sees an import against the direction in each way that it can be written."""
    rooms = ("knowledge", "ingest", "analyse", "serve", "notify", "bundle")
    house = {"__init__.py": "", "model.py": "", "config.py": ""} | {
        f"{room}/__init__.py": "" for room in rooms
    }
    assert wrong_directions(made_up(tmp_path, house)) == []
    assert len(wrong_directions(made_up(tmp_path, {importer: statement}))) == 1


def test_an_import_along_the_direction_is_allowed(tmp_path: Path) -> None:
    """The checker has nothing to say about neighbours, rooms further left, the version and other packages."""
    house = {
        "__init__.py": "__version__ = '1'",
        "knowledge/__init__.py": "",
        "knowledge/a.py": "from . import b\nfrom llmtrain_exporter.knowledge.b import C",
        "knowledge/b.py": "import math",
        "serve/__init__.py": "",
        "serve/a.py": "from llmtrain_exporter import x\nfrom ..knowledge import b\nimport starlette",
        "cli.py": "from llmtrain_exporter.serve import a",
    }
    assert wrong_directions(made_up(tmp_path, house)) == []


def test_every_library_that_is_imported_is_asked_for() -> None:
    """What a module needs to load stands in `dependencies`; what an extra brings is loaded by functions."""
    assert undeclared(SOURCE) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("import pandas as pd", True),
        ("if True:\n    from matplotlib.figure import Figure", True),
        ("def f():\n    from pandas import DataFrame", False),
        ("if TYPE_CHECKING:\n    from matplotlib.figure import Figure", False),
        ("import pytest", True),
        ("def f():\n    import no_such_library", True),
        ("import json, orjson, yaml\nfrom pydantic_core import to_json", False),
    ],
)
def test_a_library_that_is_not_asked_for_is_found(tmp_path: Path, text: str, wrong: bool) -> None:
    """The checker tells a plain installation's libraries from those of extras, and from all others."""
    assert bool(undeclared(made_up(tmp_path, {"publish/a.py": text}))) is wrong


def test_the_analysis_needs_no_library_but_one() -> None:
    """Whatever of knowledge, model and analyse is imported, by another program say, loads orjson at most."""
    names = [source.module for source in sources(SOURCE) if source.room in ANALYSIS]
    program = (
        "import importlib, sys\nbefore = set(sys.modules)\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "loaded = {name.split('.')[0] for name in sys.modules if name not in before}\n"
        "print(*sorted(loaded - sys.stdlib_module_names))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) - {PACKAGE} <= ANALYSIS_NEEDS


def test_the_analysis_loads_what_it_judges_by_and_no_words() -> None:
    """A program that only judges records waits for no sentence: beside the fold itself there are numbers."""
    program = "import sys, llmtrain_exporter.analyse.run; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = [name for name in answer.stdout.split() if name.startswith(f"{PACKAGE}.")]
    assert {room_of(name) for name in loaded} == set(ANALYSIS)
    assert [name for name in loaded if FOR_PEOPLE.search(name)] == []
    assert not {f"{PACKAGE}.knowledge.producer", f"{PACKAGE}.model.guarded"} & set(loaded)


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    """Importing the command line loads no library that only some commands need: --help answers at once."""
    loaded = f"[name for name in {LOADED_LATE!r} if name in sys.modules]"
    program = f"import sys, llmtrain_exporter.cli; print({loaded})"
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("[]", "")


def test_no_module_grows_beyond_400_lines() -> None:
    """A module that needs more than 400 lines is two modules."""
    lengths = {str(s.path.relative_to(ROOT)): len(s.path.read_text().splitlines()) for s in sources(SOURCE)}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def classes_of_one_name(root: Path) -> dict[str, list[str]]:
    """The public classes of the package that are called as another one is, and the modules of each."""
    modules: defaultdict[str, list[str]] = defaultdict(list)
    for source in sources(root):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(source.module)
    return {name: found for name, found in modules.items() if len(found) > 1}


def test_a_class_name_is_defined_once(tmp_path: Path) -> None:
    """Who reads it, or searches for it, need not ask which one is meant."""
    assert set(classes_of_one_name(SOURCE)) == TWICE
    made_up(tmp_path, {"a.py": "class A: ...\nclass _B: ...", "b.py": "class A: ...\nclass _B: ..."})
    assert classes_of_one_name(tmp_path) == {"A": [f"{PACKAGE}.a", f"{PACKAGE}.b"]}


def test_every_package_says_what_it_holds() -> None:
    """Each folder of the package that holds modules is a package whose docstring says what lives there."""
    folders = {source.path.parent for source in sources(SOURCE)}
    packages = [source for source in sources(SOURCE) if source.path.name == "__init__.py"]
    described = {package.path.parent for package in packages if ast.get_docstring(package.tree)}
    assert folders - described == set()


def test_every_public_function_and_class_has_a_docstring() -> None:
    """What other modules may use says what it is: each function and class without an underscore."""
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    silent = [
        f"{source.path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for source in sources(SOURCE)
        for node in source.tree.body
        if isinstance(node, named) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def silent_tests(folder: Path) -> list[str]:
    """Each test of a folder that states nothing: no `assert`, no pytest.raises, no `expect` of a page."""
    return [
        f"{path.name}: {node.name}"
        for path in sorted(folder.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not _states(node)
    ]


def _states(test: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr == "raises")
        or (isinstance(node, ast.Name) and node.id == "expect")
        for node in ast.walk(test)
    )


def test_every_test_states_something(tmp_path: Path) -> None:
    """A test that only runs code finds nothing but crashes, and a reader cannot see what it is for."""
    assert silent_tests(ROOT / "tests") == []
    stating = "def test_c():\n    assert f()\ndef test_d():\n    expect(f()).to_be_visible()\n"
    (tmp_path / "test_a.py").write_text(f"def test_b():\n    f()\n{stating}")
    assert silent_tests(tmp_path) == ["test_a.py: test_b"]


def sleepers(folder: Path) -> list[str]:
    """Each function of the Python files in a folder that sleeps instead of waiting for something."""
    return [
        f"{path.name}: {name}"
        for path in sorted(folder.glob("*.py"))
        for name in _sleeping_in(ast.parse(path.read_text(encoding="utf-8")), "")
    ]


def _sleeping_in(node: ast.AST, function: str) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        function = node.name
    if _is_sleep(node):
        yield function
    for child in ast.iter_child_nodes(node):
        yield from _sleeping_in(child, function)


def _is_sleep(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in SLEEPING_LIBRARIES and any(alias.name == "sleep" for alias in node.names)
    if not isinstance(node, ast.Attribute):
        return False
    library = isinstance(node.value, ast.Name) and node.value.id in SLEEPING_LIBRARIES
    return node.attr == "wait_for_timeout" or (node.attr == "sleep" and library)


def test_no_test_sleeps(tmp_path: Path) -> None:
    """A test that sleeps is slow on an idle machine and wrong on a busy one."""
    assert set(sleepers(ROOT / "tests")) == set(MAY_SLEEP)
    (tmp_path / "a.py").write_text(
        "import time\nfrom time import sleep\nWAIT = time.sleep\nasync def f():\n    await anyio.sleep(1)\n"
        "def g(page, clock):\n    page.wait_for_timeout(9)\n    clock.sleep(1)\n"
    )
    assert sleepers(tmp_path) == ["a.py: ", "a.py: ", "a.py: f", "a.py: g"]


def test_no_source_file_names_a_path_of_one_machine() -> None:
    """Nothing in the repository depends on, or tells of, the machine that it was written on."""
    assert lines_with(MACHINE_PATH, source_files()) == []


def test_nothing_is_marked_as_unfinished() -> None:
    """Work that is left is written down where work is planned, not in the source."""
    assert lines_with(UNFINISHED, source_files()) == []


def test_a_forbidden_word_is_found() -> None:
    """The patterns match what they are there for, and leave ordinary paths and words alone."""
    ordinary = "cd ~/work/ && ls data/root/ && mktemp XXXXXX  # to do"
    assert not MACHINE_PATH.search(ordinary)
    assert not UNFINISHED.search(ordinary)
    assert MACHINE_PATH.search("/".join(["open('", "root", "x')"]))
    assert UNFINISHED.search("# TO" + "DO later")


@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_a_missing_program_is_named_and_fails_only_where_it_is_required(
    tmp_path: Path, required: str, code: int
) -> None:
    """scripts/real-tools says in one line what is missing and how to get it; REQUIRE_REAL=1 fails."""
    for command in ("bash", "echo", "id", "sort", "xargs"):
        (tmp_path / command).symlink_to(shutil.which(command) or command)
    answer = subprocess.run(
        [tmp_path / "bash", ROOT / "scripts" / "real-tools", "amtool", "promtool"],
        env={"PATH": str(tmp_path), "REQUIRE_REAL": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == code
    assert len(answer.stderr.splitlines()) == 1
    assert "amtool, promtool" in answer.stderr
    assert "prometheus prometheus-alertmanager" in answer.stderr
