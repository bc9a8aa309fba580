"""Frameworks of Node projects: what a build leaves, and how that is served."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from stacks.docker.builds.detect.folder import SAFE_PATH, Folder, string, table
from stacks.errors import PortwrightError

PORT = 3000
CONFIGS = (".js", ".mjs", ".ts", ".cjs")
# Programs that serve files while somebody develops: the built files are served by nginx instead.
DEVELOPMENT = ("vite", "react-scripts", "vue-cli-service", "astro", "eleventy", "gatsby", "serve",
               "docusaurus", "parcel", "http-server", "npx", "vitepress", "webpack")  # fmt: skip
# Dependency -> (name, folder that the build leaves, file for unknown paths).
SITES: dict[str, tuple[str, str, str | None]] = {
    "astro": ("Astro", "dist", None),
    "@11ty/eleventy": ("Eleventy", "_site", None),
    "gatsby": ("Gatsby", "public", None),
    "@docusaurus/core": ("Docusaurus", "build", None),
    "react-scripts": ("Create React App", "build", "index.html"),
    "@vue/cli-service": ("Vue CLI", "dist", "index.html"),
    "vite": ("Vite", "dist", "index.html"),
    "parcel": ("Parcel", "dist", "index.html"),
}
SHELL = re.compile(r"[&|;<>$`(){}*?~#\n\r]")


@dataclass(frozen=True)
class Result:
    """What the build leaves.

    files: folder served by nginx; copies: (from, to) where not the whole folder is needed.
    argv: the command; None where the manager runs the script `start`.
    """

    name: str = ""
    files: str | None = None
    fallback: str | None = None
    argv: list[str] | None = None
    script: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    copies: tuple[tuple[str, str], ...] = ()
    prune: bool = False
    build: str = "build"


def result_of(folder: Folder, package: dict[str, object], process: str | None) -> Result:
    """Return what the build leaves: a server of a known framework, files, or a plain start."""
    packages = {**table(package, "devDependencies"), **table(package, "dependencies")}
    scripts = table(package, "scripts")
    for dependency, write in (
        ("next", _next),
        ("nuxt", _nuxt),
        ("@sveltejs/kit", _svelte),
        ("@astrojs/node", _astro),
        ("@nestjs/core", _nest),
    ):
        if dependency in packages:
            found = write(folder, packages, scripts, bool(process))
            if found:
                return found
    for dependency in ("@remix-run/serve", "@react-router/serve"):
        if dependency in packages and "start" in scripts:
            name = "Remix" if "remix" in dependency else "React Router"
            return Result(name, script="start", prune=True, env={"HOST": "0.0.0.0"})
    start = string(scripts, "start")
    if not process and (not start.split() or start.split()[0] in DEVELOPMENT):
        for dependency, (name, files, fallback) in SITES.items():
            if dependency in packages and "build" in scripts:
                files = _out_folder(folder, files) if dependency == "vite" else files
                return Result(name, files=files, fallback=fallback)
    return _plain(folder, package, scripts)


def _config(folder: Folder, name: str) -> str:
    file = folder.first(*(f"{name}.config{suffix}" for suffix in CONFIGS))
    return folder.text(file) if file else ""


def _next(folder: Folder, packages: object, scripts: object, process: bool) -> Result:
    config = _config(folder, "next")
    output = re.search(r"\boutput\s*:\s*[\"'](standalone|export)[\"']", config)
    # Next.js listens on $HOSTNAME, which Docker sets to the container's ID.
    env = {"HOSTNAME": "0.0.0.0"}
    if output and output[1] == "export" and not process:
        return Result("Next.js", files="out", fallback="404.html")
    if output and output[1] == "standalone" and not process:
        copies = [(".next/standalone", "./"), (".next/static", "./.next/static")]
        if folder.has_folder("public"):
            copies.append(("public", "./public"))
        return Result("Next.js", argv=["node", "server.js"], env=env, copies=tuple(copies))
    argv = ["node_modules/.bin/next", "start", "--hostname", "0.0.0.0"]
    return Result("Next.js", argv=argv, env=env, prune=True)


def _nuxt(folder: Folder, packages: object, scripts: object, process: bool) -> Result:
    if "nuxt generate" in string(scripts, "build") or not string(scripts, "build"):
        if string(scripts, "generate"):
            return Result("Nuxt", files=".output/public", fallback="200.html", build="generate")
        return Result("Nuxt", files=".output/public", fallback="200.html")
    argv = ["node", ".output/server/index.mjs"]
    return Result("Nuxt", argv=argv, env={"HOST": "0.0.0.0"}, copies=((".output", "./.output"),))


def _svelte(folder: Folder, packages: object, scripts: object, process: bool) -> Result | None:
    names = table({"packages": packages}, "packages")
    if "@sveltejs/adapter-node" in names:
        return Result("SvelteKit", argv=["node", "build"], env={"HOST": "0.0.0.0"}, prune=True)
    if "@sveltejs/adapter-static" in names:
        return Result("SvelteKit", files="build", fallback="index.html")
    if process or string(scripts, "start"):
        return None
    raise PortwrightError(
        "SvelteKit has no adapter that runs in a container",
        remedy="Add @sveltejs/adapter-node or @sveltejs/adapter-static, or commit a Dockerfile.",
        path="build",
    )


def _astro(folder: Folder, packages: object, scripts: object, process: bool) -> Result:
    argv = ["node", "dist/server/entry.mjs"]
    return Result("Astro", argv=argv, env={"HOST": "0.0.0.0"}, prune=True)


def _nest(folder: Folder, packages: object, scripts: object, process: bool) -> Result:
    if string(scripts, "start:prod"):
        return Result("NestJS", script="start:prod", prune=True)
    return Result("NestJS", argv=["node", "dist/main.js"], prune=True)


def _out_folder(folder: Folder, default: str) -> str:
    found = re.search(r"\boutDir\s*:\s*[\"']([^\"']{1,200})[\"']", _config(folder, "vite"))
    path = found[1].removeprefix("./").rstrip("/") if found else ""
    return path if SAFE_PATH.fullmatch(path) else default


def _plain(folder: Folder, package: dict[str, object], scripts: dict[str, object]) -> Result:
    """Return the start of package.json; `node FILE` runs without npm, so that signals reach it."""
    start = string(scripts, "start")
    if start and not SHELL.search(start) and "prestart" not in scripts:
        try:
            argv = shlex.split(start)
        except ValueError:
            argv = []
        if argv[:1] == ["node"]:
            return Result(argv=argv, prune=True)
    if start:
        return Result(script="start")
    main = string(package, "main")
    names: tuple[str, ...] = ("server.js", "index.js", "app.js", "main.js", "src/index.js")
    names += ("server.mjs", "index.mjs")
    if main and SAFE_PATH.fullmatch(main.removeprefix("./")):
        names = (main.removeprefix("./"), *names)
    file = folder.first(*names)
    return Result(argv=["node", file] if file else None)
