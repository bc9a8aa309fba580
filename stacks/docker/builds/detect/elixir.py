"""Elixir: a Mix release, with Phoenix or without."""

from __future__ import annotations

import re

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.versions import choose, exact, first_line, tool_version
from stacks.errors import PortwrightError

DEFAULT = "1.19"
VERSIONS = (DEFAULT, "1.18", "1.17", "1.16", "1.15", "1.14")
PORT = 4000
APP = re.compile(r"\bapp:\s*:([a-z_][a-z0-9_]{0,63})\b")
WANTED = re.compile(r"\belixir:\s*\"([^\"\n]{1,60})\"")


def marker(folder: Folder) -> str | None:
    """Return mix.exs, where it exists."""
    return folder.first("mix.exs")


def write(source: Source) -> Detected:
    """Write a Dockerfile that builds a release and runs it on the same distribution."""
    folder = source.folder
    text = folder.text("mix.exs")
    app = APP.search(text)
    if not app:
        raise PortwrightError(
            "mix.exs names no application", remedy="Set `app:` in mix.exs.", path="build"
        )
    version, notices = elixir_version(folder, text)
    phoenix = bool(re.search(r"\{\s*:phoenix\s*,", text))
    dockerfile = Dockerfile()
    dockerfile.stage(f"elixir:{version}", "build")
    dockerfile.env(MIX_ENV="prod")
    dockerfile.add("WORKDIR /src")
    dockerfile.run("mix local.hex --force", "mix local.rebar --force")
    lock = " mix.lock" if folder.has("mix.lock") else ""
    local = "path:" in text
    dockerfile.add("COPY . ." if local else f"COPY mix.exs{lock} ./")
    dockerfile.run(
        "mix deps.get --only prod", caches=["/root/.cache/rebar3", "/root/.hex/packages"]
    )
    if folder.has("config/config.exs") and not local:
        files = [name for name in ("config/config.exs", "config/prod.exs") if folder.has(name)]
        dockerfile.add(f"COPY {' '.join(files)} config/")
    dockerfile.run("mix deps.compile")
    dockerfile.add("COPY . .")
    # Phoenix 1.8 takes hooks for its assets from the compiled modules.
    dockerfile.run("mix compile")
    if "assets.deploy" in text:
        dockerfile.run("mix assets.deploy")
    dockerfile.run("mix release --path /out")
    dockerfile.stage(f"elixir:{version}-slim")
    dockerfile.app_user()
    dockerfile.env(LANG="C.UTF-8", MIX_ENV="prod", PHX_SERVER="true", PORT=str(PORT))
    dockerfile.add("COPY --from=build --chown=app:app /out ./", "USER app")
    dockerfile.cmd(shell(source.process) if source.process else [f"bin/{app[1]}", "start"])
    kind = ", Phoenix" if phoenix else ""
    return Detected(dockerfile.text(), f"Elixir: mix.exs{kind}", notices, PORT)


def elixir_version(folder: Folder, text: str) -> tuple[str, tuple[str, ...]]:
    """Return the Elixir version that the project asks for, and notices."""
    asked = tool_version(folder.text(".tool-versions"), "elixir")
    asked = asked or exact(first_line(folder.text(".elixir-version")))
    if asked:
        return asked, ()
    wanted = WANTED.search(text)
    if not wanted:
        return DEFAULT, ()
    version = choose(
        wanted[1].replace(" or ", " || ").replace(" and ", " "), VERSIONS, loose_tilde=True
    )
    if version:
        return version, ()
    return DEFAULT, (f"The version in mix.exs is not understood. Elixir {DEFAULT} is used.",)
