"""What `setup` asks, and what it says at the end."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from llmtrain_exporter.cli.shell import Failure

if TYPE_CHECKING:
    from llmtrain_exporter.knowledge.text import Lang, Text
    from llmtrain_exporter.setup.chat import Question
    from llmtrain_exporter.setup.site import Site

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks in a language; where it is `quiet`, takes each default."""

    lang: Lang
    quiet: bool

    def text(self, question: Text, usual: str, check: Callable[[str], T], allowed: Sequence[str] = ()) -> T:
        """What `check` makes of one answer; of one that it refuses with a UsageError the reason is told."""
        if self.quiet:
            return check(usual)
        kind = click.Choice(allowed) if allowed else None
        while True:
            answer: str = click.prompt(question.of(self.lang), default=usual, type=kind, err=True)
            try:
                return check(answer)
            except click.UsageError as error:
                self.refuse(error.message)

    def agrees(self, question: str) -> bool:
        """Whether somebody says yes, which Enter does too."""
        return self.quiet or click.confirm(question, default=True, err=True)

    def refuse(self, why: str) -> None:
        """Say what is wrong with an answer that is asked for again."""
        click.echo(f"Error: {why}", err=True)

    def about_bot(self, question: Question) -> str:
        """One thing that a bot can be told; empty where that is allowed and wanted."""
        from llmtrain_exporter.knowledge import setup_words as words

        text = words.BOT_ANSWERS[question.key].of(self.lang)
        if not question.required:
            text = words.ASK_OPTIONAL.of(self.lang).format(what=text)
        if question.secret:
            text = words.ASK_SECRET.of(self.lang).format(what=text)
        usual = None if question.required else ""
        answer: str = click.prompt(
            text, default=usual, show_default=False, hide_input=question.secret, type=str, err=True
        )
        return answer.strip()


@contextmanager
def somebody_answers() -> Iterator[None]:
    """Ctrl-C ends the program as it does anywhere; that the input ends is a mistake, and told."""
    try:
        yield
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        raise Failure("nobody answers: give --yes for the defaults, and what differs as options") from None


def closing(site: Site, written: int) -> str:
    """What was done, and the commands that come next."""
    from llmtrain_exporter.knowledge import setup_words as words
    from llmtrain_exporter.setup.folder import PASSWORD, RUN
    from llmtrain_exporter.setup.site import LOCAL, NONE

    lang = site.lang
    done = words.WRITTEN if written else words.UNCHANGED
    run, units = shlex.quote(f"{site.folder}/{RUN}"), shlex.quote(f"{site.folder}/systemd")
    commands = {
        words.START: run,
        words.TEST: f"{run} relay --test",
        words.FOR_GOOD: f"systemctl --user enable --now {units}/user/*",
    }
    lines = [done.of(lang).format(n=written, folder=site.folder, logs=", ".join(site.logs)), ""]
    lines += [f"  {command}\n      {text.of(lang)}" for text, command in commands.items()]
    lines += ["", words.SYSTEM.of(lang).format(command=f"sudo systemctl enable --now {units}/system/*")]
    if site.grafana not in (LOCAL, NONE):
        lines.append(words.OTHER_GRAFANA.of(lang).format(folder=f"{site.folder}/grafana"))
    if site.grafana == LOCAL and not site.is_own:
        lines.append(words.PASSWORD.of(lang).format(file=f"{site.folder}/{PASSWORD}"))
    return "\n".join(lines)
