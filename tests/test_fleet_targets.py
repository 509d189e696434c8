"""The exporters of the benchmark of a fleet: their runs grow, one breaks when it is said, others are over."""

from __future__ import annotations

import gzip

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from benchmarks.fleet_targets import KNOWN, STEP, Exporter, Size

STARTED = 1_790_000_000.0
SIZE = Size(targets=2, runs=10, live=0.3, seconds=120.0, breaks=60.0)


def scraped(exporter: Exporter, now: float) -> dict[tuple[str, str], float]:
    """The values of a scrape by metric and run, of the training records alone where there are several."""
    text = gzip.decompress(exporter.scrape(now)).decode()
    return {
        (sample.name, sample.labels.get("run", "").partition("/")[0]): sample.value
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # not typed
        for sample in family.samples
        if sample.labels.get("kind", "train") == "train"
    }


def test_live_runs_grow_with_time_and_others_have_ended() -> None:
    """A record each twelve seconds; a counter never falls; what has ended is a dozen series."""
    exporter = Exporter(1, SIZE, STARTED)
    first, later = scraped(exporter, STARTED), scraped(exporter, STARTED + 2 * STEP)
    records = "llmtrain_records_total"
    assert first[records, "run_00001"] in (KNOWN, KNOWN + 1)
    assert later[records, "run_00001"] == first[records, "run_00001"] + 2
    assert {run for name, run in first if name == records} == {"run_00000", "run_00001", "run_00002"}
    assert len({run for name, run in first if name == "llmtrain_run_health"}) == SIZE.runs
    at = "llmtrain_last_record_timestamp_seconds"
    assert all(STARTED - STEP <= first[at, f"run_0000{run}"] <= STARTED for run in range(SIZE.living))


def test_the_first_run_breaks_when_it_is_said() -> None:
    """Not before, and no other."""
    exporter = Exporter(0, SIZE, STARTED)
    incidents = "llmtrain_incidents_total"
    before = scraped(exporter, exporter.breaks_at - 1)
    after = scraped(exporter, exporter.breaks_at + 1)
    assert (before[incidents, "run_00000"], after[incidents, "run_00000"]) == (0, 1)
    assert after[incidents, "run_00001"] == 0
