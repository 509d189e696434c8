"""What Prometheus, Alertmanager and Grafana are told, in the compose project or on a machine."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SHIPPED = Path(__file__).parent / "shipped"
"""The files as templates: `<<value>>`, and lines that begin with `%%`."""

COMPOSE = {
    "alerts/prometheus.yml": "prometheus.yml",
    "alerts/alertmanager.yml": "alertmanager.yml",
    "alerts/templates/llmtrain.tmpl": "templates/llmtrain.tmpl",
    "grafana/provisioning/datasources/llmtrain.yml": "datasources.yml",
    "grafana/provisioning/dashboards/llmtrain.yml": "dashboards.yml",
}
"""Those of the compose project, by their path there."""

_IN_COMPOSE = {
    "compose": True,
    "exporter": "exporter:9848",
    "relay": "relay:9849",
    "prometheus": "prometheus:9090",
    "itself": "localhost:9090",
    "alertmanager": "alertmanager:9093",
    "secrets": "/run/secrets",
    "token": "/run/relay-token/token",
    "dashboards": "/etc/grafana/dashboards",
}
_PLAIN = re.compile(r"[A-Za-z0-9_./@+-]+")


def compose_files() -> dict[str, str]:
    """The files of the compose project: path below the project's folder, and content."""
    return {path: filled(name, _IN_COMPOSE) for path, name in COMPOSE.items()}


def filled(name: str, values: Mapping[str, object]) -> str:
    """A shipped file with these values. Raises jinja2.UndefinedError where one is missing."""
    return _templates().get_template(name).render(values)


def _templates() -> Environment:
    found = Environment(  # noqa: S701  # no HTML; each value has a filter that fits where it stands
        loader=FileSystemLoader(SHIPPED),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        line_statement_prefix="%%",
    )
    found.filters.update(path=_yaml, json=_json, sh=shlex.quote, unit=_unit)
    return found


def _yaml(value: str) -> str:
    """A text as YAML has it: as it is where nothing in it means anything, else in quotes."""
    return value if _PLAIN.fullmatch(value) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unit(value: str) -> str:
    """An argument as systemd has it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
