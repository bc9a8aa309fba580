"""`portwright import`: turn a Compose file into a portwright.yaml. Needs no server."""

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
@click.option("--name", help="The project's name. Default: the Compose file's.")
@click.option("--profile", "profiles", multiple=True, help="Include the services of this profile.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The repository's root. Default: the folder with .git that FILE is in, or FILE's folder.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write. Default: portwright.yaml at the repository's root.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--skip-refused", is_flag=True, help="Leave out refused keys and write the rest.")
@click.option("--allow-host", is_flag=True, help="Keep access to the host, under `host:`.")
@click.option("--json", "plain", is_flag=True, help="Print the report as JSON.")
def import_compose(
    file: Path,
    name: str | None,
    profiles: tuple[str, ...],
    root: Path | None,
    out: Path | None,
    force: bool,
    skip_refused: bool,
    allow_host: bool,
    plain: bool,
) -> None:
    """Turn a Compose FILE into a portwright.yaml, and report what became of each key."""
    # Here and not above: the other commands need nothing but the API.
    from stacks.compose.importer import convert
    from stacks.compose.load import repository_root
    from stacks.errors import PortwrightError

    root = root or repository_root(file)
    out = out or relative(root / "portwright.yaml")
    if out.exists() and not force:
        raise Failure(f"{out} already exists", "give --out, or --force to replace it")
    try:
        made = convert(file, name=name, profiles=profiles, allow_host=allow_host, root=root)
    except PortwrightError as error:
        raise Failure(error.message, error.remedy, error.path) from None
    if plain:
        as_json([asdict(entry) for entry in made.report])
    else:
        show(made)
    if made.refused and not skip_refused:
        raise Failure(
            f"nothing was written: {len(made.refused)} keys cannot be converted",
            "change them, or leave them out with --skip-refused",
        )
    out.write_text(made.text)
    line(f"Wrote {out}. Next: commit it, then run portwright projects add.", error=plain)


def relative(path: Path) -> Path:
    """The path as seen from the current folder, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def show(made: Imported) -> None:
    for verdict, style in STYLES.items():
        entries = [entry for entry in made.report if entry.verdict == verdict]
        if entries:
            line((f"{verdict} ({len(entries)})", style))
            for entry in entries:
                line(f"  {entry.path}", (f"  {entry.reason}" if entry.reason else "", "dim"))
