"""The body of a scrape: what it says, in both formats, after any sequence of changes."""

from __future__ import annotations

import gzip
import math
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import prometheus_client.parser as text_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmtrain_exporter.knowledge import catalogue as c
from llmtrain_exporter.knowledge.metric import Metric, Type
from llmtrain_exporter.model import Series
from llmtrain_exporter.printable import LONGEST, label_value, printable
from llmtrain_exporter.serve import exposition as module
from llmtrain_exporter.serve.deflate import gzip_pieces
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.scrapers import Scrapers
from llmtrain_exporter.serve.telemetry import Telemetry
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.samples import Sample

LOSS = Series(c.LOSS, (("split", "train"),))
EVAL_LOSS = Series(c.LOSS, (("split", "eval"),))
STEP = Series(c.STEP)
RESUMES = Series(c.RESUMES)
FACTS = Series(c.RUN, (("dialect", "swift"), ("model", 'a "b" \\ c')))

Samples = dict[Series, float]
Parsed = dict[tuple[str, frozenset[tuple[str, str]]], float]

TEXT = """\
# HELP llmtrain_loss Loss as logged.
# TYPE llmtrain_loss gauge
llmtrain_loss{run="b",split="eval"} NaN
llmtrain_loss{run="b",split="train"} 0.1
llmtrain_loss{run="a/1",split="train"} +Inf
# HELP llmtrain_step Optimizer step of the last training record.
# TYPE llmtrain_step gauge
llmtrain_step{run="b"} 40
# HELP llmtrain_run_info Static facts of a run: who wrote its log, what is trained, with which settings.
# TYPE llmtrain_run_info gauge
llmtrain_run_info{run="a/1",dialect="swift",model="a \\"b\\" \\\\ c"} 1
# HELP llmtrain_resumes_total Times that the steps of a run went back because it was resumed.
# TYPE llmtrain_resumes_total counter
llmtrain_resumes_total{run="b"} 2
"""

OPENMETRICS = (
    TEXT.replace("HELP llmtrain_run_info", "HELP llmtrain_run")
    .replace("TYPE llmtrain_run_info gauge", "TYPE llmtrain_run info")
    .replace("HELP llmtrain_resumes_total", "HELP llmtrain_resumes")
    .replace("TYPE llmtrain_resumes_total", "TYPE llmtrain_resumes")
)


def filled(runs: Mapping[str, Samples]) -> Exposition:
    """An exposition of these runs."""
    exposition = Exposition()
    for run, samples in runs.items():
        exposition.publish(run, samples)
    return exposition


def parsed(body: bytes, openmetrics: bool) -> Parsed:
    """What a client of that format reads; fails on a sample that stands twice."""
    if openmetrics:
        text = body.decode() + "# EOF\n"
        families = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    else:
        families = text_parser.text_string_to_metric_families(body.decode())
    samples: list[Sample] = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def expected(runs: Mapping[str, Samples]) -> Parsed:
    """What a client should read."""
    return {
        (exposed_name(series.metric), labels(run, series)): value
        for run, samples in runs.items()
        for series, value in samples.items()
    }


def exposed_name(metric: Metric) -> str:
    """The name on a sample's line."""
    return f"{metric.name}_info" if metric.type is Type.INFO else metric.name


def labels(run: str, series: Series) -> frozenset[tuple[str, str]]:
    """A sample's labels as a client should read them."""
    return frozenset((name, label_value(value)) for name, value in (("run", run), *series.labels))


def same(found: Parsed, wanted: Parsed) -> bool:
    """Equal, where one NaN equals another and -0 does not equal 0."""
    return {key: repr(float(value)) for key, value in found.items()} == {
        key: repr(float(value)) for key, value in wanted.items()
    }


@pytest.mark.parametrize(("openmetrics", "body"), [(False, TEXT), (True, OPENMETRICS)])
def test_a_scrape_in_both_formats(openmetrics: bool, body: str) -> None:
    """Complete families in the catalogue's order; counters and facts are named as their format wants it."""
    exposition = filled(
        {
            "b": {EVAL_LOSS: math.nan, LOSS: 0.1, STEP: 40.0, RESUMES: 2.0},
            "a/1": {FACTS: 1.0, LOSS: math.inf},
        }
    )
    assert exposition.render(openmetrics).decode() == body
    assert exposition.series == 6


def test_an_empty_fleet_has_an_empty_body() -> None:
    """A family without a sample is left out, its HELP and TYPE too."""
    assert Exposition().render(openmetrics=False) == b""
    emptied = filled({"a": {LOSS: 1.0}})
    emptied.remove("a")
    assert (emptied.render(openmetrics=False), emptied.series) == (b"", 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (-0.0, "-0.0"),
        (1e-10, "1e-10"),
        (0.1 + 0.2, "0.30000000000000004"),
        (7, "7"),
        (7.0, "7"),
        (-1200.0, "-1200"),
        (10.05, "10.05"),
        (True, "1"),
    ],
)
def test_values_in_the_words_of_the_format(value: float, text: str) -> None:
    """A value is written as the format wants it: digits, NaN, +Inf or -Inf; never true or null."""
    assert written(value) == text


@pytest.mark.parametrize("value", [5e-324, 1.7976931348623157e308, 1e-5, 1e16, 2**70, 1 / 3])
def test_a_value_reads_back_as_it_was(value: float) -> None:
    """Of a number no digit is lost and none is added, whether small or large."""
    assert float(written(value)) == value


def written(value: float) -> str:
    """The value as it stands in the body."""
    body = filled({"a": {LOSS: value, STEP: 1.5}}).render(openmetrics=False).decode()
    return body.splitlines()[2].removeprefix('llmtrain_loss{run="a",split="train"} ')


GAUGES = [metric for metric in c.METRICS if metric.type is Type.GAUGE]
COUNTERS = [metric for metric in c.METRICS if metric.type is Type.COUNTER]
ANY_TEXT = st.text(st.characters(codec=None), max_size=300) | st.text(
    '\\"\n\r\x00{},= a\u202e\ud800', max_size=8
)


def _series(metric: Metric, label: str, split: str) -> tuple[Metric, tuple[tuple[str, str], ...]]:
    own = ((metric.label, label),) if metric.label else ()
    return metric, (*own, *((("split", split),) if metric.split else ()))


SPLITS = st.sampled_from(("train", "eval"))
ANY_SAMPLES = st.builds(
    lambda gauges, counters, facts: {
        Series(metric, pairs): value for (metric, pairs), value in {**gauges, **counters, **facts}.items()
    },
    st.dictionaries(
        st.builds(_series, st.sampled_from(GAUGES), ANY_TEXT, SPLITS), st.floats(width=64), max_size=6
    ),
    st.dictionaries(
        st.builds(_series, st.sampled_from(COUNTERS), ANY_TEXT, SPLITS),
        st.floats(min_value=0, allow_infinity=False),
        max_size=3,
    ),
    st.builds(lambda model: {(c.RUN, (("model", model),)): 1.0}, ANY_TEXT) | st.just({}),
)


@given(st.dictionaries(ANY_TEXT, ANY_SAMPLES, max_size=5), st.booleans())
def test_any_client_reads_what_was_published(runs: dict[str, Samples], openmetrics: bool) -> None:
    """However runs and labels are called and whatever the values are, the body parses to the same samples."""
    assert same(parsed(filled(runs).render(openmetrics), openmetrics), expected(runs))


@given(ANY_TEXT, ANY_TEXT)
def test_label_values_are_harmless_and_stay_different(one: str, other: str) -> None:
    """A label's value is printable, at most 200 characters long, and another one for another original."""
    value = label_value(one)
    assert value == printable(value)
    assert len(value) <= LONGEST
    assert (value == label_value(other)) is (one == other)


def test_long_label_values_are_cut_to_a_digest() -> None:
    """A value that is cut keeps its beginning, and what tells it from others is the same after a restart."""
    cut = label_value("x" * 201)
    assert cut == "x" * 191 + "~d5d8dd08"
    assert label_value("x" * 200) == "x" * 200


def told(samples: Mapping[Series, float]) -> dict[tuple[Metric, tuple[tuple[str, str], ...]], float]:
    """What samples say: those that are read back are of other objects."""
    return {(series.metric, series.labels): value for series, value in samples.items()}


CHANGES = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from(("publish", "publish", "rest", "rest", "remove", "scrape", "compress")),
        st.dictionaries(
            st.sampled_from((LOSS, EVAL_LOSS, STEP, RESUMES, FACTS)), st.integers(0, 9), max_size=5
        ),
    ),
    max_size=60,
)


@given(CHANGES)
@settings(max_examples=200)
def test_any_sequence_of_changes_leads_to_the_runs_that_are_left(
    changes: list[tuple[str, str, Samples]],
) -> None:
    """After each change the body is that of the runs published last, however often it was scraped between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 3)  # so that a few runs fill several blocks
        exposition, runs = Exposition(), dict[str, Samples]()
        for run, change, samples in [*changes, ("", "scrape", {})]:
            if change in ("publish", "rest"):
                exposition.publish(run, samples, rests=change == "rest")
                runs[run] = samples
            elif change == "remove":
                exposition.remove(run)
                runs.pop(run, None)
            elif change == "compress":
                body = gzip.decompress(b"".join(gzip_pieces(exposition.deflated(openmetrics=False), b"")))
                assert body == exposition.render(openmetrics=False)
            else:
                assert all(told(exposition.samples(name)) == told(runs[name]) for name in runs)
                assert same(parsed(exposition.render(openmetrics=False), openmetrics=False), expected(runs))
                assert exposition.series == sum(map(len, runs.values()))
                body = b"".join(gzip_pieces(exposition.deflated(openmetrics=False), b""))
                assert gzip.decompress(body) == exposition.render(openmetrics=False)
                kept = {run: dict(exposition.samples(run)) for run in runs}
                assert same(expected(kept), expected(runs))


def test_a_newborn_run_that_is_over_rests_when_its_zero_was_seen() -> None:
    """Until then its counters stand at 0, like those of any run that begins."""
    exposition = Exposition()
    exposition.publish("a", {LOSS: 1.0, RESUMES: 2.0}, newborn=True, rests=True)
    for now, resumes in ((0.0, 0.0), (10.0, 0.0), (31.0, 2.0)):
        exposition.scraped(now, 30.0)
        wanted = expected({"a": {LOSS: 1.0, RESUMES: resumes}})
        assert same(parsed(exposition.render(openmetrics=False), openmetrics=False), wanted)
    exposition.shrink("a", shrunk=True)
    assert same(expected({"a": dict(exposition.samples("a"))}), expected({"a": {LOSS: 1.0, RESUMES: 2.0}}))


@pytest.mark.parametrize("openmetrics", [False, True])
def test_a_newborn_run_shows_its_counters_at_zero_for_a_time(openmetrics: bool) -> None:
    """From the first scrape on, whoever looks; gauges are as they are from the start, pages see all of it."""
    exposition = filled({"other": {RESUMES: 3.0}})
    exposition.publish("new", {STEP: 7.0, RESUMES: 1.0}, newborn=True)
    seen = []
    for now in (100.0, 100.0, 129.0, 130.0, 131.0):
        exposition.scraped(now, 30.0)
        exposition.publish("new", {STEP: now, RESUMES: 2.0})
        for _ in range(2):  # that somebody reads it takes nothing away
            body = parsed(exposition.render(openmetrics), openmetrics)
        seen.append(body)
        assert sorted(exposition.samples("new").values()) == [2.0, now]
    zeros = [(100.0, 0.0), (100.0, 0.0), (129.0, 0.0), (130.0, 2.0), (131.0, 2.0)]
    wanted = [{"other": {RESUMES: 3.0}, "new": {STEP: step, RESUMES: count}} for step, count in zeros]
    assert seen == [expected(runs) for runs in wanted]


def test_a_zero_that_nobody_has_seen_is_not_over() -> None:
    """However late the first scrape comes, it shows 0."""
    exposition = Exposition()
    exposition.scraped(0.0, 30.0)
    exposition.publish("new", {RESUMES: 1.0}, newborn=True)
    exposition.scraped(1000.0, 30.0)
    assert parsed(exposition.render(False), False) == expected({"new": {RESUMES: 0.0}})


def test_a_newborn_run_that_leaves_before_a_scrape_was_never_there() -> None:
    """Its place can be taken by another run, which is none."""
    exposition = Exposition()
    exposition.publish("new", {RESUMES: 1.0}, newborn=True)
    exposition.remove("new")
    exposition.publish("old", {RESUMES: 5.0})
    assert parsed(exposition.render(False), False) == expected({"old": {RESUMES: 5.0}})


def test_a_zero_lasts_until_the_slowest_scraper_has_come() -> None:
    """About two of its intervals; 60 seconds while an interval is not known, and never longer."""
    scrapers = Scrapers()
    assert scrapers.hold(0.0) == 60.0
    for now, hold in ((0.0, 60.0), (15.0, 26.25), (30.0, 26.25)):
        scrapers.came(("a", "Prometheus"), "10", now)
        assert scrapers.hold(now) == hold
    scrapers.came(("b", "Prometheus"), "10", 31.0)  # a second one, which came for the first time
    assert scrapers.hold(31.0) == 60.0
    scrapers.came(("b", "Prometheus"), "10", 51.0)
    assert scrapers.hold(51.0) == 35.0
    scrapers.came(("b", "Prometheus"), "10", 111.0)
    assert scrapers.hold(111.0) == 60.0
    assert scrapers.hold(232.0) == 60.0  # all are forgotten


@pytest.mark.parametrize("count", [2, 3])
def test_servers_behind_one_address_all_see_the_zero(count: int) -> None:
    """They look like one that comes more often, but a time-out is never longer than an interval."""
    scrapers = Scrapers()
    arrivals = sorted(15.0 * at + 0.4 * server for at in range(9) for server in range(count))
    for now in arrivals:
        scrapers.came(("gateway", "Prometheus"), "10", now)
        assert scrapers.hold(now) > 15.0


@pytest.mark.parametrize("timeout", ["", "x", "nan", "-1", "inf", "9" * 10_000])
def test_a_header_that_is_no_number_asks_for_the_longest(timeout: str) -> None:
    """Whoever sends it."""
    scrapers = Scrapers()
    for now in (0.0, 1.0):
        scrapers.came(("a", ""), timeout, now)
    assert scrapers.hold(1.0) == 60.0


def test_families_of_many_runs_stand_together() -> None:
    """However many blocks the runs fill, each family has one header, and all its samples follow it."""
    runs: dict[str, Samples] = {f"run-{i}": {LOSS: i, STEP: i, RESUMES: i} for i in range(600)}
    body = filled(runs).render(openmetrics=False).decode().splitlines()
    headers = [line.split()[2] for line in body if line.startswith("# TYPE")]
    assert headers == ["llmtrain_loss", "llmtrain_step", "llmtrain_resumes_total"]
    assert len(body) == 3 * 602


def test_an_unchanged_fleet_shares_one_body() -> None:
    """Scrapes without a change between them get the same objects, plain and compressed."""
    exposition = filled({"a": {LOSS: 1.0}})
    for openmetrics in (False, True):
        assert exposition.pieces(openmetrics) is exposition.pieces(openmetrics)
        assert exposition.deflated(openmetrics) is exposition.deflated(openmetrics)
    before = exposition.deflated(openmetrics=True)
    exposition.publish("a", {LOSS: 2.0})
    assert exposition.deflated(openmetrics=True) is not before


@given(st.dictionaries(st.sampled_from("abc"), ANY_SAMPLES), st.binary(max_size=100))
def test_a_compressed_body_is_the_plain_one(runs: dict[str, Samples], end: bytes) -> None:
    """What was compressed once and continued for a client unpacks to one body, its checksum right."""
    exposition = filled(runs)
    body = b"".join(gzip_pieces(exposition.deflated(openmetrics=True), end))
    assert gzip.decompress(body) == exposition.render(openmetrics=True) + end


def test_what_outlasts_a_scrape_is_kept_compressed_alone() -> None:
    """Of runs that do not change the text is not kept; of those that change with each scrape it is."""
    runs = {f"a-run-with-a-name-as-long-as-they-are-{run}": {LOSS: 0.5, STEP: 1.0} for run in range(512)}
    tracemalloc.start()
    try:
        exposition = filled(runs)
        text = len(exposition.render(openmetrics=False))
        exposition.deflated(openmetrics=False)
        quiet = tracemalloc.get_traced_memory()[0]
        for value in (1.0, 2.0):
            for run in runs:
                exposition.publish(run, {LOSS: value, STEP: value})
            exposition.deflated(openmetrics=False)
        changing = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.9 * text < changing - quiet < 1.3 * text


def test_a_scrape_never_mixes_two_publications_of_a_run() -> None:
    """While one thread publishes and others scrape, all samples of a run come from one publication."""
    exposition = filled({str(run): dict.fromkeys((LOSS, STEP, RESUMES), 0.0) for run in range(300)})
    torn = list[bytes]()
    done = threading.Event()

    def scrape() -> None:
        while not done.is_set():
            body = exposition.render(openmetrics=False)
            found = parsed(body, openmetrics=False)
            values = {(dict(pairs)["run"], value) for (_, pairs), value in found.items()}
            if len(values) != 300:
                torn.append(body)

    readers = [threading.Thread(target=scrape) for _ in range(3)]
    for reader in readers:
        reader.start()
    for value in range(1, 40):
        for run in range(300):
            exposition.publish(str(run), dict.fromkeys((LOSS, STEP, RESUMES), float(value)))
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []


def everything() -> Iterable[tuple[Series, float]]:
    """A sample of each metric of the catalogue."""
    for metric in c.METRICS:
        metric, pairs = _series(metric, "a", "train")
        yield Series(metric, pairs), 1.0


def test_promtool_has_nothing_to_say(real_tool: Callable[[str], Path]) -> None:
    """A scrape with every metric of the catalogue, the exporter's own behind them, passes promtool's lint."""
    exposition = filled({"a": dict(everything()), "b": dict(everything())})
    fleet = Fleet(exposition, ("logs",))
    telemetry = Telemetry("1.2.3", fleet, exposition)
    telemetry.scanned(0.1, 3, {"older": 2}, {"logs": "gone"})
    telemetry.went_round(0.01)
    telemetry.read(100)
    telemetry.skipped("no_json", 2)
    body = exposition.render(openmetrics=False) + telemetry.render(openmetrics=False)
    lint = subprocess.run(
        [real_tool("promtool"), "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (lint.stdout + lint.stderr).decode() == ""
    assert lint.returncode == 0


def samples_of(telemetry: Telemetry) -> dict[str, float]:
    """The exporter's own samples by their name and labels as written."""
    lines = telemetry.render(openmetrics=False).decode().splitlines()
    return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if x[0] != "#")}


def test_the_exporter_tells_what_it_did() -> None:
    """The exporter's own metrics follow the fleet and what the loop tells; what is gone is 0, not absent."""
    exposition = Exposition()
    fleet = Fleet(exposition, ())
    telemetry = Telemetry("1.2.3", fleet, exposition)
    telemetry.scanned(0.1, 3, {"older": 2}, {})
    telemetry.scanned(0.1, 4, {"max_runs": 1}, {"logs": "gone"})
    exposition.publish("a", {LOSS: 1.0, STEP: 2.0})
    fleet.ready = True
    with telemetry.scraping():
        pass
    found = samples_of(telemetry)
    wanted = {
        "ready": 1,
        "series": 2,
        "runs": 0,
        "files": 4,
        'left_out_files{reason="older"}': 0,
        'left_out_files{reason="max_runs"}': 1,
        "scans_total": 2,
        "scan_duration_seconds_count": 2,
        "scrape_duration_seconds_count": 1,
        'errors_total{kind="scan"}': 1,
    }
    assert {name: found[f"llmtrain_exporter_{name}"] for name in wanted} == wanted
    assert not any("_created" in name for name in found)
    assert telemetry.render(openmetrics=True).endswith(b"\n# EOF\n")
