"""The READMEs show what the program really does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from llmtrain_exporter.cli import commands

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = "[...]"


def _shown(text: str) -> tuple[list[str], list[str]]:
    """The first command of a README with its output, line by line."""
    block = re.search(r"```console\n\$ llmtrain-exporter ([^\n]*)\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return block[1].split(), [line for line in block[2].splitlines() if line.strip() != LEFT_OUT]


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_first_output_is_real(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that the first screen shows is printed by that command, in that order."""
    command, expected = _shown((ROOT / name).read_text(encoding="utf-8"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    printed = iter(CliRunner().invoke(commands, command).output.splitlines())
    assert [line for line in expected if line not in printed] == []


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
