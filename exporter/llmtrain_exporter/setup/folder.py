"""The files of a folder that works: what the compose project has, for programs of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from llmtrain_exporter.bundle.alerting.rules import rule_files
from llmtrain_exporter.bundle.dashboards import dashboards
from llmtrain_exporter.bundle.servers import filled
from llmtrain_exporter.knowledge import setup_words as words
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.setup.site import LOCAL, LOOPBACK, Site

RUN = "run.sh"
LOGS, SECRETS, DATA = "logs", "secrets", "data"
TOKEN, PASSWORD = f"{SECRETS}/relay_token", f"{SECRETS}/grafana_password"
_BOARDS, _INI = "grafana/dashboards", "grafana/grafana.ini"
_FILES = {
    RUN: RUN,
    "exporter.yml": "exporter.yml",
    "relay.yml": "relay.yml",
    "prometheus.yml": "prometheus.yml",
    "alertmanager.yml": "alertmanager.yml",
    "templates/llmtrain.tmpl": "templates/llmtrain.tmpl",
    "grafana/provisioning/datasources/llmtrain.yml": "datasources.yml",
    "grafana/provisioning/dashboards/llmtrain.yml": "dashboards.yml",
}


def files(site: Site) -> dict[str, str]:
    """All but the secrets: path below the site's folder, and content."""
    values = _values(site)
    found = {path: filled(name, values) for path, name in _FILES.items()}
    if site.grafana == LOCAL:
        found[_INI] = filled("grafana.ini", values)
    found |= {f"rules/{name}": text for name, text in rule_files(site.lang, site.places).items()}
    found |= dashboards(site.lang, site.places.exporter)
    return found | dict(_units(site))


def of_other_answers(site: Site) -> list[str]:
    """Paths that only some answers have files at: those for a Grafana that is started here."""
    return [_INI, *(path for path, _ in _units(replace(site, grafana=LOCAL)))]


def _values(site: Site) -> dict[str, Any]:
    addresses = {name: f"{LOOPBACK}:{port}" for name, port in site.ports.items()}
    return {
        **addresses,
        "compose": False,
        "itself": addresses["prometheus"],
        "folder": site.folder,
        "data": f"{site.folder}/{DATA}",
        "secrets": f"{site.folder}/{SECRETS}",
        "token": f"{site.folder}/{TOKEN}",
        "dashboards": f"{site.folder}/{_BOARDS}/{site.lang.value}",
        "home": f"{site.folder}/{_home(site.lang)}",
        "made": words.MADE.of(site.lang).format(command=site.command),
        "program": site.program,
        "logs": site.logs,
        "listen": site.listen,
        "lang": site.lang.value,
        "links": site.links,
        "bot": site.bot,
        "own": site.is_own,
        "grafana_port": site.ports["grafana"],
        "names": site.servers,
        "ports": site.ports,
        "words": _said(site),
    }


def _home(lang: Lang) -> str:
    [found] = (path for path in dashboards(lang) if path.endswith("/fleet.json"))
    return found


def _said(site: Site) -> dict[str, str]:
    """What run.sh says."""
    said = {
        "no_exporter": words.NO_EXPORTER,
        "no_prometheus": words.NO_PROMETHEUS,
        "no_alertmanager": words.NO_ALERTMANAGER,
        "no_grafana": words.NO_GRAFANA,
        "no_such_program": words.NO_SUCH_PROGRAM,
        "taken": words.TAKEN,
        "ended": words.ENDED,
    }
    texts = {name: text.of(site.lang).replace("{command}", site.command) for name, text in said.items()}
    return texts | {"addresses": addresses(site)}


def addresses(site: Site) -> str:
    """What there is to look at, a line each, and where cards go."""
    lang = site.lang
    there = {
        words.PAGE: site.places.exporter,
        words.DASHBOARDS: site.places.grafana,
        words.CURVES: f"http://localhost:{site.ports['prometheus']}",
        words.ALERTS: f"http://localhost:{site.ports['alertmanager']}",
    }
    log = f"{site.folder}/{LOGS}/relay.log"
    told = words.NO_CHAT if site.bot is None else words.CARDS
    chat = "" if site.bot is None else str(site.bot["kind"])
    lines = [f"  {url}  {text.of(lang)}" for text, url in there.items() if url]
    return "\n".join([*lines, told.of(lang).format(chat=chat, log=log), words.STOP.of(lang)])


def _units(site: Site) -> Iterator[tuple[str, str]]:
    """Units of systemd, those of a user and those of the machine."""
    made = words.MADE.of(site.lang).format(command=site.command)
    names = {name: f"llmtrain-{name}.service" for name in site.servers}
    for kind in ("user", "system"):
        common = {"made": made, "system": kind == "system", "folder": site.folder, "user": site.user}
        for name, unit in names.items():
            what = words.PROGRAMS[name].of(site.lang)
            yield f"systemd/{kind}/{unit}", filled("unit.service", {**common, "name": name, "what": what})
        values = {**common, "units": list(names.values()), "what": words.ALL.of(site.lang)}
        yield f"systemd/{kind}/llmtrain.target", filled("llmtrain.target", values)
