"""`demo`: bundled runs, watched."""

from __future__ import annotations

from pathlib import Path

import click

from llmtrain_exporter.cli.options import configured
from llmtrain_exporter.cli.serve import run_exporter
from llmtrain_exporter.cli.shell import reporting
from llmtrain_exporter.cli.stopping import until_stopped


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Address to serve on. Another port if this one is taken.")
@click.option("--speed", metavar="LINES", default="5", show_default=True, help="Lines per second of a run.")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the logs here, and leave them there.",
)
def demo(listen: str | None, speed: str, keep: Path | None) -> int:
    """Watch a bundled GRPO run collapse beside a healthy one.

    \b
    Examples:
      llmtrain-exporter demo
      llmtrain-exporter demo --speed 1 --keep /tmp/demo

    Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 cannot go on, 64 wrong usage.
    """
    from llmtrain_exporter.publish.demo import playing, where_to_look
    from llmtrain_exporter.publish.replay import ReplayError, interval

    with until_stopped(), reporting(ReplayError), playing(keep, interval(speed)) as folder:
        chosen = configured({"paths": (str(folder),), "listen": listen}, None, {})
        return run_exporter(chosen, lambda url: click.echo(where_to_look(url, folder)), any_port=True)
    return 0
