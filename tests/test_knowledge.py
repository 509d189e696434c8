"""The tables of knowledge are complete, speak both languages alike, and propose the right values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from fnmatch import fnmatchcase

import pytest
from llmtrain_exporter.analyse.diagnosis.case import Case
from llmtrain_exporter.analyse.diagnosis.prescribing import proposals, worked_out
from llmtrain_exporter.knowledge import (
    analysis_metrics,
    arguments,
    catalogue,
    guard_metrics,
    profile,
    sources,
    text,
)
from llmtrain_exporter.knowledge.cause import Cause
from llmtrain_exporter.knowledge.causes import CAUSES
from llmtrain_exporter.knowledge.checklists import BEST_CHECKPOINT, CHECKLISTS, SETUP
from llmtrain_exporter.knowledge.evidence import Signalled
from llmtrain_exporter.knowledge.meaning import Healthy, LimitOf, Meaning, Worry, is_healthy, number
from llmtrain_exporter.knowledge.meanings import MEANINGS
from llmtrain_exporter.knowledge.producers import PRODUCERS
from llmtrain_exporter.knowledge.recoveries import RECOVERIES
from llmtrain_exporter.knowledge.remedies import REMEDIES
from llmtrain_exporter.knowledge.remedy import (
    Change,
    Choice,
    Ladder,
    Scale,
    ValueRule,
)
from llmtrain_exporter.knowledge.signal import Severity, Signal
from llmtrain_exporter.knowledge.signals import LIMITS, SIGNALS
from llmtrain_exporter.knowledge.spikes import SPIKES
from llmtrain_exporter.knowledge.text import Lang, Text
from llmtrain_exporter.knowledge.validation import NUMBERED, units
from llmtrain_exporter.model import HyperParameters, Proposal

from tests.serving import RUN

ADVICE = {name: signal.advice for name, signal in SIGNALS.items()}
METRICS = (*catalogue.METRICS, *analysis_metrics.METRICS, *guard_metrics.METRICS)
NAMED = {producer.name: producer for producer in PRODUCERS}
SOURCES = {name: entry for name, entry in vars(sources).items() if isinstance(entry, Text)}
TABLES = {
    "advice": ADVICE,
    "causes": CAUSES,
    "recoveries": RECOVERIES,
    "remedies": REMEDIES,
    "meanings": {metric.name: meaning for metric, meaning in MEANINGS.items()},
    "checklists": {str(place): entry for place, entry in enumerate((*CHECKLISTS, *BEST_CHECKPOINT))},
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]")
NUMBER = re.compile(r"(?<![\w.{])\d+(?:[.,]\d+)*(?![\w}])")
NO_TEXTS = {"source", "sources", "metric", "metrics", "related"}
UNREAD = {  # settings that a remedy names and no argument file is read for
    *("resume_from_checkpoint", "stop_words"),
}


def texts_in(entry: object, where: str) -> Iterator[tuple[str, Text]]:
    """Every text in a table, with its place. Names of sources are no texts of the table."""
    if isinstance(entry, Text):
        yield where, entry
        return
    for name, part in parts_of(entry):
        yield from texts_in(part, f"{where}.{name}")


def parts_of(entry: object) -> Iterable[tuple[object, object]]:
    """What an entry consists of, by name or place."""
    if isinstance(entry, Mapping):
        return entry.items()
    if isinstance(entry, tuple):
        return enumerate(entry)
    if is_dataclass(entry):
        return [(one.name, getattr(entry, one.name)) for one in fields(entry) if one.name not in NO_TEXTS]
    return ()


TEXTS = dict(texts_in(TABLES, ""))


def placeholders(written: str) -> Counter[str]:
    """How often each placeholder stands in a text."""
    return Counter(text.PATTERN.findall(written))


def meanings() -> Iterator[Meaning]:
    """Every meaning, those of parts too."""
    for meaning in MEANINGS.values():
        yield meaning
        yield from meaning.parts.values()


def test_every_metric_has_a_meaning() -> None:
    """Whatever is exposed is explained, and nothing is explained that does not exist."""
    assert {metric.name for metric in METRICS} == {metric.name for metric in MEANINGS}
    assert [meaning.what.en for meaning in meanings() if not meaning.sources] == []


def causes_of(signal: str, profile: str) -> list[str]:
    """Those that a signal names and that a run of the profile can have."""
    return [name for name in ADVICE[signal].causes if profile in CAUSES[name].profiles]


def remedies_for(signal: str, profile: str) -> list[str]:
    """The same of remedies."""
    return [name for name in ADVICE[signal].remedies if profile in REMEDIES[name].profiles]


def test_every_signal_has_advice() -> None:
    """Each signal is explained, in every profile that has it, with a cause, a remedy and a check."""
    assert set(ADVICE) == set(SIGNALS)
    pairs = [(signal, kind) for kind, limits in LIMITS.items() for signal in limits]
    assert [pair for pair in pairs if not causes_of(*pair) or not remedies_for(*pair)] == []
    assert [name for name, advice in ADVICE.items() if not advice.diagnosis or not advice.sources] == []


def signals_of(cause: Cause) -> Iterator[str]:
    """The signals that are evidence for a cause, or against it."""
    for evidence in cause.evidence:
        yield from evidence.signals if isinstance(evidence, Signalled) else ()


def test_references_point_at_entries_and_no_entry_is_left_over() -> None:
    """Ids of causes, remedies and signals exist, and each cause, remedy and source is referred to."""
    assert {name for advice in ADVICE.values() for name in advice.causes} == set(CAUSES)
    assert {name for advice in ADVICE.values() for name in advice.remedies} == set(REMEDIES)
    named = {
        *(signal for cause in CAUSES.values() for signal in signals_of(cause)),
        *(signal for checklist in CHECKLISTS for check in checklist.checks for signal in check.signals),
        *(rule.unless for rule in BEST_CHECKPOINT if rule.unless),
        *(signal for signal, _ in text.RUN_LIMITS.values()),
    }
    assert named <= set(SIGNALS)


def test_every_source_is_cited() -> None:
    """A section of a guide or a paper that nothing refers to is either missing work or left over."""
    cited = {
        *(source.en for advice in ADVICE.values() for source in advice.sources),
        *(source.en for cause in CAUSES.values() for source in cause.sources),
        *(source.en for remedy in REMEDIES.values() for source in remedy.sources),
        *(source.en for meaning in meanings() for source in meaning.sources),
        *(checklist.source.en for checklist in CHECKLISTS),
        *(
            bound.source.en
            for limits in LIMITS.values()
            for bounds in limits.values()
            for bound in bounds.values()
        ),
        *(spike.source.en for spike in SPIKES.values()),
        *(source.en for _, source in units(NUMBERED).values()),
    }
    assert {source.en for source in SOURCES.values()} - cited == set()


@pytest.mark.parametrize("where", TEXTS)
def test_a_text_is_in_both_languages(where: str) -> None:
    """English holds no Chinese, Chinese has its own punctuation, and both have the same blanks."""
    written = TEXTS[where]
    assert written.en.strip() == written.en != ""
    assert not WIDE.search(written.en)
    assert CHINESE.search(written.zh)
    assert not HALF_WIDTH.search(written.zh)
    assert placeholders(written.en) == placeholders(written.zh)
    assert set(placeholders(written.en)) <= text.PLACEHOLDERS


@pytest.mark.parametrize("where", [where for where in TEXTS if where.startswith((".advice", ".causes"))])
def test_advice_repeats_no_number(where: str) -> None:
    """Limits stand in the limits, settings in the run: advice names neither, 0 and 1 apart."""
    written = TEXTS[where]
    assert set(NUMBER.findall(written.en)) | set(NUMBER.findall(written.zh)) <= {"0", "1"}


@pytest.mark.parametrize("signal", ADVICE)
def test_blanks_of_the_moment_stand_where_a_moment_is_told(signal: str) -> None:
    """Titles and summaries are static; only a finding tells of one record."""
    advice = ADVICE[signal]
    assert not placeholders(advice.title.en + advice.summary.en)
    for finding in (advice.finding, *advice.findings.values()):
        assert set(placeholders(finding.en)) <= set(text.MOMENT)
        assert "step" in placeholders(finding.en)
    told = [where for where in TEXTS if ".finding" not in where]
    assert [where for where in told if set(placeholders(TEXTS[where].en)) & set(text.MOMENT)] == []


@pytest.mark.parametrize("signal", ADVICE)
def test_texts_of_a_signal_are_short(signal: str) -> None:
    """A title fits a chat card's head, a summary one line, the rest a look in the night."""
    advice = ADVICE[signal]
    assert len(advice.title.en) <= 40
    assert len(advice.title.zh) <= 20
    assert len(advice.summary.en) <= 90
    assert len(advice.summary.zh) <= 50
    assert max(len(written.en) for _, written in texts_in(advice, "")) <= 300


def test_no_text_stands_twice() -> None:
    """What is said once is changed once. Two entries may share one text; findings are alike by nature."""
    apart = {id(one): one for where, one in TEXTS.items() if not where.endswith(".finding")}.values()
    for lang in Lang:
        assert [said for said, count in Counter(one.of(lang) for one in apart).items() if count > 1] == []


@pytest.mark.parametrize(
    ("rule", "now", "proposed"),
    [
        (Ladder((0.1, 0.2)), 0.04, 0.1),
        (Ladder((0.1, 0.2)), 0.1, 0.2),
        (Ladder((0.1, 0.2)), 0.2, None),
        (Ladder((0.1, 0.2)), None, 0.1),
        (Ladder((1.0, 0.5), up=False), 5.0, 1.0),
        (Ladder((1.0, 0.5), up=False), 1.0, 0.5),
        (Ladder((1.0, 0.5), up=False), 0.3, None),
        (Ladder((8.0,), beyond=2.0), 1.0, 8.0),
        (Ladder((8.0,), beyond=2.0), 16.0, 32.0),
        (Scale(0.1), 5e-5, 5e-6),
        (Scale(0.1), None, None),
        (Scale(5 / 3), 3e-6, 5e-6),
        (Scale(0.5, whole=True), 512.0, 256.0),
        (Scale(0.5, whole=True, least=1.0), 1.0, None),
        (Scale(0.1), "5e-5", None),
        (Choice("cosine", fine=("linear",)), "constant", "cosine"),
        (Choice("cosine", fine=("linear",)), "linear", None),
        (Choice("cosine", fine=("linear",)), None, "cosine"),
    ],
)
def test_a_rule_proposes_the_next_value(
    rule: ValueRule, now: float | str | None, proposed: float | str | None
) -> None:
    """A proposal follows from the run's own value, and there is none where nothing is better."""
    assert worked_out(rule, now, Case(RUN)) == proposed


@pytest.mark.parametrize(
    ("remedy", "dialect", "kind", "settings", "flags"),
    [
        ("raise_beta", "swift", profile.GRPO, {"beta": 0.04}, ["--beta 0.1"]),
        ("raise_beta", "swift", profile.GRPO, {}, ["--beta 0.1"]),
        ("raise_beta", "transformers", profile.GRPO, {}, ["--beta 0.1"]),
        ("raise_beta", "swift", profile.GRPO, {"beta": 0.5}, []),
        ("raise_preference_beta", "llamafactory", profile.DPO, {}, ["pref_beta: 0.5"]),
        ("clip_gradients", "swift", profile.GRPO, {}, ["--max_grad_norm 0.5"]),
        ("lower_learning_rate", "swift", profile.GRPO, {"learning_rate": 5e-5}, ["--learning_rate 5e-6"]),
        ("lower_learning_rate", "swift", profile.GRPO, {"learning_rate": 0.01}, ["--learning_rate 1e-5"]),
        ("lower_learning_rate", "swift", profile.SFT, {"learning_rate": 1.0}, ["--learning_rate 0.0001"]),
        ("lower_learning_rate", "swift", profile.SFT, {}, []),
        ("raise_length_limit", "swift", profile.GRPO, {}, ["--max_completion_length"]),
        (
            "raise_length_limit",
            "swift",
            profile.GRPO,
            {"max_completion_length": 128.0},
            ["--max_completion_length 256"],
        ),
        (
            "raise_lora_rank",
            "transformers",
            profile.SFT,
            {"lora_rank": 8.0, "lora_alpha": 32.0},
            ["--lora_r 16", "--lora_alpha 64"],
        ),
        ("train_longer", "swift", profile.SFT, {"num_train_epochs": 3.0}, ["--num_train_epochs"]),
        ("use_bf16", "swift", profile.SFT, {"bf16": 0.0}, ["--bf16 true"]),
        ("use_bf16", "swift", profile.SFT, {"bf16": 1.0}, []),
        ("check_data", "swift", profile.SFT, {}, []),
    ],
)
def test_a_remedy_is_worked_out_for_a_run(
    remedy: str, dialect: str, kind: str, settings: Mapping[str, float], flags: list[str]
) -> None:
    """Present value, or the trainer's default, to proposed value, and the flag as the trainer spells it."""
    run = replace(RUN, producer=NAMED[dialect], base=kind, hyper_parameters=HyperParameters(numbers=settings))
    assert [proposal.flag for proposal in proposals(REMEDIES[remedy].changes, Case(run))] == flags


def test_what_the_log_does_not_say_is_not_told_as_the_present_value() -> None:
    """The trainer's default serves to work a value out, and no more."""
    run = replace(RUN, producer=NAMED["swift"], hyper_parameters=HyperParameters())
    (change,) = proposals(REMEDIES["clip_gradients"].changes, Case(run))
    assert change == Proposal("max_grad_norm", None, 0.5, "--max_grad_norm 0.5")


def test_settings_of_remedies_are_read_from_runs() -> None:
    """A rule that starts from a present value can get it: the setting is read, or known not to be."""
    changes: list[Change] = [change for remedy in REMEDIES.values() for change in remedy.changes]
    changes += [change for setup in SETUP.values() for change in setup]
    named = {change.setting for change in changes}
    read = {*arguments.NUMBERS, *arguments.TRUTHS, *arguments.TEXTS, *arguments.UNSHOWN_TEXTS}
    assert named - read - {*arguments.UNSHOWN_NUMBERS, *arguments.UNSHOWN_TRUTHS} == UNREAD
    assert {setting for producer in PRODUCERS for setting in producer.flags} <= named


def test_filling_leaves_no_blank() -> None:
    """A known setting stands as name = value, an unknown one as its name; other braces stay."""
    written = Text("{beta} and {learning_rate}, {}", "{beta} 与 {learning_rate}")
    known = text.named({"learning_rate": 5e-6, "unrelated": 1.0})
    assert text.fill(written, Lang.EN, known) == "beta and learning_rate = 5e-6, {}"
    assert text.fill(written, Lang.ZH, text.named({"beta": 0.04})) == "beta = 0.04 与 learning_rate"
    assert known == {"learning_rate": "learning_rate = 5e-6"}


def test_limits_that_texts_name_exist() -> None:
    """A blank or a healthy range that stands for a limit has one in that profile."""
    for signal, severity in text.RUN_LIMITS.values():
        assert LIMITS[profile.GRPO][signal][Severity(severity)].limit > 0
    named = [
        (kind, edge)
        for meaning in meanings()
        for kind, healthy in meaning.healthy.items()
        for edge in (healthy.low, healthy.high)
        if isinstance(edge, LimitOf)
    ]
    assert len(named) > 5
    assert [edge for kind, edge in named if number(edge, LIMITS[kind]) is None] == []
    assert number(LimitOf("kl_high", Severity.WARNING), LIMITS[profile.SFT]) is None


def test_healthy_ranges_are_ranges() -> None:
    """The lower edge lies below the upper one, and a range without edges says at least how to read it."""
    for meaning in meanings():
        for kind, healthy in meaning.healthy.items():
            low, high = number(healthy.low, LIMITS[kind]), number(healthy.high, LIMITS[kind])
            assert low is None or high is None or low < high
            assert low is not None or high is not None or healthy.note is not None


@pytest.mark.parametrize(
    ("healthy", "value", "expected"),
    [
        (Healthy(0.1, 10.0), 9.671, True),
        (Healthy(0.1, 10.0), 10.5, False),
        (Healthy(0.1, 10.0), 0.05, False),
        (Healthy(0.1, 10.0, Worry.ABOVE), 0.05, True),
        (Healthy(0.7, 0.98, Worry.BELOW), 0.99, True),
        (Healthy(0.7, 0.98, Worry.BELOW), 0.6, False),
        (Healthy(), 1e9, True),
        (Healthy(), float("nan"), False),
        (Healthy(high=LimitOf("kl_high", Severity.WARNING), worry=Worry.ABOVE), 6.0, False),
    ],
)
def test_a_value_is_held_against_its_range(healthy: Healthy, value: float, expected: bool) -> None:
    """Only the side that matters counts, NaN never passes, and a limit is that of the profile."""
    assert is_healthy(healthy, value, LIMITS[profile.GRPO]) is expected


def test_parts_of_a_metric_are_found_by_pattern() -> None:
    """Reward functions are named by people: the patterns find the common ones whatever is around them."""
    parts = MEANINGS[catalogue.REWARD_FUNCTION_MEAN].parts
    found = {
        name: [pattern for pattern in parts if fnmatchcase(name, pattern)]
        for name in ("Format", "soft_format_reward", "AnswerMatchCosine", "PlaneMatchString", "accuracy")
    }
    assert [len(patterns) for patterns in found.values()] == [1, 1, 1, 1, 0]


def test_every_sft_signal_answers_a_check() -> None:
    """The checklists use all that is known of a supervised run."""
    asked = {signal for checklist in CHECKLISTS for check in checklist.checks for signal in check.signals}
    assert set(LIMITS[profile.SFT]) - asked == set()


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=lambda signal: signal.name)
def test_a_finding_leaves_open_what_a_run_is_counted_in(signal: Signal) -> None:
    """A log without steps counts records, which are no steps."""
    finding = signal.advice.finding
    assert "step {step}" not in finding.of(Lang.EN)
    assert "第 {step} 步" not in finding.of(Lang.ZH)
