"""`setup`: everything for a machine without Docker."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llmtrain_exporter.cli.asking import Asking, closing, somebody_answers
from llmtrain_exporter.cli.exit_codes import FAILED
from llmtrain_exporter.cli.options import LANGUAGES, warn
from llmtrain_exporter.cli.shell import PROGRAM, Failure, reporting
from llmtrain_exporter.setup.ports import PORTS

if TYPE_CHECKING:
    from llmtrain_exporter.knowledge.text import Text
    from llmtrain_exporter.setup.chat import ChosenBot, Question
    from llmtrain_exporter.setup.placing import Plan
    from llmtrain_exporter.setup.site import Site

T = TypeVar("T")
_Command = TypeVar("_Command", bound=Callable[..., Any])
LOCAL, NONE = "local", "none"
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_BOTS = Path(__file__).parent.parent / "notify" / "bots"
CHATS = (*sorted(file.stem for file in _BOTS.glob("[!_]*.py")), NONE)
"""By the files of the bots: to load them is too much for a command line that only helps."""


def _port_options(command: _Command) -> _Command:
    for name, port in reversed(PORTS.items()):
        ports = click.IntRange(1, 65535)
        option = click.option(
            f"--{name}-port", type=ports, default=port, show_default=True, help="Where it listens."
        )
        command = option(command)
    return command


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option(
    "--logs",
    metavar="PATH",
    multiple=True,
    help="Where training writes; several times. [default: ./output, else .]",
)
@click.option("--chat", type=click.Choice(CHATS), help="Where cards go. [default: none]")
@click.option(
    "--grafana",
    metavar="local|none|URL",
    help="Started here, none, or one that there is. [default: local where it is installed]",
)
@click.option(
    "--host",
    metavar="NAME",
    help="Under which others reach this machine; exporter and Grafana then listen on all of its addresses, "
    "the exporter without a password. "
    "[default: localhost]",
)
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of alerts and all else."
)
@_port_options
@click.option("--yes", is_flag=True, help="Ask nothing: what is not given is the default.")
@click.option("--force", is_flag=True, help="Overwrite, or remove, what was changed by hand as well.")
def setup(folder: str, **given: Any) -> int:
    """Set this machine up without Docker, in one folder.

    It has run.sh, which starts exporter, relay, Prometheus, Alertmanager and Grafana as far as they are
    installed, their configuration with all addresses filled in, alert rules, dashboards, and units for
    systemd. What no option says is asked.

    The address of a chat's bot is asked, or taken from the relay's variable, LLMTRAIN_RELAY_NAME_URL for the
    chat NAME. It is kept in DIR/secrets, in a file that you alone can read.

    The same answers again change nothing. With other answers, what setup wrote and nobody has changed since
    is replaced, after a question; files that were changed by hand, or that setup did not write, are named and
    kept, unless --force is given.

    \b
    Examples:
      llmtrain-exporter setup watch/
      llmtrain-exporter setup watch/ --logs /data/output --yes
      llmtrain-exporter setup watch/ --logs output --logs /data/runs --grafana https://grafana.example --yes
      llmtrain-exporter setup watch/ --logs output --prometheus-port 9091 --lang zh --yes

    Exit codes: 0 written, or nothing to change, 1 files that differ were kept, or one cannot be written,
    64 wrong usage.
    """
    from llmtrain_exporter.knowledge import setup_words as words
    from llmtrain_exporter.knowledge.text import Lang
    from llmtrain_exporter.setup import placing
    from llmtrain_exporter.setup.chat import ChatError
    from llmtrain_exporter.setup.folder import files, of_other_answers
    from llmtrain_exporter.setup.keys import own_secrets

    asking = Asking(Lang(given["lang"]), quiet=given["yes"])
    target = _usable(folder)
    with somebody_answers(), reporting(ChatError):
        site, secrets = _site(target, given, asking)
    wanted = {**files(site), **own_secrets(target, site), **secrets}
    plan = placing.planned(target, wanted, of_other_answers(site), given["force"])
    kept = [words.KEPT.of(asking.lang).format(path=target / path) for path in plan.kept]
    warn([*kept, words.ALL_ELSE.of(asking.lang)] if kept else [])
    if not given["force"]:
        _demand_agreement(plan, asking)
    placing.write(target, wanted, plan)
    absent = words.ABSENT.of(asking.lang)
    warn(absent.format(path=path) for path in site.logs if not os.path.exists(path))
    click.echo(closing(site, plan.written))
    return FAILED if kept else 0


def _demand_agreement(plan: Plan, asking: Asking) -> None:
    """Raises Failure where somebody does not want what is there to be replaced."""
    from llmtrain_exporter.knowledge import setup_words as words

    counts = {"n": len(plan.changed), "gone": len(plan.unneeded)}
    if any(counts.values()):
        with somebody_answers():
            agreed = asking.agrees(words.ASK_REPLACE.of(asking.lang).format(**counts))
        if not agreed:
            raise Failure(words.NOTHING_WRITTEN.of(asking.lang), code=FAILED)


def _usable(folder: str) -> Path:
    """An absolute path that can stand in all files."""
    path = _absolute(folder, "DIR")
    if set("\"'\\$%") & set(path):
        raise click.BadParameter("must have no quotes, backslashes, $ or % in its path.", param_hint="'DIR'")
    return Path(path)


def _absolute(path: str, option: str) -> str:
    if not path.strip():
        raise click.BadParameter("must not be empty.", param_hint=f"'{option}'")
    found = os.path.abspath(os.path.expanduser(path))
    if not found.isprintable():
        raise click.BadParameter(f"{found!r} has characters that nobody sees.", param_hint=f"'{option}'")
    return found


def _user() -> str:
    """Who runs this, by number where they have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _site(folder: Path, given: Mapping[str, Any], asking: Asking) -> tuple[Site, Mapping[str, str]]:
    """What was answered, and the bot's secrets."""
    from llmtrain_exporter.knowledge import setup_words as words
    from llmtrain_exporter.setup.site import OWN_HOST, Site

    def answer(name: str, question: Text, usual: str, check: Callable[[str], T]) -> T:
        return asking.text(question, usual, check) if given[name] is None else check(given[name])

    paths = _paths(given["logs"]) or asking.text(words.ASK_LOGS, _usual_logs(), _listed_paths)
    chat = given["chat"] or asking.text(words.ASK_CHAT, NONE, str, CHATS)
    bot = None if chat == NONE else _bot(folder, chat, asking)
    grafana = answer("grafana", words.ASK_GRAFANA, _usual_grafana(), _grafana)
    host = answer("host", words.ASK_HOST, OWN_HOST, _host)
    ports = {name: given[f"{name}_port"] for name in PORTS}
    _demand_different(ports)
    answers = _answers(folder, paths, chat, grafana, host, ports, asking.lang.value)
    site = Site(
        folder=str(folder),
        program=_program(),
        logs=paths,
        command=answers,
        user=_user(),
        lang=asking.lang,
        host=host,
        grafana=grafana,
        ports=ports,
        bot=bot.entry if bot else None,
    )
    return site, bot.secrets if bot else {}


def _bot(folder: Path, kind: str, asking: Asking) -> ChosenBot:
    """The bot of that chat: each answer from a variable, from its file in the folder, or asked."""
    from llmtrain_exporter.setup import chat

    while True:
        known = {each: _known(folder, kind, each) for each in chat.questions(kind)}
        answers = {each.key: value or _answer(kind, each, asking) for each, value in known.items()}
        try:
            return chat.chosen(kind, {key: value for key, value in answers.items() if value}, asking.lang)
        except chat.ChatError as error:
            if asking.quiet or any(known.values()):
                raise
            asking.refuse(str(error))


def _known(folder: Path, kind: str, question: Question) -> str:
    return os.environ.get(question.variable, "").strip() or _held(folder, kind, question)


def _answer(kind: str, question: Question, asking: Asking) -> str:
    if asking.quiet and not question.required:
        return ""
    if asking.quiet:
        raise Failure(f"{kind} needs {question.variable}: {question.what}")
    return asking.about_bot(question)


def _held(folder: Path, kind: str, question: Question) -> str:
    """What was answered last time."""
    from llmtrain_exporter.setup import chat, placing

    if question.secret:
        return placing.secret(folder, chat.secret_path(kind, question.key)) or ""
    return chat.earlier(folder / "relay.yml", kind).get(question.key, "")


def _paths(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(_absolute(path, "--logs") for path in given)


def _listed_paths(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",")]
    return _paths([part for part in parts if part] or [""])


def _usual_logs() -> str:
    return "output" if os.path.isdir("output") else "."


def _usual_grafana() -> str:
    return LOCAL if shutil.which("grafana") or shutil.which("grafana-server") else NONE


def _grafana(value: str) -> str:
    from llmtrain_exporter.notify.config.fields import base_address

    if value in (LOCAL, NONE):
        return value
    try:
        return base_address(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} {error}, or be local or none.", param_hint="'--grafana'"
        ) from None


def _host(value: str) -> str:
    if not HOST.fullmatch(value):
        raise click.BadParameter(
            f"{value!r} must be a name or address, without a port.", param_hint="'--host'"
        )
    return value


def _demand_different(ports: Mapping[str, int]) -> None:
    for name, port in ports.items():
        same = [other for other in ports if ports[other] == port]
        if same[0] != name:
            raise click.UsageError(f"{same[0]} and {name} cannot both listen on port {port}.")


def _program() -> str:
    """The command that runs now, where it is a program of its own; else looked for when it is needed."""
    beside = Path(sys.executable).with_name(PROGRAM)
    return str(beside) if beside.is_file() else shutil.which(PROGRAM) or PROGRAM


def _answers(
    folder: Path, logs: Sequence[str], chat: str, grafana: str, host: str, ports: Mapping[str, int], lang: str
) -> str:
    """The command line with these answers; secrets are none of them."""
    words = [PROGRAM, "setup", str(folder)]
    words += [word for path in logs for word in ("--logs", path)]
    words += ["--chat", chat, "--grafana", grafana, "--host", host, "--lang", lang]
    words += [
        word for name, port in ports.items() if port != PORTS[name] for word in (f"--{name}-port", str(port))
    ]
    return shlex.join(words)
