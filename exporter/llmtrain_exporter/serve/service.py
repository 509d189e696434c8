"""The exporter as a whole: the loops in threads of their own, the HTTP server in the calling one."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from llmtrain_exporter import __version__
from llmtrain_exporter.config import Settings
from llmtrain_exporter.config.remote_write import RemoteWriteRule
from llmtrain_exporter.ingest.open_files import raise_descriptor_limit
from llmtrain_exporter.push.remote_write import RemoteWriter
from llmtrain_exporter.push.senders import Senders, state_folder, writer_for
from llmtrain_exporter.serve.exposition import Exposition
from llmtrain_exporter.serve.finished_runs import FILE, FinishedRuns
from llmtrain_exporter.serve.fleet import Fleet
from llmtrain_exporter.serve.http import create_app
from llmtrain_exporter.serve.protection import Protection
from llmtrain_exporter.serve.reading_processes import ForOneThread
from llmtrain_exporter.serve.run_notes import FILE as NOTES
from llmtrain_exporter.serve.run_notes import NotesFile
from llmtrain_exporter.serve.telemetry import Telemetry
from llmtrain_exporter.serve.watched_logs import WatchedLogs
from llmtrain_exporter.serve.watcher import Watcher
from llmtrain_exporter.serve.watchers import Watchers
from llmtrain_exporter.web import web_config
from llmtrain_exporter.web.access import access_of
from llmtrain_exporter.web.connections import Limits, fair_share
from llmtrain_exporter.web.reloading import on_hangup, reload, warn_of_address
from llmtrain_exporter.web.server import Server
from llmtrain_exporter.web.web_config import WebConfig

LAST_LOOK_SECONDS = 0.5
"""How long the end waits for the loop; what it would still have read is read at the next start."""

MOST_CONNECTIONS = 512

log = logging.getLogger(__name__)


class Exporter:
    """Loop, server and what they share, set up by settings that can change while they work."""

    def __init__(
        self, settings: Settings, any_port: bool = False, protection: Protection | None = None
    ) -> None:
        """`any_port`: take a free port where the one of the settings is in use. `protection`: of the runs.

        Raises OSError where it cannot listen, and ConfigError.
        """
        web = web_config.load(settings.web_config_file)
        self._exposition = Exposition()
        self._fleet = Fleet(self._exposition, settings.paths)
        self._telemetry = Telemetry(__version__, self._fleet, self._exposition)
        self._telemetry.limits(settings.known_profiles.values())
        if protection is not None:
            self._telemetry.show_protection(protection)
        self._started_with = settings
        self.metrics = self._telemetry.server
        self.server = self._bound(self._app(settings, web), settings, web, any_port)
        self._logs = WatchedLogs(self._fleet, settings)
        self._senders = Senders(self._writer, self._logs.modified)
        self._telemetry.watch_history(lambda: self._senders.writers)
        self._sends = bool(settings.remote_write)
        self._state_folder = state_folder(settings.state_dir, os.environ)
        sink = self._senders if self._sends else None
        folder = self._state_folder
        self._finished = FinishedRuns(None if folder is None else folder / FILE, time.time)
        self.notes = NotesFile(
            None if folder is None else folder / NOTES,
            self._fleet.take_notes,
            partial(self._fleet.note_problems, NotesFile),
        )
        self.watchers = Watchers(
            settings, self._fleet, self._telemetry, sink, protection, self._finished, ForOneThread()
        )
        self._senders.change(settings.remote_write)
        self.metrics.reloaded(time.time())

    def change(self, settings: Settings) -> None:
        """Go by these settings from now on. Raises ConfigError, and then nothing has changed."""
        web = web_config.load(settings.web_config_file)
        app = self._app(settings, web)
        self._telemetry.limits(settings.known_profiles.values())
        self._fleet.roots = settings.paths
        self._logs.change(settings)
        self.watchers.change(settings)
        self._change_senders(settings)
        self.server.exchange(app, web.tls)
        warn_of_address(settings.listen, self._started_with.listen)
        if settings.protection != self._started_with.protection:
            log.warning("Start it again to protect runs otherwise; until then that is as it was")

    def close(self) -> None:
        """Send what waits, for a moment, and write what is kept."""
        self._senders.close()
        self._finished.close()

    def _change_senders(self, settings: Settings) -> None:
        if settings.remote_write and not self._sends:
            log.warning("History is sent after a new start: so far it was sent nowhere")
        elif self._sends:
            self._senders.change(settings.remote_write)
            self._warn_of_state_folder(state_folder(settings.state_dir, os.environ))

    def _warn_of_state_folder(self, wanted: Path | None) -> None:
        """Its files are open: another place is none while history is sent."""
        used = self._state_folder
        if wanted != used:
            text = "Start it again to keep in %s up to where each log was sent; until then that is kept in %s"
            log.warning(text, wanted or "no folder", used or "no folder")

    def _writer(self, rule: RemoteWriteRule) -> RemoteWriter:
        return writer_for(rule, self._state_folder, os.environ, self._logs, __version__)

    def _app(self, settings: Settings, web: WebConfig) -> ASGIApp:
        access = access_of(web, settings.address[0], settings.allowed_hosts)
        shared = self._fleet, self._exposition, self._telemetry
        return create_app(*shared, access, __version__, time.time, settings)

    def _bound(self, app: ASGIApp, settings: Settings, web: WebConfig, any_port: bool) -> Server:
        host, port = settings.address
        server = partial(Server, app, tls=web.tls, limits=limits(), note_cut=self.metrics.cut_off)
        try:
            return server(host, port)
        except OSError as error:
            if not any_port or getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
                raise
        log.warning("Port %d is in use; another one is taken", port)
        return server(host, 0)


def serve(
    settings: Settings,
    announce: Callable[[str], object],
    any_port: bool = False,
    renew: Callable[[Callable[[Settings], None]], None] | None = None,
    protection: Protection | None = None,
) -> bool:
    """Watch and answer until SIGTERM or Ctrl-C; whether it ended because of that and not of an error.

    `announce` gets the URL; `any_port`: see `Exporter`; `renew` reads the settings again when SIGHUP comes
    and hands them to what it gets; `protection` protects the runs. Raises OSError where it cannot listen,
    and ConfigError.
    """
    exporter = Exporter(settings, any_port, protection)
    with ExitStack() as until_end:
        until_end.callback(exporter.close)
        if renew is not None:
            change = partial(renew, exporter.change)
            until_end.enter_context(on_hangup(partial(reload, change, exporter.metrics, time.time)))
        announce(exporter.server.url)
        return _run(exporter)


def limits() -> Limits:
    """Those of its connections: by far the most of what may be open is left to the logs."""
    return Limits(connections=fair_share(MOST_CONNECTIONS, raise_descriptor_limit(), 8))


def _run(exporter: Exporter) -> bool:
    watchers, server = exporter.watchers, exporter.server
    stop = threading.Event()
    failed = threading.Event()

    def watch(watcher: Watcher) -> None:
        try:
            watcher.run(stop)
        except Exception:
            # Numbers that never change again look healthy. No exporter is better than a blind one.
            log.exception("The loop that reads the logs has failed")
            failed.set()
            server.stop()

    watchers.start(watch, stop)
    # A thread of its own: the folder may lie on a file system that does not answer.
    threading.Thread(target=exporter.notes.keep_looking, args=(stop,), name="notes", daemon=True).start()
    try:
        server.run()
    finally:
        stop.set()
        watchers.wait(LAST_LOOK_SECONDS)
    return not failed.is_set()
