"""`portwright import`: a Compose file becomes a portwright.yaml. Needs no server."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import Failure
from cli.show import as_json, line

if TYPE_CHECKING:
    from stacks.compose.importer import Imported

STYLES = {"refused": "bold red", "changed": "yellow", "ignored": "dim", "kept": "green"}


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The project's name; the Compose file's unless given.")
@click.option("--profile", "profiles", multiple=True, help="Take services of this profile too.")
@click.option(
    "--out", type=click.Path(path_type=Path), default="portwright.yaml", show_default=True
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--skip-refused", is_flag=True, help="Leave out what is refused, and write the rest.")
@click.option("--allow-host", is_flag=True, help="Take over power over the host, as `host:`.")
@click.option("--json", "plain", is_flag=True, help="Print the report as JSON.")
def import_compose(
    file: Path,
    name: str | None,
    profiles: tuple[str, ...],
    out: Path,
    force: bool,
    skip_refused: bool,
    allow_host: bool,
    plain: bool,
) -> None:
    """Turn a Compose FILE into a portwright.yaml, and say what became of each key."""
    # Here and not above: the other commands need nothing but the API.
    from stacks.compose.importer import convert
    from stacks.errors import PortwrightError

    if out.exists() and not force:
        raise Failure(f"{out} is there already", "give --out, or --force to write over it")
    try:
        made = convert(file, name=name, profiles=profiles, allow_host=allow_host)
    except PortwrightError as error:
        raise Failure(error.message, error.remedy, error.path) from None
    if plain:
        as_json([asdict(entry) for entry in made.report])
    else:
        show(made)
    if made.refused and not skip_refused:
        raise Failure(
            f"{len(made.refused)} keys are refused, and nothing was written",
            "change them, or leave them out with --skip-refused",
        )
    out.write_text(made.text)
    line(f"{out} is written. Next: commit it, then portwright projects add", error=plain)


def show(made: Imported) -> None:
    for verdict, style in STYLES.items():
        entries = [entry for entry in made.report if entry.verdict == verdict]
        if entries:
            line((f"{verdict} ({len(entries)})", style))
            for entry in entries:
                line(f"  {entry.path}", (f"  {entry.reason}" if entry.reason else "", "dim"))
