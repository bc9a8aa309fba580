"""`portwright dockerfile`: the generated Dockerfile of a folder. Needs no server."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import Failure
from cli.show import line


@click.command("dockerfile")
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="."
)
@click.option(
    "--service",
    default="web",
    show_default=True,
    help="The service to build: selects its Procfile line, or its program among several.",
)
@click.option("--write", is_flag=True, help="Write FOLDER/Dockerfile unless it exists.")
def dockerfile(folder: Path, service: str, write: bool) -> None:
    """Print the Dockerfile that Portwright generates for FOLDER."""
    # Imported here, because the other commands need only the API.
    from stacks.docker.builds.detect import detect
    from stacks.errors import PortwrightError

    try:
        detected = detect(folder, service)
    except PortwrightError as error:
        raise Failure(error.message, error.remedy) from None
    if write:
        target = folder / "Dockerfile"
        try:
            with target.open("x") as file:
                file.write(detected.dockerfile)
        except FileExistsError:
            raise Failure(f"{target} already exists", "Remove it first, or omit --write.") from None
    else:
        print(detected.dockerfile, end="")
    line(("Detected ", "bold"), detected.found, error=True)
    for notice in detected.notices:
        line(("Notice: ", "yellow"), notice, error=True)
    if write:
        line(f"Wrote {target}. Next: commit it.", error=True)
