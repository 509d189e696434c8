"""The relay's settings: from a file, variables, a folder of secrets; strict, and silent about secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml
from llmtrain_exporter.config import ConfigError
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.bots import CHATS
from llmtrain_exporter.notify.config.configure import ConfiguredRelay, configure, variables
from llmtrain_exporter.notify.config.settings import ExporterRule, LinkRule, PostingRule, RelaySettings
from pydantic import BaseModel

from tests.bots import KINDS

ROOT = Path(__file__).resolve().parent.parent
URL = "https://open.feishu.cn/open-apis/bot/v2/hook/TOPSECRET-1"
PREFIX = "LLMTRAIN_RELAY_"


def from_file(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> ConfiguredRelay:
    """The settings of a file."""
    path = tmp_path / "relay.yml"
    path.write_text(text)
    return configure({}, environ or {}, str(path))


def test_nothing_is_needed() -> None:
    """Without file and variables there is no bot and no exporter, on the loopback interface."""
    chosen = configure({}, {}, None)
    assert (chosen.bots, chosen.exporters, chosen.warnings) == ((), (), ())
    assert chosen.settings.address == ("127.0.0.1", 9849)


def test_one_bot_of_each_kind_needs_variables_alone() -> None:
    """Address, secret, language and more; an empty variable counts as none."""
    fakes = {kind: KINDS[kind](port=9) for kind in CHATS}
    environ = {name: value for fake in fakes.values() for name, value in fake.variables.items()} | {
        f"{PREFIX}FEISHU_SECRET": "s1",
        f"{PREFIX}DINGTALK_SECRET": "",
        f"{PREFIX}LANG": "zh",
        f"{PREFIX}SLACK_LANG": "en",
        f"{PREFIX}SLACK_SEVERITIES": "critical, warning",
        f"{PREFIX}SLACK_MENTION": "all,U1",
        f"{PREFIX}EXPORTERS": "http://a:9848, http://b:9848/",
        f"{PREFIX}LINK_GRAFANA": "https://grafana.example.org/",
    }
    chosen = configure({}, environ, None)
    bots = {bot.rule.name: bot for bot in chosen.bots}
    for kind, bot in bots.items():
        shown = bot.rule.model_dump() | bot.secrets
        assert fakes[kind].settings.items() <= shown.items()
    assert list(bots) == list(CHATS)
    assert (bots["feishu"].secrets["secret"], "secret" in bots["dingtalk"].secrets) == ("s1", False)
    assert [bot.lang for bot in chosen.bots] == [Lang.EN if kind == "slack" else Lang.ZH for kind in CHATS]
    assert bots["slack"].rule.severities == ("critical", "warning")
    assert bots["slack"].rule.mention == ("all", "U1")
    assert [one.url for one in chosen.exporters] == ["http://a:9848", "http://b:9848"]
    assert chosen.settings.links.grafana == "https://grafana.example.org"


def test_a_folder_of_secrets_is_enough(tmp_path: Path) -> None:
    """Of relay.yml, KIND_url and KIND_secret what is there is taken; the rest is not missed."""
    (tmp_path / "feishu_url").write_text(f"{URL}\n")
    (tmp_path / "feishu_secret").write_text("s1\n")
    (tmp_path / "slack_url").write_text("")
    (tmp_path / "relay.yml").write_text(f"lang: zh\nbots: [{{name: a, kind: wecom, url: '{URL}'}}]")
    chosen = configure({}, {f"{PREFIX}SECRETS": str(tmp_path)}, None)
    assert [(bot.rule.name, bot.secrets, bot.lang) for bot in chosen.bots] == [
        ("a", {"url": URL}, Lang.ZH),
        ("feishu", {"url": URL, "secret": "s1"}, Lang.ZH),
    ]
    assert configure({}, {f"{PREFIX}SECRETS": str(tmp_path / "..")}, None).bots == ()


def test_a_variable_goes_before_the_folder(tmp_path: Path) -> None:
    """Who sets an address does not want another one."""
    (tmp_path / "feishu_url").write_text(f"{URL}-folder")
    environ = {f"{PREFIX}SECRETS": str(tmp_path), f"{PREFIX}FEISHU_URL": f"{URL}-variable"}
    assert [bot.secrets for bot in configure({}, environ, None).bots] == [{"url": f"{URL}-variable"}]


def test_flags_go_before_variables_and_these_before_the_file(tmp_path: Path) -> None:
    """For what all three can say."""
    environ = {
        f"{PREFIX}LISTEN": ":2",
        f"{PREFIX}LOG_LEVEL": "error",
        f"{PREFIX}CONFIG": str(tmp_path / "r.yml"),
    }
    (tmp_path / "r.yml").write_text("listen: ':1'\nlog_level: debug\nlog_format: json\n")
    settings = configure({"listen": ":3"}, environ, None).settings
    assert (settings.listen, settings.log_level, settings.log_format) == (":3", "error", "json")


def test_secrets_come_from_files_and_variables_too(tmp_path: Path) -> None:
    """A relative path starts at the settings' own folder."""
    (tmp_path / "url").write_text(f" {URL}\n")
    text = (
        "bots: [{name: a, kind: dingtalk, url_file: url, secret_env: DING}]\n"
        "exporters: [{url: 'https://e:1', username: ann, password_file: url}, 'http://{instance}']"
    )
    chosen = from_file(tmp_path, text, {"DING": "s2"})
    assert [bot.secrets for bot in chosen.bots] == [{"url": URL, "secret": "s2"}]
    assert [(one.url, one.auth) for one in chosen.exporters] == [
        ("https://e:1", ("ann", URL)),
        ("http://{instance}", None),
    ]


NO_ADDRESS = 'is no web address; it has to begin with "https://" or "http://" and a host'
BOT = "{name: a, kind: slack, url: 'https://x/TOPSECRET'"
A_CHAT = "dingtalk, discord, feishu, slack, telegram or wecom"
WRONG = {
    "no mapping": ("[]", "{file}: must be a mapping of settings, such as bots: [...]"),
    "an unknown key": ("bot: []", "{file}: line 1: bot: unknown key; did you mean bots?"),
    "an unknown key of a bot": (
        f"bots: [{BOT}, sercet: TOPSECRET}}]",
        "{file}: line 1: bots[0].sercet: unknown key; did you mean secret?",
    ),
    "an unknown chat": (
        "bots:\n  - {name: a, kind: teams, url: 'https://x/TOPSECRET'}",
        f'{{file}}: line 2: bots[0].kind: must be {A_CHAT}, not "teams"',
    ),
    "no address": (
        "bots:\n  - {name: a, kind: slack}",
        "{file}: line 2: bots[0]: must have one of url, url_file, url_env",
    ),
    "two addresses": (
        f"bots: [{BOT}, url_env: X}}]",
        "{file}: line 1: bots[0]: must have one of url, url_file, url_env, not several",
    ),
    "an address that is none": (
        "bots: [{name: a, kind: slack, url: TOPSECRET}]",
        f"{{file}}: line 1: bots[0].url: {NO_ADDRESS}",
    ),
    "an address with a bad port": (
        "bots: [{name: a, kind: slack, url: 'http://x:TOPSECRET'}]",
        f"{{file}}: line 1: bots[0].url: {NO_ADDRESS}",
    ),
    "a secret that is used nowhere": (
        f"bots: [{BOT}, secret: TOPSECRET}}]",
        "{file}: line 1: bots[0].secret: is no setting of slack; only dingtalk and feishu have it",
    ),
    "a setting of another chat": (
        f"bots: [{BOT}, chat_id: -1}}]",
        "{file}: line 1: bots[0].chat_id: is no setting of slack; only telegram has it",
    ),
    "no chat": (
        "bots: [{name: a, url: 'https://x/TOPSECRET'}]",
        "{file}: line 1: bots[0].kind: is missing",
    ),
    "a chat that is a list": (
        "bots: [{name: a, kind: [slack]}]",
        f"""{{file}}: line 1: bots[0].kind: must be {A_CHAT}, not "['slack']\"""",
    ),
    "no place within a chat": (
        "bots: [{name: a, kind: telegram, token: '123456789:TOPSECRET-0123456789'}]",
        "{file}: line 1: bots[0].chat_id: is missing",
    ),
    "a place that is none": (
        "bots: [{name: a, kind: telegram, token: '123456789:TOPSECRET-0123456789', chat_id: our group}]",
        "{file}: line 1: bots[0].chat_id: must be a number such as -1001234567890, or @ and the name of a "
        "public group",
    ),
    "a topic that is none": (
        "bots: [{name: a, kind: telegram, token: '123456789:TOPSECRET-0123456789', chat_id: -1, "
        "message_thread_id: General}]",
        '{file}: line 1: bots[0].message_thread_id: must be a whole number, not "General"',
    ),
    "no token": (
        "bots: [{name: a, kind: telegram, chat_id: -1}]",
        "{file}: line 1: bots[0]: must have one of token, token_file, token_env",
    ),
    "a token that is none": (
        "bots: [{name: a, kind: telegram, token: TOPSECRET, chat_id: '@group'}]",
        "{file}: line 1: bots[0].token: is no token; BotFather shows one as digits, a colon, and letters",
    ),
    "a server with a password": (
        "bots: [{name: a, kind: telegram, token: x, chat_id: -1, api_url: 'https://a:TOPSECRET@x'}]",
        "{file}: line 1: bots[0].api_url: must not hold a password",
    ),
    "a secret that is no text": (
        "bots: [{name: a, kind: feishu, url: 'https://x', secret: 12345678901}]",
        "{file}: line 1: bots[0].secret: must be text; put it in quotes",
    ),
    "a name twice": (
        f"bots:\n  - {BOT}}}\n  - {BOT}}}",
        "{file}: line 3: bots[1].name: a is the name of another bot too; choose another",
    ),
    "a name that cannot stand in an address": (
        "bots: [{name: a/b, kind: slack, url: 'https://x'}]",
        "{file}: line 1: bots[0].name: must be letters, digits, dots, dashes and underscores: it stands in "
        "an address",
    ),
    "a file that is not there": (
        "bots: [{name: a, kind: slack, url_file: no/such}]",
        "{file}: line 1: bots[0].url_file: {folder}/no/such cannot be read: No such file or directory",
    ),
    "a variable that is not set": (
        "bots: [{name: a, kind: slack, url_env: NO_SUCH}]",
        "{file}: line 1: bots[0].url_env: the environment variable NO_SUCH is not set",
    ),
    "everybody where that cannot be": (
        "bots: [{name: a, kind: wecom, url: 'https://x', mention: [all]}]",
        "{file}: line 1: bots[0]: a card of wecom cannot mention all; give ids of people",
    ),
    "a mention that is markup": (
        f"bots: [{BOT}, mention: ['<!here>']}}]",
        '{file}: line 1: bots[0].mention[0]: must be "all" or the id of somebody in that chat',
    ),
    "an unknown severity": (
        f"bots: [{BOT}, severities: [fatal]}}]",
        '{file}: line 1: bots[0].severities[0]: must be critical, warning or info, not "fatal"',
    ),
    "no limit at all": (
        f"bots: [{BOT}, per_minute: 0}}]",
        "{file}: line 1: bots[0].per_minute: must be at least 1, not 0",
    ),
    "a password in an address": (
        "exporters: ['http://ann:TOPSECRET@e:1']",
        "{file}: line 1: exporters[0].url: must not hold a password; give username and password beside url",
    ),
    "a password for whoever asks": (
        "exporters: [{url: 'http://{instance}', username: a, password: TOPSECRET}]",
        "{file}: line 1: exporters[0]: must have no password where the address holds {{instance}}",
    ),
    "half of a login": (
        "exporters: [{url: 'http://e', username: a}]",
        "{file}: line 1: exporters[0]: must have both or neither of username and a password",
    ),
    "a keyword of two lines": (
        'bots: [{name: a, kind: feishu, url: "https://x/TOPSECRET", keyword: "a\\r\\nb"}]',
        "{file}: line 1: bots[0].keyword: must be at most 50 characters on one line, without markup, "
        "addresses and blanks around",
    ),
    "a keyword that is markup": (
        "bots: [{name: a, kind: dingtalk, url: 'https://x/TOPSECRET', keyword: '<at>'}]",
        "{file}: line 1: bots[0].keyword: must be at most 50 characters on one line, without markup, "
        "addresses and blanks around",
    ),
    "a keyword that is an essay": (
        f"bots: [{{name: a, kind: dingtalk, url: 'https://x/TOPSECRET', keyword: {'x' * 51}}}]",
        "{file}: line 1: bots[0].keyword: must be at most 50 characters on one line, without markup, "
        "addresses and blanks around",
    ),
    "a keyword where none is asked for": (
        f"bots: [{BOT}, keyword: a}}]",
        "{file}: line 1: bots[0].keyword: is no setting of slack; only dingtalk and feishu have it",
    ),
    "a proxy with a password": (
        f"bots: [{BOT}, proxy: 'http://me:TOPSECRET@proxy:3128'}}]",
        "{file}: line 1: bots[0].proxy: must not hold a password; give a proxy with a password as "
        "the variable HTTPS_PROXY",
    ),
    "authorities that are not there": (
        f"bots: [{BOT}, ca_file: no.pem}}]",
        "{file}: line 1: bots[0].ca_file: {folder}/no.pem cannot be read: No such file or directory",
    ),
    "authorities without a name": (
        f"bots: [{BOT}, ca_file: ''}}]",
        "{file}: line 1: bots[0].ca_file: must not be empty",
    ),
    "authorities that are none": (
        f"bots: [{BOT}, ca_file: relay.yml}}]",
        "{file}: line 1: bots[0].ca_file: {folder}/relay.yml holds no certificate",
    ),
    "a token that is guessed": (
        "webhook: {token: TOPSECRET}",
        "{file}: line 1: webhook.token: must be 16 characters or more, none of them a blank; "
        "`openssl rand -hex 32` makes one",
    ),
    "two tokens": (
        "webhook: {token: TOPSECRET, token_env: X}",
        "{file}: line 1: webhook: must have one of token, token_file, token_env, not several",
    ),
    "a zone of nowhere": (
        "timezone: Asia/Beijing",
        "{file}: line 1: timezone: is no time zone; did you mean Asia/Shanghai?",
    ),
    "a zone in small letters": (
        "timezone: europe/berln",
        "{file}: line 1: timezone: is no time zone; did you mean Europe/Berlin?",
    ),
    "a zone that is a path": (
        "timezone: ../../etc/passwd",
        "{file}: line 1: timezone: is no time zone; it has a name such as Asia/Shanghai or Europe/Berlin",
    ),
    "instances that are anything": (
        "instances: ['*.*.*:9848']",
        "{file}: line 1: instances[0]: must be HOST or HOST:PORT, with at most 2 * for a part of a name "
        'between dots, not "*.*.*:9848"',
    ),
    "a duration that is none": (
        "expire_after: soon",
        '{file}: line 1: expire_after: must be a duration such as "200ms", "5s", "12h" or "7d", not "soon"',
    ),
    "bots that are no list": ("bots: {a: 1}", "{file}: line 1: bots: must be a list"),
    "a bot that is no mapping": (
        "bots: [TOPSECRET]",
        "{file}: line 1: bots[0]: must be a mapping with keys such as name and kind",
    ),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    """File, line, key and what to do; never the value of what may be a secret."""
    with pytest.raises(ConfigError) as wrong:
        from_file(tmp_path, text)
    expected = told.format(file=tmp_path / "relay.yml", folder=tmp_path)
    assert list(wrong.value.problems) == [expected]
    assert "TOPSECRET" not in str(wrong.value)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"FEISHU_URL": "TOPSECRET"}, "FEISHU_URL: is no web address"),
        ({"FEISHU_SECRET": "TOPSECRET"}, "FEISHU_URL: must have one of url, url_file, url_env"),
        ({"FEISHU_URL": URL, "FEISHU_LANG": "de"}, "FEISHU_LANG: must be en or zh, not"),
        ({"FEISHU_URL_FILE": "/no/such"}, "FEISHU_URL_FILE: /no/such cannot be read"),
        ({"SLACK_URL": URL, "SLACK_SEVERITIES": "bad"}, "SLACK_SEVERITIES: [0]: must be critical"),
        ({"TELEGRAM_TOKEN": "123456789:TOPSECRET-0123456789"}, "TELEGRAM_CHAT_ID: is missing"),
        ({"TELEGRAM_CHAT_ID": "-100"}, "TELEGRAM_TOKEN: must have one of token, token_file, token_env"),
        ({"LISTEN": "9849"}, "LISTEN: must be HOST:PORT"),
        ({"EXPORTERS": "ftp://x"}, "EXPORTERS: [0].url: is no web address"),
        ({"LINK_GRAFANA": "grafana"}, "LINK_GRAFANA: is no web address"),
        ({"CONFIG": "/no/such.yml"}, "/no/such.yml: No such file or directory"),
        ({"SECRETS": "/no/such"}, "SECRETS: /no/such is no folder"),
    ],
)
def test_what_is_wrong_in_a_variable_is_told_by_its_name(environ: dict[str, str], told: str) -> None:
    """Who set it finds it again."""
    with pytest.raises(ConfigError) as wrong:
        configure({}, {PREFIX + name: value for name, value in environ.items()}, None)
    (problem,) = wrong.value.problems
    assert problem.removeprefix(PREFIX).startswith(told)
    assert "TOPSECRET" not in problem


def test_settings_show_no_secret(tmp_path: Path) -> None:
    """Whatever prints them, by accident or to debug, prints no address of a bot and no secret."""
    text = (
        f"bots: [{{name: a, kind: feishu, url: '{URL}', secret: TOPSECRET-2}}]\n"
        "exporters: [{url: 'http://e', username: ann, password: TOPSECRET-3}]"
    )
    chosen = from_file(tmp_path, text)
    assert chosen.bots[0].secrets["secret"] == "TOPSECRET-2"
    assert "TOPSECRET" not in repr(chosen) + str(chosen) + chosen.settings.model_dump_json()


def test_a_misspelt_variable_is_told() -> None:
    """But not those that Kubernetes makes for a service of that name."""
    environ = {f"{PREFIX}FEISHU_URI": "x", f"{PREFIX}SERVICE_HOST": "10.0.0.1", f"{PREFIX}PORT": "tcp://x"}
    assert configure({}, environ, None).warnings == (
        f"environment {PREFIX}FEISHU_URI is no setting; did you mean {PREFIX}FEISHU_URL?",
    )


def test_every_variable_is_described() -> None:
    """What documentation is made from has a sentence for each."""
    assert all(text.endswith(".") or "; " in text for text in variables().values())
    assert {f"{PREFIX}FEISHU_SECRET_FILE", f"{PREFIX}DISCORD_URL"} <= set(variables())
    assert f"{PREFIX}SLACK_SECRET" not in variables()


def keys(content: Any) -> set[str]:
    """All keys of a document."""
    if isinstance(content, dict):
        return set(content).union(*map(keys, content.values()))
    return set().union(*map(keys, content)) if isinstance(content, list) else set()


def test_the_example_is_in_order_and_shows_every_key(tmp_path: Path) -> None:
    """alerts/relay.example.yml can be used as it is, and so can it with its comments taken as settings."""
    text = (ROOT / "alerts" / "relay.example.yml").read_text()
    (tmp_path / "secrets").mkdir()
    for name in ("feishu_url", "wecom_url", "discord_url", "feishu_secret", "exporter_password"):
        (tmp_path / "secrets" / name).write_text(URL)
    (tmp_path / "secrets" / "telegram_token").write_text(f"123456789:{'x' * 35}")
    (tmp_path / "exporter_password").write_text("x")
    (tmp_path / "secrets" / "relay_token").write_text("0123456789abcdef" * 4)
    (tmp_path / "ca.pem").write_text(Path(certifi.where()).read_text(encoding="utf-8"), encoding="utf-8")
    environ = {"SLACK_WEBHOOK_URL": URL, "DINGTALK_SECRET": "x"}
    assert len(from_file(tmp_path, text, environ).bots) == 3
    head, body = text.split("\nlisten:")
    everything = "listen:" + "\n".join(
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and ":" in line else line
        for line in body.splitlines()
        if not line.startswith("# A")
    )
    assert "relay --config" in head
    everything = everything.replace("      - http://{instance}", "  - http://{instance}")
    read = yaml.safe_load(everything)
    models: list[type[BaseModel]] = [RelaySettings, ExporterRule, LinkRule, PostingRule]
    models += [chat.rule for chat in CHATS.values()]
    wanted = {key for model in models for key in model.model_fields}
    assert wanted - keys(read) <= {"password", "password_env", "secret", "token", "token_env"}
    assert {bot["kind"] for bot in read["bots"]} == set(CHATS)
    (tmp_path / "web.yml").write_text("")
    assert len(from_file(tmp_path, json.dumps(read), environ).bots) == len(CHATS)
