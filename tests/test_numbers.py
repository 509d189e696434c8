"""Numbers as people write them: the same in a story, in an alert's template and in a browser."""

from __future__ import annotations

import math
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from llmtrain_exporter.bundle.alerting.templates import description
from llmtrain_exporter.knowledge.alerting import ALERTS
from llmtrain_exporter.knowledge.numerals import number, typed
from llmtrain_exporter.knowledge.signal import Severity
from llmtrain_exporter.knowledge.text import Lang, fill

Tool = Callable[[str], Path]

ODD = (
    *(
        0.0,
        -0.0,
        0.5,
        1234.5,
        1235.5,
        162.25,
        0.1 + 0.2,
        -3.00005,
        9999.4,
        9999.5,
        9999.96,
        12344.5,
        -12345.5,
    ),
    *(16384.4, 65536.0, 999999.4, 999999.5, -999999.0, 1e6, 1234567.0, 2.3e9, -1e9, 1e100, 4e-100),
    *(0.0001, 0.000099996, 0.00012, 1e-5, 1.5e-5, -1e-10, math.inf, -math.inf),
)


def values() -> list[float]:
    """Numbers of every size, with those on both sides of where they are written otherwise."""
    chosen = random.Random(1)
    sizes = [chosen.uniform(-1, 1) * 10 ** chosen.randint(-12, 12) for _ in range(400)]
    return [*ODD, *sizes, *(chosen.randint(0, 80_000) / 8 for _ in range(200))]


def test_a_number_is_about_what_it_is_of() -> None:
    """Nothing is further off than half of its fourth digit, and nothing has zeros that nobody writes."""
    for value in values():
        text = number(value)
        assert float(text) == pytest.approx(value, rel=5.001e-4)
        assert "+" not in text
        assert "e0" not in text
        assert "e-0" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5e-6, "5e-6"),
        (0.04, "0.04"),
        (256.0, "256"),
        (16384.0, "16384"),
        (1.25e-05, "1.25e-5"),
        (3e12, "3e12"),
    ],
)
def test_a_setting_is_written_as_one_types_it(value: float, text: str) -> None:
    """With all its digits."""
    assert typed(value) == text


KL = next(alert for alert in ALERTS if alert.name == "LlmTrainKlHigh" and alert.severity is Severity.WARNING)


def scenario(folder: Path, told: list[float], **more: str) -> Path:
    """A test of rules in which the alert on KL quotes each of these values. `more`: what a tool wants."""
    labels = {f"r{at}": value for at, value in enumerate(told)}
    rule = {
        "alert": "Told",
        "expr": "llmtrain_signal_peak",
        "annotations": {"said": description(KL, Lang.EN)},
    }
    rules = {"groups": [{"name": "told", "rules": [rule]}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(rules, width=10**6))
    known = {"signal": "kl_high", "job": "j", "instance": "i"}
    names = {
        run: ",".join(f'{key}="{text}"' for key, text in {**known, "run": run}.items()) for run in labels
    }
    expected = [
        {"exp_labels": {**known, "run": run}, "exp_annotations": {"said": saying(run, number(value))}}
        for run, value in labels.items()
    ]
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": [
            {"series": f"llmtrain_signal_peak{{{names[run]}}}", "values": series(value)}
            for run, value in labels.items()
        ],
        "alert_rule_test": [{"eval_time": "1m", "alertname": "Told", **more, "exp_alerts": expected}],
    }
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}
    made = folder / "told.yml"
    made.write_text(yaml.safe_dump(content, width=10**6))
    return made


def saying(run: str, peak: str) -> str:
    """What the alert says where Prometheus knows of nothing but a worst value."""
    blank = {"run": run, "step": "?", "peak": peak, "limit": "?"}
    return fill(KL.words.description, Lang.EN, blank)


def series(value: float) -> str:
    """As promtool reads it."""
    return f"{value} {value}".replace("inf", "Inf").replace("nan", "NaN")


def test_an_alert_writes_a_number_as_the_story_does(real_tool: Tool, tmp_path: Path) -> None:
    """Prometheus, old and new."""
    path = scenario(tmp_path, [*values(), math.nan])
    for tool in ("promtool", "promtool3"):
        command = [str(real_tool(tool)), "test", "rules", path.name]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout + said.stderr


def test_vmalert_writes_a_number_as_the_story_does(real_tool: Tool, tmp_path: Path) -> None:
    """VictoriaMetrics keeps a value with 12 digits or so, and those without a finite one not as they are."""
    path = scenario(tmp_path, [value for value in values() if math.isfinite(value)], groupname="told")
    command = [str(real_tool("vmalert-tool3")), "unittest", "--files", str(path)]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, (said.stdout + said.stderr)[-3000:]
