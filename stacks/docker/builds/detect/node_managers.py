"""Package managers of Node projects: npm, pnpm, Yarn 1 and later, Bun."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stacks.docker.builds.detect.folder import Folder, string, table

FIELD = re.compile(r"(npm|pnpm|yarn|bun)@([0-9]{1,3}(?:\.[0-9]{1,4}){0,2})(?:[-+].*)?")
PNPM_OF_LOCKFILE = {"5": "7", "6": "8", "9": "10"}
YARN_1, YARN, PNPM = "1.22.22", "4", "10"
PNPM_STORE = "/root/.pnpm-store"
# Scripts that run during an installation and may need any file.
HOOKS = ("preinstall", "install", "postinstall", "prepare")


@dataclass(frozen=True)
class Manager:
    """How one package manager installs, runs scripts and removes development packages.

    setup: makes the manager available; env: what it needs while it installs.
    """

    name: str
    install: str
    cache: str
    lock: str | None = None
    setup: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    prune: str | None = None

    def script(self, name: str) -> str:
        """Return the command that runs a script of package.json."""
        return f"{self.name} run {name}"


def manager_of(folder: Folder, package: dict[str, object]) -> Manager:
    """Return the manager that `packageManager` names, or the one whose lock file exists."""
    named = FIELD.fullmatch(string(package, "packageManager"))
    name, version = (named[1], named[2]) if named else (None, None)
    if name == "bun" or (not name and folder.first("bun.lock", "bun.lockb")):
        lock = folder.first("bun.lock", "bun.lockb")
        frozen = " --frozen-lockfile" if lock else ""
        return Manager("bun", f"bun install{frozen}", "/root/.bun/install/cache", lock)
    if name == "pnpm" or (not name and folder.has("pnpm-lock.yaml")):
        return _pnpm(folder, version)
    if name == "yarn" or (not name and folder.has("yarn.lock")):
        return _yarn(folder, version)
    lock = folder.first("package-lock.json", "npm-shrinkwrap.json")
    setup = f"npm install --global npm@{version}" if version else None
    command = "npm ci" if lock else "npm install"
    return Manager("npm", command, "/root/.npm", lock, setup, prune="npm prune --omit=dev")


def _pnpm(folder: Folder, version: str | None) -> Manager:
    lock = folder.first("pnpm-lock.yaml")
    found = re.search(r"lockfileVersion: *'?\"?([0-9]{1,2})", folder.head(lock) if lock else "")
    version = version or PNPM_OF_LOCKFILE.get(found[1] if found else "", PNPM)
    # A setting, because `pnpm prune` has no option for it but refuses another store.
    store = f"pnpm config set --global store-dir {PNPM_STORE}"
    return Manager(
        "pnpm",
        "pnpm install" + (" --frozen-lockfile" if lock else ""),
        PNPM_STORE,
        lock,
        f"npm install --global pnpm@{version} && {store}",
        (("CI", "true"),),
        "pnpm prune --prod",
    )


def _yarn(folder: Folder, version: str | None) -> Manager:
    lock = folder.first("yarn.lock")
    modern = folder.has(".yarnrc.yml") or "__metadata:" in (folder.head(lock) if lock else "")
    if version:
        modern = not version.startswith(("0.", "1."))
    if not modern:
        command = "yarn install" + (" --frozen-lockfile" if lock else "")
        return Manager(
            "yarn",
            command,
            "/root/.yarn-cache",
            lock,
            f"npm install --global --force yarn@{version or YARN_1}",
            (("YARN_CACHE_FOLDER", "/root/.yarn-cache"),),
            f"{command} --production --ignore-scripts --prefer-offline",
        )
    # Plug'n'Play would need the cache at run time; node_modules needs nothing else.
    env = (("YARN_NODE_LINKER", "node-modules"), ("YARN_ENABLE_GLOBAL_CACHE", "true"))
    return Manager(
        "yarn",
        "yarn install" + (" --immutable" if lock else ""),
        "/root/.yarn/berry/cache",
        lock,
        f"npm install --global --force @yarnpkg/cli-dist@{version or YARN}",
        env,
        "yarn workspaces focus --all --production",
    )


def early_files(folder: Folder, package: dict[str, object], manager: Manager) -> list[str] | None:
    """Return the files that an installation reads, or None where it may read any file."""
    scripts = table(package, "scripts")
    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    wanted = [str(value) for kind in kinds for value in table(package, kind).values()]
    if (
        "workspaces" in package
        or folder.has("pnpm-workspace.yaml")
        or any(name in scripts for name in HOOKS)
        or any(value.startswith(("file:", "link:", "portal:", "patch:", ".")) for value in wanted)
        or folder.has_folder("patches")
        or folder.has_folder("prisma")
        or folder.has_folder(".yarn")
    ):
        return None
    files = ["package.json", *([manager.lock] if manager.lock else [])]
    return files + [name for name in (".npmrc", ".yarnrc.yml", "bunfig.toml") if folder.has(name)]
