"""Each chat is one file: nothing else in the program names one, and what lists them lists all of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from llmtrain_exporter.cli import commands
from llmtrain_exporter.config.secrets import secret_keys
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.chat.descriptor import Chat
from llmtrain_exporter.notify.config.configure import variables
from llmtrain_exporter.notify.config.guide import own_settings
from llmtrain_exporter.notify.config.settings import RELAY

from tests.bots import KINDS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "exporter" / "llmtrain_exporter"
CHATS_FOLDER = PACKAGE / "notify" / "bots"


def test_no_other_code_names_a_chat() -> None:
    """What differs from chat to chat is asked of its descriptor, which is found because it is there."""
    names = {chat.name.en.split()[0] for chat in CHATS.values()}
    pattern = re.compile("|".join({*map(re.escape, names), *CHATS}), re.IGNORECASE)
    own = {CHATS_FOLDER / f"{kind}.py" for kind in CHATS}
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path not in own
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_every_file_of_the_folder_is_a_chat() -> None:
    """Under its own name, which is what settings, variables and files of secrets call it."""
    assert set(CHATS) == {path.stem for path in CHATS_FOLDER.glob("*.py")} - {"__init__"}
    assert [chat.kind for chat in CHATS.values()] == list(CHATS)


def test_every_chat_has_a_server_to_try_it() -> None:
    """And none has to be tried that is no more."""
    assert set(KINDS) == set(CHATS)


@pytest.mark.parametrize("kind", CHATS)
def test_a_chat_is_spared_a_little(kind: str) -> None:
    """The relay keeps below what a chat allows: other programs may write to the same bot."""
    allowed = {seconds: count for count, seconds in KINDS[kind](port=9).rates}
    assert all(rate.count <= allowed.get(rate.seconds, rate.count) for rate in CHATS[kind].rates)


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS)
@pytest.mark.parametrize("lang", Lang)
def test_every_chat_stands_in_the_documents(chat: Chat[Any], lang: Lang) -> None:
    """README and docs/compose name it; docs/chats has a line with all that a bot of it is told."""
    end = "" if lang is Lang.EN else f".{lang.value}"
    for name in (f"README{end}.md", f"docs/compose{end}.md"):
        assert chat.name.of(lang).split(" (")[0] in (ROOT / name).read_text(encoding="utf-8")
    text = (ROOT / f"docs/chats{end}.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {chat.name.of(lang)} |")]
    assert {f"`{chat.kind}_{key}`".upper() for key in own_settings(chat)} <= set(re.findall(r"`\w+`", row))
    assert {f"`{chat.kind}_{key}`" for key in secret_keys(chat.rule)} <= set(re.findall(r"`\w+`", row))


@pytest.mark.parametrize("chat", CHATS.values(), ids=CHATS)
def test_every_chat_can_be_set_up_with_compose(chat: Chat[Any]) -> None:
    """docker-compose.yml passes its variables on, and .env.example shows them."""
    names = {f"{RELAY.prefix}{chat.kind}_{key}".upper() for key in own_settings(chat)}
    relay = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["relay"]
    assert names <= set(relay["environment"])
    assert names <= set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert names <= set(variables())


def test_the_help_lists_every_chat() -> None:
    """Its name, the variables of a bot, and an entry for a file of settings that can be used as it is."""
    told = CliRunner().invoke(commands, ["relay", "--help"]).output
    words = " ".join(told.split())
    entries = [yaml.safe_load(line.strip()[2:]) for line in told.splitlines() if ", kind: " in line]
    assert [entry["kind"] for entry in entries] == list(CHATS)
    for entry, chat in zip(entries, CHATS.values(), strict=True):
        assert chat.name.en in words
        assert f"{RELAY.prefix}{chat.kind}_{own_settings(chat)[0]}".upper() in words
        chat.rule.model_validate(entry)
