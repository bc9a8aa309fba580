"""Hugo: a static site that Debian's `hugo` builds and nginx serves."""

from __future__ import annotations

from stacks.docker.builds.detect.dockerfile import RUNTIME, Dockerfile
from stacks.docker.builds.detect.folder import Folder
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.static import PORT, serve

CONFIGS = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")


def marker(folder: Folder) -> str | None:
    """Return Hugo's configuration; `config.toml` counts beside a folder `content`."""
    old = folder.first("config.toml", "config.yaml") if folder.has_folder("content") else None
    return folder.first(*CONFIGS) or old


def write(source: Source) -> Detected:
    """Write a Dockerfile that builds the site."""
    dockerfile = Dockerfile()
    dockerfile.stage(RUNTIME, "build")
    # git and golang are for themes that are Hugo modules.
    dockerfile.install(["ca-certificates", "git", "golang-go", "hugo"])
    dockerfile.add("WORKDIR /app", "COPY . .")
    dockerfile.run("hugo --minify --destination /out", caches=["/root/.cache/hugo_cache"])
    serve(dockerfile, built="/out", fallback="404.html")
    return Detected(dockerfile.text(), f"Hugo: {marker(source.folder)}", port=PORT)
