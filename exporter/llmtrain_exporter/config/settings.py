"""Every setting of the exporter, once: its name, default, constraint and description.

All else follows from here: flags, variables, documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from llmtrain_exporter.config.engine import Schema
from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.flag_values import Form, FromText
from llmtrain_exporter.config.messages import wrong_value
from llmtrain_exporter.config.profiles import ProfileRule, resolve
from llmtrain_exporter.config.remote_write import RemoteWrites, names_differ
from llmtrain_exporter.config.run_rules import Labels, RunRule
from llmtrain_exporter.config.values import (
    NEVER,
    UNITS,
    Age,
    Count,
    HostNames,
    ListenAddress,
    Name,
    Names,
    OneOrMore,
    PrintedLogs,
    Seconds,
    Size,
    address,
)
from llmtrain_exporter.knowledge.guarding import FREE_BYTES, KEEP, KEPT_FOLDER
from llmtrain_exporter.knowledge.signal import Profile
from llmtrain_exporter.knowledge.signals import BUILT_IN
from llmtrain_exporter.knowledge.variables import PREFIX
from llmtrain_exporter.model.assignment import Assignment

Level = Literal["debug", "info", "warning", "error"]


class Settings(SettingsSection):
    """What can be set, by file, environment (LLMTRAIN_*) and flags."""

    paths: Annotated[Names, FromText("PATH", Form.LIST, positional=True)] = Field(
        default=(), description="Folders and files to watch."
    )
    listen: Annotated[ListenAddress, FromText("HOST:PORT")] = Field(
        default="127.0.0.1:9848", description="Address to serve /metrics and the pages on."
    )
    web_config_file: Annotated[str | None, FromText("FILE", flag="web.config.file")] = Field(
        default=None, description="TLS and passwords, in the format of the Prometheus exporter toolkit."
    )
    allowed_hosts: Annotated[HostNames, FromText("NAME", Form.LIST, flag="allowed-host")] = Field(
        default=(),
        description="Names under which it may be asked besides its address, such as llm.example.org or "
        "*.example.org. On a loopback address no other name is answered; elsewhere any is, without a list.",
    )
    stdout_log: Annotated[PrintedLogs, FromText("GLOB", Form.LIST)] = Field(
        default=(),
        description='Odd file names of printed logs (a trainer\'s standard output), such as "console*.txt". '
        'Those called *.log and *.out are found by their content; "never": none is looked for.',
    )
    max_depth: Annotated[Count, FromText("N")] = Field(
        default=8, description="How many folders deep to look for logs below each path."
    )
    ignore_older: Annotated[Age, FromText("DURATION")] = Field(
        default=7 * UNITS["d"],
        description='Leave out runs that are silent for so long; "0" or "never": no limit.',
    )
    settle: Annotated[Age, FromText("DURATION")] = Field(
        default=1 * UNITS["h"],
        description="Expose only a dozen series of a run that has ended so long ago; pages and API show all. "
        '"0" or "never": always all.',
    )
    scan_interval: Annotated[Seconds, Field(ge=0.1), FromText("DURATION")] = Field(
        default=9.0, description="Time between two looks for new runs."
    )
    poll_interval: Annotated[Seconds, Field(ge=0.01), FromText("DURATION")] = Field(
        default=0.1, description="Time between two looks for new lines."
    )
    logging_steps: Annotated[OneOrMore | None, FromText("N")] = Field(
        default=None, description="Steps from one record to the next in printed logs that do not say so."
    )
    labels: Annotated[Labels, FromText("NAME=VALUE", Form.PAIRS, flag="label")] = Field(
        default={}, description="Labels for the run_info of every run."
    )
    profiles: Annotated[Mapping[Name, ProfileRule], FromText("YAML", Form.YAML)] = Field(
        default={},
        description="Profiles of your own by name, as YAML: each inherits from grpo, ppo, sft, dpo, "
        "reward_model, generic or another own one, and has limits by signal and severity: a number, a "
        "mapping with limit, records, within and floor, or off. runs assigns them.",
    )
    runs: Annotated[tuple[RunRule, ...], FromText("YAML", Form.YAML)] = Field(
        default=(),
        description="Rules for runs by name, as YAML: each has match (a glob) or regex, and name, profile or "
        "labels. All that match apply; what a later one says wins.",
    )
    remote_write: Annotated[RemoteWrites, FromText("URL", Form.LIST)] = Field(
        default=(),
        description="Where every record is sent at its own time: servers that take remote write, such as "
        "http://prometheus:9090/api/v1/write. In a file each can have basic_auth, authorization, headers, "
        "tls_config and labels, as Prometheus' own remote_write has them.",
    )
    state_dir: Annotated[str | None, FromText("DIR")] = Field(
        default=None,
        description="Where it keeps what is known of finished runs, and up to where each log was sent; "
        "without it below ~/.local/state. To delete that is harmless. Your own notes about runs may lie "
        'there, in notes.yml: a line `"run or glob": text` each.',
    )
    protect: Annotated[bool, FromText(form=Form.TRUTH)] = Field(
        default=False,
        description=f"Keep good checkpoints of a run that gets into trouble from its trainer's rotation, in "
        f"{KEPT_FOLDER} below its output folder, which it then must be able to write to.",
    )
    keep: Annotated[OneOrMore, FromText("N")] = Field(
        default=KEEP, description="Checkpoints of a run that are kept at most, where it protects."
    )
    keep_free: Annotated[Size, FromText("SIZE")] = Field(
        default=FREE_BYTES,
        description="What it leaves free on a disk: nothing is kept below that, and what is kept goes again, "
        "the oldest first.",
    )
    keep_from: Annotated[Literal["warning", "start"], FromText("warning|start")] = Field(
        default="warning",
        description="Since when checkpoints of a run are kept: its first warning, or its start, so that "
        "there are older ones where its trainer leaves but one or two.",
    )
    max_other_keys: Annotated[Count, FromText("N")] = Field(
        default=100, description="Log keys of a run without a metric of their own that are exposed at most."
    )
    max_reward_functions: Annotated[Count, FromText("N")] = Field(
        default=100, description="Reward functions of a run that are exposed at most."
    )
    history_metrics: Annotated[Names, FromText("GLOB", Form.LIST, flag="history-metric")] = Field(
        default=("*",),
        description="Metrics of which every record is kept with its own time, where it is sent somewhere: "
        'globs such as "loss" and "reward*", of which the last that fits decides; "!other" leaves out.',
    )
    max_runs: Annotated[OneOrMore, FromText("N")] = Field(
        default=20000, description="Runs that are watched at most."
    )
    log_format: Annotated[Literal["text", "json"], FromText("text|json")] = Field(
        default="text", description="How the exporter writes its own log, on standard error."
    )
    log_level: Annotated[Level, FromText("debug|info|warning|error")] = Field(
        default="warning", description="The least severe messages of that log."
    )

    @model_validator(mode="after")
    def _profiles_known(self) -> Settings:
        _, problems = resolve(self.profiles)
        wrong = [wrong_value(*problem) for problem in problems]
        names = list(dict.fromkeys((*BUILT_IN, *self.profiles)))
        for at, rule in enumerate(self.runs):
            if rule.profile is not None and rule.profile not in names:
                allowed = f"must be one of {', '.join(names)}"
                wrong.append(wrong_value(("runs", at, "profile"), rule.profile, allowed, "profiles"))
        if wrong:
            raise ValidationError.from_exception_data("Settings", wrong)
        return self

    @model_validator(mode="after")
    def _servers_known_apart(self) -> Settings:
        names_differ(self.remote_write, "Settings")
        return self

    @property
    def known_profiles(self) -> Mapping[str, Profile]:
        """All profiles by name, the built-in ones too."""
        return resolve(self.profiles)[0]

    @property
    def printed_logs(self) -> tuple[str, ...]:
        """The operator's names of printed logs."""
        return self.stdout_log if self.finds_printed_logs else ()

    @property
    def finds_printed_logs(self) -> bool:
        """Whether printed logs are looked for by their content."""
        return self.stdout_log != (NEVER,)

    @property
    def protection(self) -> tuple[bool, int, int, str]:
        """What is said of protecting runs."""
        return self.protect, self.keep, self.keep_free, self.keep_from

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        return address(self.listen)

    def assign(self, run: str) -> Assignment:
        """What the rules say of a run that its folder names `run`. Two runs may get the same new name."""
        name, profile, labels = run, None, dict(self.labels)
        for rule in self.runs:
            renamed = rule.rename(run)
            if renamed is not None:
                name = renamed if rule.name else name
                profile = rule.profile or profile
                labels.update(rule.labels)
        return Assignment(name, profile, labels)


EXPORTER = Schema(Settings, PREFIX, "listen: 127.0.0.1:9848")
