"""The exporter as a whole: the loop in a thread of its own, the HTTP server in the calling one."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from starlette.types import ASGIApp

from llmtrain_exporter import __version__
from llmtrain_exporter.config import Settings
from llmtrain_exporter.ingest.follow import raise_descriptor_limit
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.http import create_app
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watcher import Watcher
from llmtrain_exporter.web import web_config
from llmtrain_exporter.web.access import access_of
from llmtrain_exporter.web.connections import Limits, fair_share
from llmtrain_exporter.web.server import Server
from llmtrain_exporter.web.web_config import WebConfig

LAST_LOOK_SECONDS = 0.5
"""How long the end waits for the loop; what it would still have read is read at the next start."""

MOST_CONNECTIONS = 512

log = logging.getLogger(__name__)


def serve(settings: Settings, announce: Callable[[str], object], any_port: bool = False) -> bool:
    """Watch and answer until SIGTERM or Ctrl-C; whether it ended because of that and not of an error.

    `announce` gets the URL; `any_port`: take a free port where the one of the settings is in use.
    Raises OSError where it cannot listen, and ConfigError.
    """
    web = web_config.load(settings.web_config_file) if settings.web_config_file else WebConfig()
    exposition = Exposition()
    fleet = Fleet(exposition, settings.paths)
    telemetry = Telemetry(__version__, fleet, exposition, settings.known_profiles.values())
    access = access_of(web, settings.address[0], settings.allowed_hosts)
    app = create_app(fleet, exposition, telemetry, access, __version__, time.time, settings)
    server = _listen(app, settings, web, telemetry, any_port)
    announce(server.url)
    return _run(Watcher(settings, fleet, telemetry), server)


def limits() -> Limits:
    """Those of its connections: by far the most of what may be open is left to the logs."""
    return Limits(connections=fair_share(MOST_CONNECTIONS, raise_descriptor_limit(), 8))


def _listen(app: ASGIApp, settings: Settings, web: WebConfig, telemetry: Telemetry, any_port: bool) -> Server:
    host, port = settings.address
    server = partial(Server, app, tls=web.tls, limits=limits(), note_cut=telemetry.server.cut_off)
    try:
        return server(host, port)
    except OSError as error:
        if not any_port or getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
            raise
    log.warning("Port %d is in use; another one is taken", port)
    return server(host, 0)


def _run(watcher: Watcher, server: Server) -> bool:
    stop = threading.Event()
    failed = threading.Event()

    def watch() -> None:
        try:
            watcher.run(stop)
        except Exception:
            # Numbers that never change again look healthy. No exporter is better than a blind one.
            log.exception("The loop that reads the logs has failed")
            failed.set()
            server.stop()

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        server.run()
    finally:
        stop.set()
        thread.join(LAST_LOOK_SECONDS)
    return not failed.is_set()
