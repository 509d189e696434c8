"""Settings: each reachable by file, environment and flag, in order; mistakes are told where they stand."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmtrain_exporter.config import (
    EXPORTER,
    ConfigError,
    RunRule,
    Settings,
    address,
    check_file,
    configure,
    duration,
    seconds,
    show,
)
from llmtrain_exporter.config.catalogue import Setting
from llmtrain_exporter.config.profiles import ProfileRule
from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.config.values import in_units, size
from llmtrain_exporter.config.yaml_document import YamlDocumentError, parse
from llmtrain_exporter.knowledge import arguments
from llmtrain_exporter.knowledge.profile import PROFILES
from llmtrain_exporter.watching.reading_settings import NothingSet
from pydantic import ValidationError

SETTINGS = EXPORTER.settings
A_DURATION = 'must be a duration such as "200ms", "5s", "12h" or "7d"'
BY_KEY = {setting.key: setting for setting in SETTINGS}


class Example(NamedTuple):
    """A value of a setting in each spelling, and what it means."""

    yaml: str
    variable: str
    flag: str | tuple[str, ...]
    value: object


def plainly(text: str, value: object) -> Example:
    return Example(text, text, text, value)


WRITES = RemoteWriteRule(url="http://a/w")

EXAMPLES = {
    "paths": Example("[/a, b]", "/a, b", ("/a", "b"), ("/a", "b")),
    "listen": Example("'[::]:80'", "[::]:80", "[::]:80", "[::]:80"),
    "web_config_file": plainly("web.yml", "web.yml"),
    "allowed_hosts": Example("[a.b, '*.c']", "a.b, *.c", ("A.b", "*.c"), ("a.b", "*.c")),
    "stdout_log": Example("['*.log', 'out.*']", "*.log,out.*", ("*.log", "out.*"), ("*.log", "out.*")),
    "max_depth": plainly("3", 3),
    "ignore_older": plainly("12h", 43200.0),
    "settle": plainly("30m", 1800.0),
    "scan_interval": plainly("1m30s", 90.0),
    "poll_interval": plainly("50ms", 0.05),
    "logging_steps": plainly("10", 10),
    "labels": Example("{a: b=c, d: ''}", "a=b=c, d=", ("a=b=c", "d="), {"a": "b=c", "d": ""}),
    "profiles": plainly("{mine: {inherits: sft}}", {"mine": ProfileRule(inherits="sft")}),
    "runs": plainly("[{match: 'a*', profile: sft}]", (RunRule(match="a*", profile="sft"),)),
    "protect": plainly("true", True),
    "keep": plainly("3", 3),
    "keep_free": plainly("1.5GB", 1_500_000_000),
    "keep_from": plainly("start", "start"),
    "max_other_keys": plainly("0", 0),
    "max_reward_functions": plainly("7", 7),
    "history_metrics": Example("[loss, '!other']", "loss, !other", ("loss", "!other"), ("loss", "!other")),
    "remote_write": Example("[{url: 'http://a/w'}]", "http://a/w", ("http://a/w",), (WRITES,)),
    "state_dir": plainly("state", "state"),
    "max_runs": plainly("9", 9),
    "log_format": plainly("json", "json"),
    "log_level": plainly("debug", "debug"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "llmtrain.yml"


def problems(text: str, file: Path) -> list[str]:
    """What is told of a file with that text, without the file's name."""
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        configure(EXPORTER, {}, {}, str(file))
    assert all(problem.startswith(f"{file}: ") for problem in error.value.problems)
    return [problem.removeprefix(f"{file}: ") for problem in error.value.problems]


def in_force(
    key: str, flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None
) -> tuple[object, str]:
    """The value of a setting, and where it comes from."""
    configured = configure(EXPORTER, flags, environ, str(file) if file else None)
    return getattr(configured.settings, key), configured.origins[key]


def test_every_setting_has_an_example_here() -> None:
    """The tests below hold for all settings, for new ones too."""
    assert set(EXAMPLES) == set(Settings.model_fields) == set(BY_KEY)


@pytest.mark.parametrize("setting", SETTINGS, ids=BY_KEY)
def test_every_setting_is_documented(setting: Setting) -> None:
    """A sentence, and a default that is valid itself."""
    assert setting.description.endswith(".")
    assert setting.description[0].isupper()
    assert Settings.model_validate(Settings().model_dump()) == Settings()


@pytest.mark.parametrize("key", EXAMPLES)
def test_every_setting_is_reachable_from_everywhere_in_order(key: str, file: Path) -> None:
    """A file goes before defaults, the environment before it, flags before all; the origin is told."""
    setting, example = BY_KEY[key], EXAMPLES[key]
    default = getattr(Settings(), key)
    assert in_force(key, {}, {}) == (default, "default")

    file.write_text(f"{key}: {example.yaml}\n")
    assert in_force(key, {}, {}, file) == (example.value, f"file {file}")

    variable = f"LLMTRAIN_{key.upper()}"
    assert in_force(key, {}, {variable: example.variable}) == (example.value, f"environment {variable}")
    assert in_force(key, {key: example.flag}, {}) == (example.value, f"flag {setting.flag}")

    file.write_text(f"{key}: {json.dumps(other_than(key))}")
    assert in_force(key, {}, {variable: example.variable}, file)[0] == example.value
    file.write_text(f"{key}: {example.yaml}\n")
    assert in_force(key, {}, {"LLMTRAIN_CONFIG": str(file)})[0] == example.value
    assert in_force(key, {key: example.flag}, {variable: example.variable}, file)[1] == f"flag {setting.flag}"


def other_than(key: str) -> object:
    """A valid value of a setting that is not the one of its example."""
    others: dict[str, object] = {
        "log_format": "text",
        "log_level": "error",
        "protect": False,
        "keep_from": "warning",
        "listen": "a:1",
        "labels": {"z": "z"},
    }
    others |= {
        "paths": ["z"],
        "allowed_hosts": ["z"],
        "stdout_log": ["z"],
        "runs": [],
        "profiles": {},
        "web_config_file": "z",
    }
    return others.get(key, 11)


def test_an_empty_variable_says_nothing() -> None:
    """Compose files and charts set a variable to nothing where it has no value."""
    assert in_force("listen", {}, {"LLMTRAIN_LISTEN": "", "LLMTRAIN_CONFIG": ""}) == (
        "127.0.0.1:9848",
        "default",
    )


def test_an_empty_file_changes_nothing(file: Path) -> None:
    """Nothing but comments is a valid file."""
    file.write_text("# listen: 0.0.0.0:9848\n")
    assert configure(EXPORTER, {}, {}, str(file)).settings == Settings()


def test_the_file_named_by_flag_goes_before_the_one_of_the_environment(file: Path) -> None:
    """--config wins over LLMTRAIN_CONFIG, which is not even read then."""
    file.write_text("max_runs: 3")
    assert configure(EXPORTER, {}, {"LLMTRAIN_CONFIG": "/does/not/exist"}, str(file)).settings.max_runs == 3


def test_a_misspelt_variable_is_told_and_others_are_left_alone() -> None:
    """Kubernetes sets variables such as LLMTRAIN_EXPORTER_PORT by itself, so an unknown name is no error."""
    environ = {"LLMTRAIN_LISTN": "x", "LLMTRAIN_EXPORTER_PORT": "tcp://10.0.0.1:9848", "LLMTRAIN_CORPUS": "x"}
    assert configure(EXPORTER, {}, environ, None).warnings == (
        "environment LLMTRAIN_LISTN is no setting; did you mean LLMTRAIN_LISTEN?",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listn: x", "line 1: listn: unknown key; did you mean listen?"),
        ("max-depth: 1", "line 1: max-depth: unknown key; did you mean max_depth?"),
        ("web.config.file: a", "line 1: web.config.file: unknown key; did you mean web_config_file?"),
        ("\nmax_depth: many", 'line 2: max_depth: must be a whole number, not "many"'),
        ("max_depth: yes", "line 1: max_depth: must be a whole number, not true"),
        ("max_depth: -1", "line 1: max_depth: must be at least 0, not -1"),
        ("logging_steps: 0", "line 1: logging_steps: must be at least 1, not 0"),
        ("listen: 9848", "line 1: listen: must be text; put it in quotes, not 9848"),
        (
            "listen: localhost",
            'line 1: listen: must be HOST:PORT such as "127.0.0.1:9848" or "[::]:9848", not "localhost"',
        ),
        (
            "scan_interval: soon",
            f'line 1: scan_interval: {A_DURATION}, not "soon"',
        ),
        (
            "ignore_older: -1",
            f'line 1: ignore_older: {A_DURATION}, or "never", not -1',
        ),
        ("scan_interval: 0.05", "line 1: scan_interval: must be at least 0.1, not 0.05"),
        ("log_level: loud", 'line 1: log_level: must be debug, info, warning or error, not "loud"'),
        ("paths: {a: b}", 'line 1: paths: must be a list, not {"a": "b"}'),
        ("paths:\n  - a\n  - 3", "line 3: paths[1]: must be text; put it in quotes, not 3"),
        ("stdout_log: [never, '*.log']", 'line 1: stdout_log: "never" must stand alone'),
        ("stdout_log: ['']", "line 1: stdout_log[0]: must not be empty"),
        ("labels: [a]", 'line 1: labels: must be a mapping of names to values, not ["a"]'),
        ("labels:\n  gpu: 8", "line 2: labels.gpu: must be text; put it in quotes, not 8"),
        (
            "labels: {model: x}",
            "line 1: labels.model: is a label that every run has already; choose another name",
        ),
        (
            "labels: {__a: x}",
            "line 1: labels.__a: must be a label name: letters, digits and _, "
            'no digit first and no __ in front, not "__a"',
        ),
        (
            "runs:\n  - match: a\n    profile: sfft",
            f'line 3: runs[0].profile: must be one of {", ".join(PROFILES)}, not "sfft"',
        ),
        ("runs: [{match: a, profil: sft}]", "line 1: runs[0].profil: unknown key; did you mean profile?"),
        (
            "runs: [{match: a}]",
            "line 1: runs[0]: must say something of the runs it picks: name, profile or labels",
        ),
        ("runs: [{name: a}]", "line 1: runs[0]: must have one of match and regex"),
        ("runs: [{match: a, regex: b, name: c}]", "line 1: runs[0]: must have one of match and regex"),
        ("runs: [3]", "line 1: runs[0]: must be a mapping with keys such as match and profile, not 3"),
        (
            "runs: [{regex: '(', name: c}]",
            "line 1: runs[0].regex: must be a regular expression "
            '(missing ), unterminated subpattern at position 0), not "("',
        ),
        (
            "runs: [{regex: a, name: '\\1'}]",
            "line 1: runs[0]: must name groups of its regex in name "
            "(invalid group reference 1 at position 1)",
        ),
        ("- listen", "must be a mapping of settings, such as listen: 127.0.0.1:9848"),
        ("3: 4", "line 1: [3]: the key must be text; put it in quotes"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str, file: Path) -> None:
    """File, line, key, value and what is allowed, on one line."""
    assert problems(text, file) == [told]


def test_an_unknown_key_without_a_likely_one_is_told_what_there_is(file: Path) -> None:
    """Without a guess all keys are listed."""
    [told] = problems("zzz: 1", file)
    assert told == f"line 1: zzz: unknown key; allowed: {', '.join(Settings.model_fields)}"


@pytest.mark.parametrize(
    ("flags", "environ", "told"),
    [
        ({"max_depth": "x"}, {}, '--max-depth: must be a whole number, not "x"'),
        (
            {"web_config_file": ""},
            {"LLMTRAIN_LOG_FORMAT": "xml"},
            'LLMTRAIN_LOG_FORMAT: must be text or json, not "xml"',
        ),
        ({"labels": ("team",)}, {}, "--label: must be NAME=VALUE"),
        ({"labels": ("1=a",)}, {}, "--label: 1: must be a label name"),
        ({}, {"LLMTRAIN_LABELS": "a"}, "LLMTRAIN_LABELS: must be NAME=VALUE"),
        ({"runs": "[{match: a, profile: b}]"}, {}, "--runs: [0].profile: must be one of"),
        (
            {"runs": "[{match: a"},
            {},
            "--runs: line 1, column 11: cannot be read as YAML: while parsing a flow mapping",
        ),
        ({"paths": ("",)}, {}, "PATH: [0]: must not be empty"),
    ],
)
def test_a_flag_or_variable_is_told_by_its_own_name(
    flags: Mapping[str, object], environ: Mapping[str, str], told: str
) -> None:
    """The name under which it was given, and never the key of the file."""
    with pytest.raises(ConfigError) as error:
        configure(EXPORTER, flags, environ, None)
    [problem] = error.value.problems
    assert problem.startswith(told)


def test_sources_that_contradict_each_other_are_told(file: Path) -> None:
    """Each may be right for itself: a rule of the file names a profile that the environment's replace."""
    file.write_text("profiles: {a: {inherits: sft}}\nruns: [{match: x, profile: a}]")
    with pytest.raises(ConfigError) as error:
        configure(EXPORTER, {}, {"LLMTRAIN_PROFILES": "b: {inherits: grpo}"}, str(file))
    assert error.value.problems == (
        f"{file}: line 2: runs[0].profile: must be one of grpo, ppo, sft, dpo, reward_model, generic, b, "
        'not "a"; profiles are those of environment LLMTRAIN_PROFILES',
    )


def test_all_that_is_wrong_is_told_at_once(file: Path) -> None:
    """One line each, over all sources."""
    file.write_text("listn: a\nmax_runs: 0")
    with pytest.raises(ConfigError) as error:
        configure(EXPORTER, {"max_depth": "x", "labels": ("a",)}, {"LLMTRAIN_LOG_LEVEL": "x"}, str(file))
    assert len(error.value.problems) == 5
    assert str(error.value).splitlines() == list(error.value.problems)


def test_what_is_wrong_between_settings_is_told_with_what_is_wrong_in_them(file: Path) -> None:
    """Own profiles are looked at as a whole, also when another setting has the wrong form."""
    text = (
        "scan_interval: x\nprofiles:\n  a: {inherits: grpo, limits: {kl_hihg: {warning: 3}}}\n"
        "runs: [{match: x, profile: b}]\nport: 1\n"
    )
    first, second, third, fourth = problems(text, file)
    assert first.startswith("line 1: scan_interval: must be a duration")
    assert second.startswith("line 3: profiles.a.limits.kl_hihg: unknown signal; did you mean kl_high?")
    assert third.startswith("line 4: runs[0].profile: must be one of grpo, ppo, sft, ")
    assert fourth.startswith("line 5: port: unknown key")


def test_nothing_is_called_wrong_because_of_what_is(file: Path) -> None:
    """A rule for runs names an own profile: where that has the wrong form, the rule is not to blame."""
    text = "profiles: {mine: {inherit: sft}}\nruns: [{match: x, profile: mine}]"
    assert [problem.split(": ")[1] for problem in problems(text, file)] == [
        "profiles.mine.inherits",
        "profiles.mine.inherit",
    ]


def test_a_long_value_is_shortened_and_a_secret_not_shown(file: Path) -> None:
    """An error message is no place for either."""
    [long] = problems(f"max_depth: {'x' * 5000}", file)
    [secret] = problems("labels: {api_token: [hunter2]}", file)
    assert len(long) < 200
    assert secret == "line 1: labels.api_token: must be text; put it in quotes"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "line 1, column 5: cannot be read as YAML: while parsing a flow node"),
        ("a: b: c", "line 1, column 5: cannot be read as YAML: mapping values are not allowed here"),
        ("a: 'b", "line 1, column 6: cannot be read as YAML: while scanning a quoted scalar"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: a: stands twice, the first time on line 1"),
        ("labels: {a: '1', a: '2'}", "line 1, column 18: a: stands twice, the first time on line 1"),
        ("a: &x [1]\nb: *x", "line 2, column 4: *x: aliases are not supported; write the value out"),
        ("a: &x [*x]", "line 1, column 8: *x: aliases are not supported"),
        ("a: " + "[" * 500, "line 1, column 23: nested deeper than 20 levels"),
        ("\n" + "- " * 500, "line 2, column 41: nested deeper than 20 levels"),
        (
            "a: !!python/object/apply:os.system [x]",
            "line 1, column 4: cannot be read as YAML: could not determine a constructor",
        ),
        ("--- 1\n--- 2", "line 2, column 1: cannot be read as YAML: expected a single document"),
        (
            "? [a]\n: b",
            "line 1, column 3: cannot be read as YAML: while constructing a mapping, found unhashable key",
        ),
        ("a: \x01", "cannot be read as YAML: unacceptable character"),
        ("a: !!bool x", "a value does not fit its tag"),
        ('a: !!int ""', "a value does not fit its tag"),
        ("a: !!timestamp x", "a value does not fit its tag"),
        ("a: 2001-99-99", "cannot be read as YAML: month must be in 1..12"),
        ("a: " + "9" * 5000, "cannot be read as YAML: Exceeds the limit"),
        ("#" * 300_000, "larger than 256 KiB, which no configuration is"),
    ],
)
def test_yaml_that_cannot_be_read_is_told_with_its_place(text: str, told: str, file: Path) -> None:
    """Line and column, and no more work than telling takes."""
    [problem] = problems(text, file)
    assert problem.startswith(told)


@given(st.text() | st.text("[]{}:,-&*!|>'\"%@`#? \n\tab<~0"))
def test_any_text_is_a_document_or_an_error_of_ours(text: str) -> None:
    """Nothing else comes out of the parser."""
    try:
        said = [str(parse(text).content)]
    except YamlDocumentError as error:
        said = str(error).splitlines()
    assert len(said) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/dev/zero", "larger than 256 KiB"),
        ("/does/not/exist", "No such file or directory"),
        ("/", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(name: str, reason: str) -> None:
    """A file without an end is one that is too large."""
    with pytest.raises(ConfigError, match=f"^{name}: {reason}"):
        check_file(EXPORTER, name)


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    """The place of the first byte that is wrong."""
    file.write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="not UTF-8 text at byte 3"):
        check_file(EXPORTER, str(file))


def test_what_is_shown_is_a_file_that_says_the_same(file: Path) -> None:
    """Each setting on one line with its origin; read again, all values are the same."""
    flags = {key: example.flag for key, example in EXAMPLES.items()}
    configured = configure(
        EXPORTER, {**flags, "labels": ("a=\u2028#\n\x7f", "b=中"), "paths": ("a # b",)}, {}, None
    )
    shown = show(configured)
    assert [line.split(":")[0] for line in shown.splitlines()] == list(Settings.model_fields)
    assert all("  # flag " in line for line in shown.splitlines())
    file.write_text(shown)
    assert configure(EXPORTER, {}, {}, str(file)).settings == configured.settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200ms", 0.2),
        ("5s", 5),
        ("1.5h", 5400),
        ("1d12h", 129600),
        ("2w", 1209600),
        ("5", 5),
        (0.25, 0.25),
        (0, 0),
    ],
)
def test_durations_are_read(text: object, value: float) -> None:
    """Units may be combined; a number without one is in seconds."""
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["", "s", "5 s", "5y", "-5s", "1e3s", "\u0665s", "5s5", True, None, math.nan, math.inf, "9" * 400 + "d"],
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="must be a duration"):
        seconds(text)


@given(st.integers(1, 10**10).map(lambda milliseconds: milliseconds / 1000))
def test_a_duration_is_written_as_it_is_read(value: float) -> None:
    """What is shown means the same when it is read again."""
    assert seconds(duration(value)) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["0", "never", "null", "0s", "''"])
def test_no_limit_can_be_said(text: str, file: Path) -> None:
    """0, never and nothing at all mean no limit of age; an empty text means nothing."""
    file.write_text(f"ignore_older: {text}")
    if text == "''":
        assert problems(file.read_text(), file)
    else:
        assert configure(EXPORTER, {}, {}, str(file)).settings.ignore_older is None


@pytest.mark.parametrize(
    ("listen", "parts"),
    [
        ("127.0.0.1:9848", ("127.0.0.1", 9848)),
        ("[::1]:0", ("::1", 0)),
        (":80", ("", 80)),
        ("host-1.x:1", ("host-1.x", 1)),
    ],
)
def test_addresses_are_read(listen: str, parts: tuple[str, int]) -> None:
    """IPv6 in brackets, all interfaces without a host."""
    assert address(listen) == parts
    assert Settings(listen=listen).address == parts


@pytest.mark.parametrize(
    "listen", ["", "9848", "host", "::1:80", "h:65536", "h:-1", "http://h:1", "h:1 ", "h:\u0661", "h:1\n"]
)
def test_what_is_no_address_is_refused(listen: str) -> None:
    """A port is needed, and nothing else may stand there."""
    with pytest.raises(ValidationError):
        Settings(listen=listen)


@pytest.mark.parametrize("name", ["run", "dialect", "profile", *arguments.TEXTS])
def test_labels_of_the_exporter_are_taken(name: str) -> None:
    """A static label cannot say what the run's own facts say."""
    with pytest.raises(ValidationError, match="every run has already"):
        Settings(labels={name: "x"})


def test_a_run_without_a_rule_keeps_its_name_and_gets_the_common_labels() -> None:
    """The rules say nothing of runs that they do not pick."""
    settings = Settings(labels={"team": "a"}, runs=(RunRule(match="b/*", profile="sft"),))
    assigned = settings.assign("a/v0")
    assert (assigned.name, assigned.profile, assigned.labels) == ("a/v0", None, {"team": "a"})


def test_rules_apply_in_order_and_the_last_word_counts() -> None:
    """All rules that match apply, each to the run's own name."""
    rules = (
        RunRule(match="qwen/*", profile="grpo", labels={"team": "b", "kind": "x"}),
        RunRule(regex=r"(?P<what>\w+)/v(\d+)-.*", name=r"\g<what>-\2"),
        RunRule(match="*/v107-*", labels={"kind": "y"}),
        RunRule(match="qwen-107", profile="sft"),
    )
    assigned = Settings(labels={"team": "a"}, runs=rules).assign("qwen/v107-20251126-022444")
    assert assigned.name == "qwen-107"
    assert assigned.profile == "grpo"
    assert assigned.labels == {"team": "b", "kind": "y"}


@pytest.mark.parametrize(
    ("rule", "run", "name"),
    [
        (RunRule(match="a*", name="b"), "a/x/y", "b"),
        (RunRule(match="a", name="b"), "A", "A"),
        (RunRule(match="[ab]", name="c"), "b", "c"),
        (RunRule(match="a", name=r"\1"), "a", r"\1"),
        (RunRule(regex="a", name="b"), "aa", "aa"),
        (RunRule(regex="a(x)?", name=r"\1"), "a", "a"),
    ],
)
def test_a_rule_renames(rule: RunRule, run: str, name: str) -> None:
    """Globs and whole expressions; a name that would be empty is none."""
    assert Settings(runs=(rule,)).assign(run).name == name


@given(st.text(string.printable, min_size=1))
def test_a_run_of_any_name_can_be_assigned(run: str) -> None:
    """Names come from folders, which can be called anything."""
    rules = (RunRule(regex="(?s)(.*)", name=r"x\1"), RunRule(match="*", labels={"a": "b"}))
    assert Settings(runs=rules).assign(run).name == f"x{run}"


@pytest.mark.parametrize(
    ("text", "count", "written"),
    [
        ("0", 0, "0"),
        ("1000", 1000, "1KB"),
        ("4MiB", 4 << 20, "4MiB"),
        ("1.5GB", 1_500_000_000, "1500MB"),
        ("5GiB", 5 << 30, "5GiB"),
        ("2TiB", 2 << 40, "2TiB"),
    ],
)
def test_sizes_are_read_in_either_unit_and_written_shortest(text: str, count: int, written: str) -> None:
    """1 KB is 1000 bytes, 1 KiB 1024."""
    assert size(text) == count
    assert size(in_units(count)) == count
    assert in_units(count) == written


@pytest.mark.parametrize("text", ["", "-1", "5 GB", "5gb", "much", "1e9", "True", "9" * 16 + "GB", "∞"])
def test_what_is_no_size_is_told_how_to_write_one(text: str) -> None:
    """Nobody has to guess."""
    with pytest.raises(ValueError, match='must be a size such as "500MB"'):
        size(text)


def test_nothing_set_is_what_the_settings_are_by_default() -> None:
    """What logs are read by where nobody has set anything, and which nothing has to check."""
    nothing, default = NothingSet(), Settings()
    assert nothing.assign("team/run") == default.assign("team/run")
    for name in ("logging_steps", "printed_logs", "finds_printed_logs", "known_profiles"):
        assert getattr(nothing, name) == getattr(default, name), name
