"""What an entry of the knowledge lacks is said in one sentence, and nothing fails before that is said."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import ClassVar

import pytest
from llmtrain_exporter import knowledge
from llmtrain_exporter.analyse import signals as rules
from llmtrain_exporter.analyse.signals.rule import LOSS, Readings, RecordView, Rule, SignalReading
from llmtrain_exporter.cli.options import LANGUAGES
from llmtrain_exporter.knowledge import analysis_metrics, catalogue, validation
from llmtrain_exporter.knowledge import sources as src
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.evidence import Signalled
from llmtrain_exporter.knowledge.meaning import Good, Healthy, LimitOf, Meaning
from llmtrain_exporter.knowledge.metric import Group, Metric
from llmtrain_exporter.knowledge.profile import DPO, GRPO, SFT
from llmtrain_exporter.knowledge.remedy import ONLY_GRPO, Remedy
from llmtrain_exporter.knowledge.signal import Advice, Bound, Family, FoundBy, Severity, Signal
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.model import Series

ANALYSE = Path(rules.__file__).parent.parent
SAID = Text("Said.", "说明。")
ENGLISH = Text("Said.", "")
MFU = Metric("llmtrain_mfu_ratio", Group.DERIVED, "Model FLOPs utilisation.")
SUBJECTS = [
    import_module(module.name) for module in iter_modules(catalogue.__path__, f"{catalogue.__name__}.")
]
TABLED = [module for module in SUBJECTS if hasattr(module, "METRICS")]
ADVICE = Advice(SAID, SAID, SAID, SAID, SAID, ("slow",), (SAID,), ("look",), (src.RUNS,))
LIMITS = {GRPO: {Severity.WARNING: Bound(0.2, src.RUNS)}}
WHOLE = Signal("mfu_drop", Family.PROGRESS, (MFU,), below=True, limits=LIMITS, advice=ADVICE)
MEANING = Meaning(SAID, Good.UP, (src.RUNS,))
CAUSE = Cause(SAID, SAID, (Signalled(signals=("mfu_drop",)),), ("look",), (src.RUNS,))
AGAINST = Signalled(signals=("mfu_drop",), weight=-1)
REMEDY = Remedy(SAID, SAID, (src.RUNS,))
TABLES = validation.Tables(
    {"mfu_drop": WHOLE}, (MFU,), {MFU: MEANING}, {"slow": CAUSE}, {"look": REMEDY}, (), ()
)


def sentences(tables: validation.Tables) -> list[str]:
    """What is said of made-up tables, without the limits that real texts name."""
    return [said for said in validation.problems(tables) if not said.startswith("the placeholder")]


def test_nothing_is_missing() -> None:
    """Every signal, metric, cause, remedy and number has all that it needs, and every signal its rule."""
    assert knowledge.validate() == []
    assert rules.validate() == []


def test_a_complete_entry_is_passed() -> None:
    """The entry from which the others here are made lacks nothing."""
    assert sentences(TABLES) == []


BARE = Signal("mfu_drop", Family.PROGRESS, ())
SIGNALS = [
    (BARE, "signal mfu_drop has no metric"),
    (BARE, "signal mfu_drop has no limit in any profile"),
    (BARE, "signal mfu_drop has no advice in en"),
    (BARE, "signal mfu_drop has no advice in zh"),
    (BARE, "signal mfu_drop has no diagnosis"),
    (BARE, "signal mfu_drop has no causes"),
    (BARE, "signal mfu_drop has no remedies"),
    (BARE, "signal mfu_drop has no sources"),
    (
        replace(WHOLE, advice=Advice(ENGLISH, ENGLISH, ENGLISH, ENGLISH, ENGLISH)),
        "signal mfu_drop has no advice in zh",
    ),
    (replace(WHOLE, advice=replace(ADVICE, impact=ENGLISH)), "signal mfu_drop has no impact in zh"),
    (
        replace(WHOLE, advice=replace(ADVICE, finding=Text("{vale} at {step}.", "第 {step} 步为 {value}。"))),
        "signal mfu_drop leaves vale blank, which is unknown",
    ),
    (
        replace(WHOLE, advice=replace(ADVICE, diagnosis=(SAID, ENGLISH))),
        "signal mfu_drop has no diagnosis 2 in zh",
    ),
    (
        replace(WHOLE, advice=replace(ADVICE, baselines={"eval": ENGLISH})),
        "signal mfu_drop has no name of the eval baseline in zh",
    ),
    (
        replace(WHOLE, advice=replace(ADVICE, causes=("slow", "slow_disc"))),
        "signal mfu_drop names the cause slow_disc, which does not exist",
    ),
    (
        replace(WHOLE, advice=replace(ADVICE, remedies=("look", "hope"))),
        "signal mfu_drop names the remedy hope, which does not exist",
    ),
    (
        replace(WHOLE, metrics=(catalogue.MEMORY,)),
        "signal mfu_drop is about llmtrain_memory_bytes, which is not in the catalogue",
    ),
    (replace(WHOLE, limit_phrase=ENGLISH), "signal mfu_drop has no limit phrase in zh"),
    (replace(WHOLE, limits={GRPO: {}}), "signal mfu_drop, profile grpo, has no limit"),
    (
        replace(WHOLE, limits={"gpro": LIMITS[GRPO]}),
        "signal mfu_drop, profile gpro, is not one of the profiles "
        "grpo, ppo, sft, dpo, reward_model, generic",
    ),
    (
        replace(WHOLE, limits={GRPO: {Severity.WARNING: Bound(0.2, ENGLISH)}}),
        "signal mfu_drop, profile grpo, has no source of its warning limit in zh",
    ),
    (
        replace(
            WHOLE,
            limits={GRPO: {Severity.CRITICAL: Bound(0.1, src.RUNS), Severity.WARNING: Bound(0.2, src.RUNS)}},
        ),
        "signal mfu_drop, profile grpo, has critical before warning",
    ),
    (
        replace(
            WHOLE,
            limits={GRPO: {Severity.WARNING: Bound(0.1, src.RUNS), Severity.CRITICAL: Bound(0.2, src.RUNS)}},
        ),
        "signal mfu_drop, profile grpo, is critical before it is warning",
    ),
    (replace(WHOLE, limits={SFT: LIMITS[GRPO]}), "signal mfu_drop answers no question of the checklists"),
]


@pytest.mark.parametrize(("signal", "sentence"), SIGNALS, ids=[sentence for _, sentence in SIGNALS])
def test_what_a_signal_lacks_is_said(signal: Signal, sentence: str) -> None:
    """One sentence names the signal, what it lacks, and where."""
    assert sentence in sentences(replace(TABLES, signals={"mfu_drop": signal}))


def test_a_signal_has_a_cause_and_a_remedy_in_each_of_its_profiles() -> None:
    """What applies to one kind of training alone leaves the others without."""
    tables = replace(
        TABLES,
        signals={"mfu_drop": replace(WHOLE, limits={**LIMITS, DPO: LIMITS[GRPO]})},
        causes={"slow": replace(CAUSE, profiles=ONLY_GRPO)},
        remedies={"look": replace(REMEDY, profiles=ONLY_GRPO)},
    )
    assert sentences(tables) == [
        "signal mfu_drop has no cause in the profile dpo",
        "signal mfu_drop has no remedy in the profile dpo",
    ]


LIMIT = LimitOf("mfu_drop", Severity.CRITICAL)
OTHERS = [
    (replace(TABLES, meanings={}), "metric llmtrain_mfu_ratio has no meaning"),
    (
        replace(TABLES, meanings={MFU: replace(MEANING, what=ENGLISH)}),
        "metric llmtrain_mfu_ratio has no meaning in zh",
    ),
    (
        replace(TABLES, meanings={MFU: replace(MEANING, sources=())}),
        "metric llmtrain_mfu_ratio has no source",
    ),
    (
        replace(TABLES, meanings={MFU: replace(MEANING, parts={"a*": replace(MEANING, sources=())})}),
        "metric llmtrain_mfu_ratio, a*, has no source",
    ),
    (
        replace(TABLES, meanings={MFU: replace(MEANING, healthy={GRPO: Healthy(note=ENGLISH)})}),
        "metric llmtrain_mfu_ratio has no note on what is healthy in grpo in zh",
    ),
    (
        replace(TABLES, meanings={MFU: replace(MEANING, healthy={GRPO: Healthy(low=LIMIT)})}),
        "metric llmtrain_mfu_ratio, profile grpo, is healthy up to the critical limit of mfu_drop, "
        "which has none",
    ),
    (
        replace(TABLES, meanings={MFU: MEANING, catalogue.KL: MEANING}),
        "a meaning is of llmtrain_kl, which is not in the catalogue",
    ),
    (replace(TABLES, causes={"slow": replace(CAUSE, how=ENGLISH)}), "cause slow has no text in zh"),
    (replace(TABLES, causes={"slow": replace(CAUSE, name=ENGLISH)}), "cause slow has no name in zh"),
    (replace(TABLES, causes={"slow": replace(CAUSE, sources=())}), "cause slow has no source"),
    (replace(TABLES, causes={"slow": CAUSE, "odd": CAUSE}), "cause odd is named by no signal"),
    (replace(TABLES, causes={"slow": replace(CAUSE, evidence=())}), "cause slow has no evidence"),
    (
        replace(TABLES, causes={"slow": replace(CAUSE, evidence=(AGAINST,))}),
        "cause slow has nothing that speaks for it",
    ),
    (
        replace(TABLES, causes={"slow": replace(CAUSE, evidence=(Signalled(signals=("mfu_dorp",)),))}),
        "cause slow names the signal mfu_dorp, which does not exist",
    ),
    (
        replace(TABLES, causes={"slow": replace(CAUSE, remedies=("lok",))}),
        "cause slow names the remedy lok, which does not exist",
    ),
    (
        replace(TABLES, remedies={"look": replace(REMEDY, profiles=frozenset())}),
        "cause slow names the remedy look, which none of its profiles has",
    ),
    (replace(TABLES, remedies={"look": replace(REMEDY, title=ENGLISH)}), "remedy look has no title in zh"),
    (replace(TABLES, remedies={"look": replace(REMEDY, how=ENGLISH)}), "remedy look has no text in zh"),
    (replace(TABLES, remedies={"look": replace(REMEDY, sources=())}), "remedy look has no source"),
    (replace(TABLES, remedies={"look": REMEDY, "odd": REMEDY}), "remedy odd is named by no cause"),
    (replace(TABLES, asked=("mfu_dorp",)), "a checklist names the signal mfu_dorp, which does not exist"),
]


@pytest.mark.parametrize(("tables", "sentence"), OTHERS, ids=[sentence for _, sentence in OTHERS])
def test_what_another_entry_lacks_is_said(tables: validation.Tables, sentence: str) -> None:
    """The same for metrics and their meanings, causes, remedies, and whatever names a signal."""
    assert sentence in sentences(tables)


@pytest.mark.parametrize(
    "text",
    [
        "PATIENCE = 3",
        "PATIENCE: int = 3",
        "from typing import Annotated\nPATIENCE: Annotated[int, 'records'] = 3",
        "from typing import Annotated\nPATIENCE: Annotated[int, '', 'guide'] = 3",
    ],
)
def test_a_number_without_unit_or_source_is_said(text: str) -> None:
    """A number that rules go by says what it is in and where it comes from."""
    module = ModuleType("made.up")
    exec(text, module.__dict__)
    assert sentences(replace(TABLES, numbered=(module,))) == ["number PATIENCE of up has no unit and source"]


class Found(Rule):
    """A rule as it should be."""

    signal = WHOLE
    watched: ClassVar[tuple[Series, ...]] = (LOSS,)

    def read(self, view: RecordView) -> SignalReading | None:
        """The loss."""
        return SignalReading(view.values[LOSS], view.values[LOSS], LOSS)


class Again(Found):
    """Another for the same profiles."""


class Elsewhere(Found):
    """One for a profile that the signal does not have."""

    profiles = (DPO,)


class Blind(Rule):
    """One that watches and does not read."""

    signal = WHOLE
    watched: ClassVar[tuple[Series, ...]] = (LOSS,)


class Unwatched(Found):
    """One that reads and watches nothing."""

    watched: ClassVar[tuple[Series, ...]] = ()


class Slow(Rule):
    """One that reads blocks alone."""

    signal = WHOLE

    def look_back(self, view: RecordView) -> Readings:
        """Nothing."""
        yield from [None] * view.index


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((Found,), []),
        ((Slow,), []),
        ((), ["signal mfu_drop has no rule"]),
        ((Found, Again), ["signal mfu_drop has 2 rules in the profile grpo"]),
        ((Elsewhere,), ["signal mfu_drop has no rules in the profile grpo"]),
        (
            (Blind,),
            ["rule Blind watches series and does not read records", "rule Blind reads nothing"],
        ),
        ((Unwatched,), ["rule Unwatched reads records and watches no series"]),
    ],
)
def test_signals_and_rules_that_do_not_fit_are_said(found: tuple[type[Rule], ...], said: list[str]) -> None:
    """A signal has one rule in each of its profiles, and a rule reads what it watches."""
    assert rules.validate(found, {"mfu_drop": WHOLE}) == said


def test_a_rule_that_is_not_needed_is_said() -> None:
    """A signal that the clock finds has no rule, and a rule finds a signal that is registered."""
    by_clock = replace(WHOLE, found_by=FoundBy.CLOCK)
    rule = type("Rule", (Found,), {"signal": by_clock})
    assert rules.validate((rule,), {"mfu_drop": by_clock}) == [
        "signal mfu_drop has the rule Rule and is found without"
    ]
    assert rules.validate((Found,), {}) == [
        "rule Found finds the signal mfu_drop, which is not among the signals"
    ]


def test_an_incomplete_signal_stops_no_import() -> None:
    """Whoever adds a signal sees what it lacks, and no traceback from tables that are made of it."""
    program = """
from llmtrain_exporter.knowledge import signals
from llmtrain_exporter.knowledge.signal import Family, Signal
signals.SIGNALS["mfu_drop"] = Signal("mfu_drop", Family.PROGRESS, ())
import llmtrain_exporter.bundle, llmtrain_exporter.cli, llmtrain_exporter.analyse.run
from llmtrain_exporter.knowledge import alerting, causes, meanings, remedies, validate
print(*validate(), sep="\\n")
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.stderr == ""
    assert "signal mfu_drop has no advice in zh" in answer.stdout.splitlines()


@pytest.mark.parametrize("table", [analysis_metrics, *TABLED])
def test_every_metric_that_is_defined_is_in_its_table(table: ModuleType) -> None:
    """The tables are written down by hand; one that is forgotten would not be exposed."""
    defined = [name for name, value in vars(table).items() if isinstance(value, Metric)]
    assert [name for name in defined if getattr(table, name) not in table.METRICS] == []
    assert len(set(table.METRICS)) == len(table.METRICS) > 0


def test_every_subject_is_in_the_catalogue() -> None:
    """A module that nobody lists would not be exposed; what is asked for by the catalogue's name is in it."""
    listed = [metric for table in TABLED for metric in table.METRICS]
    assert set(listed) == set(catalogue.METRICS)
    assert len(listed) == len(catalogue.METRICS) == len({metric.name for metric in listed})
    assert {getattr(catalogue, name) for name in catalogue.__all__} - {catalogue.METRICS} <= set(listed)


def numbers_in(path: Path, *types: type) -> list[str]:
    """The numbers of these types in a module, those left out that every program has."""
    constants = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    return [
        f"{path.name}:{node.lineno}: {node.value!r}"
        for node in constants
        if type(node.value) in types and node.value not in (0, 1, 2, 0.5)
    ]


@pytest.mark.parametrize(
    "path",
    [
        *sorted((ANALYSE / "signals").glob("*.py")),
        *(ANALYSE / f"{name}.py" for name in ("incidents", "spikes")),
    ],
    ids=lambda path: path.name,
)
def test_rules_hold_no_numbers_of_their_own(path: Path) -> None:
    """What a rule goes by stands in the knowledge, with its unit and its source."""
    assert numbers_in(path, int, float) == []


def test_the_analysis_holds_no_thresholds() -> None:
    """Elsewhere in the analysis whole numbers say how much is remembered; levels are plain arithmetic."""
    paths = [path for path in ANALYSE.rglob("*.py") if path.name != "baseline.py"]
    assert [number for path in paths for number in numbers_in(path, float)] == []


def test_a_number_in_a_rule_is_found(tmp_path: Path) -> None:
    """Halves, signs and doubles are arithmetic; anything else is a limit."""
    module = tmp_path / "rule.py"
    module.write_text("a = 0.5 * b + 1 - 2\nc = b > 0.7")
    assert numbers_in(module, float) == ["rule.py:2: 0.7"]
    assert numbers_in(module, int) == []


def test_the_command_line_offers_every_language() -> None:
    """What can be written can be asked for."""
    assert list(LANGUAGES) == [lang.value for lang in Lang]


def test_a_text_is_english_where_nobody_wrote_it_in_that_language() -> None:
    """Who reads a language that we do not have reads English, not Chinese."""

    class Other(str, Enum):
        FRENCH = "fr"

    assert Text("loss", "损失").of(Lang.ZH) == "损失"
    assert Text("loss", "损失").of(Other.FRENCH) == "loss"  # type: ignore[arg-type]
    assert Text("loss", "").of(Lang.ZH) == "loss"
