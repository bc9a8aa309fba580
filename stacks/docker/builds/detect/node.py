"""Node: package.json with npm, pnpm, Yarn or Bun."""

from __future__ import annotations

from stacks.docker.builds.detect.dockerfile import Dockerfile, shell
from stacks.docker.builds.detect.folder import Folder, string, table
from stacks.docker.builds.detect.model import Detected, Source
from stacks.docker.builds.detect.node_frameworks import PORT, Result, result_of
from stacks.docker.builds.detect.node_managers import Manager, early_files, manager_of
from stacks.docker.builds.detect.static import PORT as NGINX_PORT
from stacks.docker.builds.detect.static import serve
from stacks.docker.builds.detect.versions import choose, exact, first_line, tool_version

DEFAULT = "24"
VERSIONS = (DEFAULT, "22", "26", "25", "23", "21", "20", "19", "18", "16")
NAMES = {"argon": "4", "boron": "6", "carbon": "8", "dubnium": "10", "erbium": "12",
         "fermium": "14", "gallium": "16", "hydrogen": "18", "iron": "20", "jod": "22",
         "krypton": "24"}  # fmt: skip


def marker(folder: Folder) -> str | None:
    """Return package.json, where it exists."""
    return folder.first("package.json")


def write(source: Source) -> Detected:
    """Write a Dockerfile that installs, builds, and keeps what the start needs."""
    folder = source.folder
    package = folder.json("package.json")
    manager = manager_of(folder, package)
    version, notices = node_version(folder, package)
    bun = manager.name == "bun"
    image = "oven/bun:1" if bun else f"node:{version}"
    result = result_of(folder, package, source.process)
    dockerfile = Dockerfile()
    build(dockerfile, folder, package, manager, image, result)
    found = ", ".join(
        part for part in (manager.lock or "package.json", manager.name, result.name) if part
    )
    if result.files:
        serve(dockerfile, built=f"/app/{result.files}", fallback=result.fallback)
        return Detected(dockerfile.text(), f"Node: {found}", notices, NGINX_PORT)
    user = "bun" if bun else "node"
    dockerfile.stage(f"{image}-slim")
    if "@prisma/client" in table(package, "dependencies"):
        dockerfile.install(["ca-certificates", "openssl"])
    if manager.setup and runs_manager(result, source.process) and manager.name != "npm":
        dockerfile.run(manager.setup, caches=["/root/.npm"])
    dockerfile.env(NODE_ENV="production", PORT=str(PORT), **result.env)
    dockerfile.add("WORKDIR /app", f"RUN chown {user}:{user} /app")
    copies = () if source.process else result.copies
    for origin, target in copies or ((("."), "./"),):
        path = "/app" if origin == "." else f"/app/{origin}"
        dockerfile.add(f"COPY --from=build --chown={user}:{user} {path} {target}")
    dockerfile.add(f"USER {user}")
    argv = start_of(result, manager, source.process)
    if argv:
        dockerfile.cmd(argv)
    else:
        notices += ("No start command was found. Set `command`, or add a `start` script.",)
    return Detected(dockerfile.text(), f"Node: {found}", notices, PORT)


def build(
    dockerfile: Dockerfile,
    folder: Folder,
    package: dict[str, object],
    manager: Manager,
    image: str,
    result: Result,
) -> None:
    """Append the stage that installs the packages and runs the build script."""
    dockerfile.stage(image, "build")
    dockerfile.add("WORKDIR /app")
    needed = any(table(package, kind) for kind in ("dependencies", "devDependencies"))
    if needed or "workspaces" in package:
        if manager.setup:
            dockerfile.run(manager.setup, caches=["/root/.npm"])
        dockerfile.env(**dict(manager.env))
        early = early_files(folder, package, manager)
        dockerfile.add(f"COPY {' '.join(early)} ./" if early else "COPY . .")
        dockerfile.run(manager.install, caches=[manager.cache])
        if early:
            dockerfile.add("COPY . .")
    else:
        dockerfile.add("COPY . .")
    scripts = table(package, "scripts")
    if result.build in scripts:
        dockerfile.env(NODE_ENV="production")
        dockerfile.run(manager.script(result.build))
    if needed and result.prune and manager.prune and "workspaces" not in package:
        dockerfile.run(manager.prune, caches=[manager.cache])


def runs_manager(result: Result, process: str | None) -> bool:
    """Return whether the container starts with the package manager."""
    return bool(result.script or process)


def start_of(result: Result, manager: Manager, process: str | None) -> list[str] | None:
    """Return the command: the Procfile's line, the framework's, or the script."""
    if process:
        return shell(process)
    if result.script:
        return manager.script(result.script).split(" ")
    argv = result.argv
    return ["bun", *argv[1:]] if argv and manager.name == "bun" and argv[0] == "node" else argv


def node_version(folder: Folder, package: dict[str, object]) -> tuple[str, tuple[str, ...]]:
    """Return the Node version that the project asks for, and notices."""
    for file in (".nvmrc", ".node-version"):
        text = first_line(folder.text(file)).lower()
        if not text:
            continue
        name = text.removeprefix("lts/")
        version = NAMES.get(name) or (DEFAULT if name in ("*", "lts/*") else exact(text))
        if version:
            return version, ()
        return DEFAULT, (f"The version in {file} is not understood. Node {DEFAULT} is used.",)
    if version := tool_version(folder.text(".tool-versions"), "nodejs"):
        return version, ()
    wanted = string(package, "engines", "node")
    if not wanted:
        return DEFAULT, ()
    version = choose(wanted, VERSIONS)
    if version:
        return version, ()
    return DEFAULT, (f"`engines.node` in package.json is not understood. Node {DEFAULT} is used.",)
