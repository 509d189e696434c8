"""`render`: rules, runbook and dashboards from the knowledge tables."""

from __future__ import annotations

from pathlib import Path

import click

from llmtrain_exporter.cli.options import LANGUAGES


def _web_address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """An address that others are made of; the default where none is given."""
    from llmtrain_exporter.notify.config.fields import base_address

    try:
        return base_address(value) if value else None
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}.") from None


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; say which files are not up to date.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Only the files in this language.")
@click.option(
    "--servers",
    is_flag=True,
    help="Also what the compose project has for Prometheus, Alertmanager and Grafana, over what was changed "
    "there by hand.",
)
@click.option(
    "--grafana-url",
    metavar="URL",
    callback=_web_address,
    help="Where alerts link to Grafana. [default: http://localhost:3000]",
)
@click.option(
    "--exporter-url",
    metavar="URL",
    callback=_web_address,
    help="Where they link to the page of a run; {instance} in it stands for the address that Prometheus "
    "scrapes. [default: http://localhost:9848]",
)
@click.option(
    "--runbook-url",
    metavar="URL",
    callback=_web_address,
    help="Where they link to the runbook; {lang} in it stands for en or zh. [default: the exporter's page]",
)
def render(folder: Path, check: bool, servers: bool, lang: str | None, **urls: str | None) -> int:
    """Write rules, dashboards, manifests and references anew.

    They are made from the knowledge tables, into the folders of the project in DIR.

    \b
    Examples:
      llmtrain-exporter render
      llmtrain-exporter render --check
      llmtrain-exporter render --lang zh --grafana-url https://grafana.example.com bundle/

    Exit codes: 0 up to date or written, 1 not up to date (--check) or cannot be written, 64 wrong usage.
    """
    from llmtrain_exporter import bundle
    from llmtrain_exporter.bundle.alerting.places import Places
    from llmtrain_exporter.bundle.servers import compose_files
    from llmtrain_exporter.knowledge.text import Lang

    given = {name.removesuffix("_url"): url for name, url in urls.items() if url}
    files = bundle.rendered(Lang(lang) if lang else None, Places(**given))
    files |= compose_files() if servers else {}
    paths = list((bundle.outdated if check else bundle.write)(folder, files))
    for path in paths:
        click.echo(f"{path}: {'not up to date' if check else 'written'}")
    return int(check and bool(paths))
