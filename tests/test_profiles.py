"""Own profiles: what they inherit and change, what is wrong with them, and that they are in force."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.analyse.run import Run, RunOptions
from llmtrain_exporter.config import EXPORTER, ConfigError, Settings, configure, show
from llmtrain_exporter.config.profiles import CONFIGURED
from llmtrain_exporter.ingest.dialects import registered
from llmtrain_exporter.ingest.readers import Readers
from llmtrain_exporter.knowledge import pace
from llmtrain_exporter.knowledge.producers import SWIFT
from llmtrain_exporter.knowledge.signal import Profile, Severity
from llmtrain_exporter.knowledge.signals import BUILT_IN, LIMITS
from llmtrain_exporter.model import HyperParameters, Record, Snapshot, State

INFO, WARNING, CRITICAL = Severity
BASE = "profiles: {a: {inherits: grpo, limits: "


def profiles(said: str) -> Mapping[str, Profile]:
    """All profiles under a configuration, given as YAML."""
    return Settings.model_validate({"profiles": yaml.safe_load(said)}).known_profiles


def problems(text: str, tmp_path: Path) -> list[str]:
    """What is told of a file with that text, without the file's name."""
    file = tmp_path / "llmtrain.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        configure(EXPORTER, {}, {}, str(file))
    return [problem.removeprefix(f"{file}: ") for problem in error.value.problems]


def folded(kl: float, options: RunOptions, records: int = 30) -> Snapshot:
    """A GRPO run whose kl is 0.02 for a while and then this."""
    run, reader = Run(options, HyperParameters()), Readers().reader(registered()["swift"])
    for step in range(1, records + 1):
        row = {"loss": 0.01, "grad_norm": 0.5, "reward": 1.0, "kl": kl if step > records - 3 else 0.02}
        row["completions/mean_length"] = 100.0
        for record in reader.read(log_row({**row, "global_step/max_steps": f"{step}/100"})):
            assert isinstance(record, Record)
            run.fold(record, 1000.0 + step)
    return run.snapshot("run", "file", SWIFT, 1000.0 + records)


def log_row(row: dict[str, Any]) -> bytes:
    """A log row as ms-swift writes it."""
    return json.dumps(row).encode()


def signals(snapshot: Snapshot) -> dict[str, Severity]:
    """The worst severity by signal."""
    return {episode.signal: episode.severity for episode in snapshot.episodes}


def test_what_is_not_changed_is_as_in_the_base() -> None:
    """A profile without limits is its base under another name; the built-in ones are always there."""
    known = profiles("{mine: {inherits: dpo}}")
    assert known["mine"] == Profile("mine", "dpo", LIMITS["dpo"])
    assert {name: known[name] for name in BUILT_IN} == BUILT_IN


def test_a_number_is_the_limit_and_a_mapping_changes_more() -> None:
    """What a mapping leaves out stays as in the base, and the source of a number is told."""
    known = profiles(
        "{mine: {inherits: grpo, limits: {kl_high: {warning: 6}, kl_spike: {critical: {floor: 2}}}}}"
    )
    high, spike = known["mine"].limits["kl_high"], known["mine"].limits["kl_spike"]
    built_in = LIMITS["grpo"]["kl_spike"][CRITICAL]
    assert (high[WARNING].limit, high[CRITICAL]) == (6, LIMITS["grpo"]["kl_high"][CRITICAL])
    assert (spike[CRITICAL].limit, spike[CRITICAL].records, spike[CRITICAL].floor) == (
        built_in.limit,
        built_in.records,
        2,
    )
    assert high[WARNING].source is CONFIGURED


@pytest.mark.parametrize("off", ["off", "'off'", "false"])
def test_a_severity_can_be_switched_off(off: str) -> None:
    """However YAML reads it. A signal without any severity left is none of the profile."""
    changes = f"{{kl_high: {{critical: {off}}}, clip_ratio_high: {{warning: {off}}}}}"
    limits = profiles(f"{{mine: {{inherits: grpo, limits: {changes}}}}}")["mine"].limits
    assert list(limits["kl_high"]) == [WARNING]
    assert "clip_ratio_high" not in limits


def test_a_profile_may_inherit_from_another_own_one_in_any_order() -> None:
    """The built-in base is that of the last in the chain, and changes add up."""
    known = profiles(
        "{c: {inherits: b, limits: {kl_high: {critical: 30}}}, b: {inherits: a}, "
        "a: {inherits: grpo, limits: {kl_high: {warning: 8}}}}"
    )
    assert known["c"].base == "grpo"
    assert [bound.limit for bound in known["c"].limits["kl_high"].values()] == [8, 30]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("{kl_hgh: {warning: 1}}", ".kl_hgh: unknown signal; did you mean kl_high?"),
        ("{overfit: {warning: 3}}", ".overfit: is no signal of grpo, which has non_finite, kl_high, "),
        ("{kl_high: {info: 3}}", ".kl_high.info: kl_high has no such severity, but warning and critical"),
        ("{kl_high: {warning: 20}}", ".kl_high: warning (20) has to come before critical (10)"),
        (
            "{kl_high: {warning: loud}}",
            '.kl_high.warning: must be a number, "off", or a mapping with keys such as',
        ),
        (
            "{kl_high: {warning: true}}",
            '.kl_high.warning: must be a number, "off", or a mapping with keys such as',
        ),
        (
            "{kl_high: {warning: }}",
            '.kl_high.warning: must be a number, "off", or a mapping with keys such as',
        ),
        ("{kl_high: 5}", ".kl_high: must be a mapping of names to values, not 5"),
        ("{kl_high: {warning: 0}}", ".kl_high.warning.limit: must be above 0, not 0"),
        ("{kl_high: {warning: -1}}", ".kl_high.warning.limit: must be above 0, not -1"),
        ("{kl_high: {warning: {floor: 0}}}", ".kl_high.warning.floor: must be above 0, not 0"),
        ("{kl_high: {warning: .inf}}", ".kl_high.warning.limit: must be a finite number"),
        ("{kl_high: {warning: {limt: 3}}}", ".kl_high.warning.limt: unknown key; did you mean limit?"),
        ("{kl_high: {warning: {records: 0}}}", ".kl_high.warning.records: must be at least 1, not 0"),
        ("{kl_high: {warning: {records: 1.5}}}", ".kl_high.warning.records: must be a whole number, not 1.5"),
        ("{kl_high: {warning: {records: 1001}}}", ".kl_high.warning.records: must be at most 1000"),
        ("{kl_high: {warning: {floor: true}}}", ".kl_high.warning.floor: must be a number, not true"),
        (
            "{kl_spike: {critical: {records: 5}}}",
            ".kl_spike.critical: within must be at least as many as records",
        ),
        ("{kl_spike: {warning: 0.5}}", ".kl_spike.warning: must be above 1: it is so many times"),
        ("{length_collapse: {warning: 2}}", ".length_collapse.warning: must be below 1: it is a share"),
        ("{reward_drop: {warning: 30}}", ".reward_drop.warning: must be below 1: it is a share"),
        ("{clipped_high: {warning: 30}}", ".clipped_high.warning: must be at most 1: it is a share"),
        ("{collapse: {critical: 3}}", ".collapse.critical: collapse has no limit that can be changed"),
    ],
)
def test_a_wrong_limit_is_told_with_its_place(limits: str, told: str, tmp_path: Path) -> None:
    """Signal, severity and what is allowed, and nothing that only follows from it."""
    [problem] = problems(f"{BASE}\n {limits}}}}}", tmp_path)
    assert problem.startswith(f"line 2: profiles.a.limits{told}")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "{a: {inherits: grp}}",
            'profiles.a.inherits: must be one of grpo, ppo, sft, dpo, reward_model, generic, not "grp"',
        ),
        ("{a: {inherits: a}}", "profiles.a.inherits: inherits from itself: a -> a"),
        ("{sft: {inherits: grpo}}", "profiles.sft: is a built-in profile; choose another name"),
        ("{a: {limits: {}}}", "profiles.a.inherits: is missing"),
        ("{a: 3}", "profiles.a: must be a mapping with keys such as inherits and limits, not 3"),
        ("{a: {inherit: sft, inherits: sft}}", "profiles.a.inherit: unknown key; did you mean inherits?"),
        ("{'': {inherits: sft}}", "profiles.: must not be empty"),
        ("[a]", 'profiles: must be a mapping of names to values, not ["a"]'),
    ],
)
def test_a_wrong_profile_is_told(said: str, told: str, tmp_path: Path) -> None:
    """Unknown bases, names that are taken, loops, and what is no profile at all."""
    assert problems(f"profiles: {said}", tmp_path) == [f"line 1: {told}"]


def test_a_loop_is_told_and_not_followed(tmp_path: Path) -> None:
    """Each of its members; one that only inherits from them is not to blame."""
    told = problems("profiles: {a: {inherits: b}, b: {inherits: a}, c: {inherits: a}}", tmp_path)
    assert [problem.partition(": inherits from itself: ")[2] for problem in told] == [
        "a -> b -> a",
        "b -> a -> b",
    ]


def test_a_rule_may_name_a_profile_from_elsewhere(tmp_path: Path) -> None:
    """The file defines it, a flag assigns it; one that is nowhere is told with all there are."""
    file = tmp_path / "llmtrain.yml"
    file.write_text("profiles: {mine: {inherits: sft}}")
    flags = {"runs": "[{match: 'a*', profile: mine}]"}
    assert configure(EXPORTER, flags, {}, str(file)).settings.assign("ab").profile == "mine"
    with pytest.raises(ConfigError, match="must be one of grpo, ppo, sft, dpo, reward_model, generic, not"):
        configure(EXPORTER, flags, {}, None)


def test_profiles_are_shown_as_they_can_be_written(tmp_path: Path) -> None:
    """Off, numbers and mappings come back as they were said."""
    said = {"mine": {"inherits": "sft", "limits": {"overfit": {"warning": 3.0, "critical": "off"}}}}
    file = tmp_path / "llmtrain.yml"
    file.write_text(show(configure(EXPORTER, {"profiles": str(said)}, {}, None)))
    assert yaml.safe_load(file.read_text())["profiles"] == said
    assert configure(EXPORTER, {}, {}, str(file)).settings.known_profiles["mine"].base == "sft"


def test_a_run_is_held_against_its_own_limits() -> None:
    """Its profile is the own name, its base the built-in one."""
    known = profiles(
        "{mine: {inherits: grpo, limits: {kl_high: {warning: 50, critical: 100}, kl_spike: "
        "{warning: off, critical: off}}}}"
    )
    own = folded(20.0, RunOptions(profile="mine", profiles=known))
    assert (own.profile, own.base) == ("mine", "grpo")
    assert own.limits is known["mine"].limits
    assert signals(own) == {}
    assert signals(folded(20.0, RunOptions(profiles=known)))["kl_high"] is CRITICAL


def test_the_rules_of_the_base_apply_though_its_signals_are_off() -> None:
    """A GRPO loss is read as one, whether or not kl is watched."""
    known = profiles("{mine: {inherits: grpo, limits: {kl_spike: {warning: off, critical: off}}}}")
    assert "kl_spike" not in signals(folded(0.5, RunOptions(profile="mine", profiles=known)))
    assert "kl_spike" in signals(folded(0.5, RunOptions()))


@pytest.mark.parametrize(
    ("limits", "seconds", "state", "severity"),
    [
        ("{}", pace.STALL_SECONDS + 1, State.STALLED, WARNING),
        ("{stalled: {warning: {floor: 1000}, critical: {floor: 2000}}}", 999, State.RUNNING, None),
        ("{stalled: {warning: {floor: 1000}, critical: {floor: 2000}}}", 1001, State.STALLED, WARNING),
        ("{stalled: {warning: {floor: 1000}, critical: {floor: 2000}}}", 2001, State.STALLED, CRITICAL),
        ("{stalled: {warning: off}}", pace.STALL_SECONDS + 1, State.RUNNING, None),
        ("{stalled: {warning: off}}", pace.HUNG * pace.STALL_SECONDS + 1, State.STALLED, CRITICAL),
        ("{stalled: {warning: off, critical: off}}", 1e6, State.RUNNING, None),
    ],
)
def test_how_long_a_run_may_be_silent_is_the_profiles(
    limits: str, seconds: float, state: State, severity: Severity | None
) -> None:
    """The one signal that only a clock shows follows the own limits too."""
    known = profiles(f"{{mine: {{inherits: sft, limits: {limits}}}}}")
    run = Run(RunOptions(profile="mine", profiles=known), HyperParameters())
    reader = Readers().reader(registered()["swift"])
    for step in (1, 2, 3):
        for record in reader.read(log_row({"loss": 1.0, "global_step/max_steps": f"{step}/100"})):
            assert isinstance(record, Record)
            run.fold(record, 1000.0 + step)
    now = 1003.0 + seconds
    assert (run.state(now), run.stalled(now)) == (state, severity)
    assert (run.changes_at(now) == math.inf) == (severity is CRITICAL or "off, critical: off" in limits)
