"""The READMEs show what the program really does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from llmtrain_exporter.cli import commands

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh.md")
SHELLS = ("bash", "zsh", "fish")


def _shown(text: str) -> tuple[list[str], int, list[str]]:
    """The first command of a README, how many of its last lines are shown, and these."""
    block = re.search(
        r"```console\n\$ llmtrain-exporter ([^|\n]*)\| tail -n (\d+)\n(.*?)```", text, re.DOTALL
    )
    assert block is not None
    return block[1].split(), int(block[2]), block[3].splitlines()


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_first_output_is_real(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first screen shows is what that command line prints, whole."""
    command, last, expected = _shown((ROOT / name).read_text(encoding="utf-8"))
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert CliRunner().invoke(commands, command).output.splitlines()[-last:] == expected


def test_both_readmes_show_the_same() -> None:
    """The same commands in the same order, but for the language; the same settings, pictures and parts."""
    shapes = []
    for name in READMES:
        text = (ROOT / name).read_text(encoding="utf-8")
        typed = re.findall(r"^\$ (.*?)(?: +#.*| +\| tail.*)?$", text, re.MULTILINE)
        pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
        shapes.append(
            (
                [re.sub(" --lang zh|LLMTRAIN_RELAY_LANG=zh ", "", line) for line in typed],
                [path.replace(".zh.png", ".png") for path in pictures],
                len(re.findall(r"^#+ ", text, re.MULTILINE)),
            )
        )
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", READMES)
def test_badges_say_what_the_package_says(name: str) -> None:
    """The oldest Python and the licence are those of pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [python] = re.findall(r'requires-python = ">=(.*)"', project)
    [licence] = re.findall(r'^license = "(.*)"', project, re.MULTILINE)
    badges = re.findall(r"img\.shields\.io/badge/([^)]*)-blue\)", (ROOT / name).read_text(encoding="utf-8"))
    assert badges == [f"python-{python}%2B", f"licence-{licence.replace('-', '--')}"]


@pytest.mark.parametrize("name", READMES)
def test_trainers_are_set_up_as_the_sources_say(name: str) -> None:
    """Each trainer of the first screens has the command and the folder that docs/sources.md has of it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    sources = (ROOT / "docs" / name.replace("README", "sources")).read_text(encoding="utf-8")
    blocks = re.findall(r"^\*\*.*\n\n```console\n\$ (.*)\n\$ (.*)\n\$ (.*)\n```", text, re.MULTILINE)
    assert len(blocks) == 4
    known = re.findall(r"^\$ (.*?)(?: +#.*)?\n\$ (.*?)(?: +#.*)?\n", sources, re.MULTILINE)
    for training, served, checked in blocks:
        assert (re.sub(" +#.*", "", training), served) in known
        assert checked.split()[:3] == ["llmtrain-exporter", "check", served.split()[-1]]


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_is_taught_as_shown(name: str, shell: str) -> None:
    """The line that a README has for a shell prints what this completes with, and `se` becomes a command."""
    lines = [
        line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if f"={shell}_source" in line
    ]
    [variable] = {match for line in lines for match in re.findall(r"(_\w+_COMPLETE)=", line)}
    printed = CliRunner().invoke(
        commands, [], prog_name="llmtrain-exporter", env={variable: f"{shell}_source"}
    )
    assert (len(lines), printed.exit_code) == (1, 0)
    assert "_llmtrain_exporter_completion" in printed.output
    asked = {variable: f"{shell}_complete", "COMP_WORDS": "llmtrain-exporter se", "COMP_CWORD": "1"}
    completed = CliRunner().invoke(
        commands,
        [],
        prog_name="llmtrain-exporter",
        env=asked | ({"COMP_CWORD": "se"} if shell == "fish" else {}),
    )
    assert {"serve", "setup"} <= set(re.findall(r"\w+", completed.output))


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "benchmarks/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link of a README is a file of the project."""
    page = ROOT / name
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_settings_shown_are_in_order(name: str, tmp_path: Path) -> None:
    """Every YAML example is a file of settings that the program takes."""
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        file = tmp_path / "llmtrain.yml"
        file.write_text(example, encoding="utf-8")
        result = CliRunner().invoke(commands, ["config", "--check", str(file)])
        assert result.exit_code == 0, result.output
