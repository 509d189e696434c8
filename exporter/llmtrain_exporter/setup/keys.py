"""Secrets that nobody has to know: they are made once, and kept."""

from __future__ import annotations

import secrets
from pathlib import Path

from llmtrain_exporter.setup.folder import PASSWORD, TOKEN
from llmtrain_exporter.setup.placing import secret
from llmtrain_exporter.setup.site import LOCAL, Site


def own_secrets(folder: Path, site: Site) -> dict[str, str]:
    """What Alertmanager shows to the relay, and where others reach Grafana, its password. Raises OSError."""
    paths = [TOKEN, *([PASSWORD] if site.grafana == LOCAL and not site.is_own else [])]
    return {path: f"{secret(folder, path) or secrets.token_hex(16)}\n" for path in paths}
