"""The exporters that can be asked about a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from llmtrain_exporter.knowledge.card_words import ALERT_ONLY, NOT_KNOWN
from llmtrain_exporter.knowledge.text import Lang
from llmtrain_exporter.notify.call import Answer, Call, Egress, NoAnswerError
from llmtrain_exporter.notify.client import ask
from llmtrain_exporter.notify.compose import RunAnswer
from llmtrain_exporter.notify.config.configure import ExporterAddress
from llmtrain_exporter.notify.config.settings import INSTANCE
from llmtrain_exporter.notify.instances import KnownInstances
from llmtrain_exporter.story.tree_json import from_object

SECONDS = 4.0
SILENT_SECONDS = 5.0
"""One that did not answer is not asked for so long: in a storm all cards would wait for it."""

MOST_BYTES = 8 * 1024 * 1024
MOST_SILENT = 1000  # an address may hold an alert's own label, of which a pattern allows many


class Exporters:
    """Those of the settings. May be used by several threads."""

    def __init__(
        self,
        exporters: Sequence[ExporterAddress],
        count: Callable[[str], object],
        clock: Callable[[], float],
        instances: Iterable[str] = (),
    ) -> None:
        """`count` gets the result of each question, in a word; `clock` never goes back.

        `instances`: what {instance} in an address may stand for. An alert's label is anybody's word.
        """
        self._exporters = exporters
        self._instances = KnownInstances(instances)
        self._count = count
        self._clock = clock
        # By address: until when it is not asked. Shared by threads, but each entry is set as a whole.
        self._silent: dict[str, float] = {}

    def story(self, run: str, instance: str, lang: Lang) -> RunAnswer:
        """What an exporter tells of a run. `instance`: of the alert, which names the exporter to ask.

        One of an older version tells no story, and is as if it had not answered.
        """
        note = ALERT_ONLY if self._exporters else None
        for answer in self._answers("/api/v1/run", {"run": run, "lang": lang.value}, instance):
            document = (_object(answer) if answer.status == 200 else None) or {}
            found = from_object(document.get("story"))
            unknown = answer.status == 404 and b'"error"' in answer.body
            self._count("found" if found else "unknown_run" if unknown else "unreadable")
            if found is not None:
                return RunAnswer(found, document)
            note = NOT_KNOWN if unknown else note
        return RunAnswer(note=note)

    def history(self, run: str, instance: str, steps: tuple[int, int], points: int) -> dict[str, Any] | None:
        """The values of a run between two steps as /api/v1/history gives them, None if nobody tells."""
        first, last = steps
        params = {"run": run, "points": str(points), "from": str(first), "to": str(last)}
        for answer in self._answers("/api/v1/history", params, instance):
            if answer.status == 200:
                return _object(answer)
        return None

    def _answers(self, path: str, params: dict[str, str], instance: str) -> Iterator[Answer]:
        for exporter in self._to_ask(instance):
            url = exporter.url.replace(INSTANCE, instance)
            if self._clock() < self._silent.get(url, 0.0):
                continue
            try:
                call, egress = Call(url + path, params=params, direct=True), Egress(ca_file=exporter.ca_file)
                yield ask(call, SECONDS, MOST_BYTES, exporter.auth, egress)
            except NoAnswerError as error:
                self._count(error.reason)
                if len(self._silent) >= MOST_SILENT:
                    self._silent.clear()
                self._silent[url] = self._clock() + SILENT_SECONDS

    def _to_ask(self, instance: str) -> Sequence[ExporterAddress]:
        """The one that the alert comes from if it is known by that address, else all, one after another."""
        known = [exporter for exporter in self._exporters if urlsplit(exporter.url).netloc == instance]
        if known:
            return known[:1]
        named = self._instances.knows(instance)
        return [exporter for exporter in self._exporters if named or INSTANCE not in exporter.url]


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        document = orjson.loads(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
