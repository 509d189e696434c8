"""The descriptor of a program that prints rows: its grammar is its own, all else common to all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from llmtrain_exporter.ingest.argument_files import HUGGING_FACE_FILES
from llmtrain_exporter.ingest.arguments import ArgumentFile
from llmtrain_exporter.ingest.console import ConsoleReader, Grammar
from llmtrain_exporter.ingest.dialect import Confidence, Dialect, Role
from llmtrain_exporter.ingest.normalise import Normaliser
from llmtrain_exporter.ingest.several_files import SeveralFiles
from llmtrain_exporter.knowledge.producer import Producer


def console_dialect(
    name: str,
    producer: Producer,
    grammar: Callable[[], Grammar],
    known_by: re.Pattern[bytes],
    aliases: Mapping[str, str] | None = None,
    files: tuple[str, ...] = (),
    argument_files: tuple[ArgumentFile, ...] = HUGGING_FACE_FILES,
    live: bool = True,
    several: SeveralFiles | None = None,
) -> Dialect:
    """A dialect that is surely that of a text in which `known_by` is found: the begin of a row, as a rule.

    `grammar`: makes that of one log. The others: see `Normaliser` and `Dialect`.
    """
    return Dialect(
        name=name,
        producer=producer,
        reader=lambda normaliser, schedule: ConsoleReader(normaliser, grammar(), schedule),
        sniff=lambda head: Confidence.SURE if known_by.search(head.text) else Confidence.NO,
        files=files,
        role=Role.CONSOLE,
        normaliser=lambda: Normaliser(aliases),
        argument_files=argument_files,
        live=live,
        several=several,
    )
