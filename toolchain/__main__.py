"""`python -m toolchain install|status|pin`: exit 0 when all is well, 1 with a reason when not."""

import argparse
import os
import signal
import sys
from pathlib import Path

from toolchain.cache import Cache, default_root
from toolchain.catalog import CATALOG, PURPOSES, chosen, set_pin
from toolchain.errors import ToolchainError
from toolchain.install import SOURCES, Installer, Places, missing
from toolchain.progress import Progress
from toolchain.release import Releases


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = _parser().parse_args(argv)
    try:
        return _COMMANDS[options.command](options)
    except ToolchainError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing half-made was kept", file=sys.stderr)
        return 130


def _install(options: argparse.Namespace) -> int:
    artifacts = chosen(options.names, options.purpose)
    installer = Installer(Cache(default_root()), Releases(), Progress())
    for artifact in artifacts:
        installer.install(artifact, options.source, _places(options))
    return 0


def _status(options: argparse.Namespace) -> int:
    cache, places = Cache(default_root()), _places(options)
    code = 0
    for artifact in chosen(options.names, options.purpose):
        trouble = missing(artifact, cache, places)
        print(f"{artifact.label}: {trouble or 'ok'}")
        code = 1 if trouble else code
    return code


def _pin(options: argparse.Namespace) -> int:
    (artifact,) = chosen([options.name])
    set_pin(artifact, options.sha256)
    print(f"{artifact.label}: pinned {options.sha256.lower()} for {artifact.url}")
    return 0


_COMMANDS = {"install": _install, "status": _status, "pin": _pin}


def _places(options: argparse.Namespace) -> Places:
    return Places(_absolute(options.into), _absolute(options.plugins))


def _absolute(path: Path | None) -> Path | None:
    return path.expanduser().absolute() if path else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    names = f"from: {', '.join(CATALOG)} (default: all that are for --for)"
    for command, text in (("install", "get and link"), ("status", "is everything in place?")):
        sub = commands.add_parser(command, help=text)
        sub.add_argument("names", metavar="NAME", nargs="*", help=names)
        sub.add_argument("--for", dest="purpose", choices=PURPOSES, default="platform")
        sub.add_argument("--into", type=Path, metavar="BIN_DIR", help="folder for executables")
        sub.add_argument("--plugins", type=Path, metavar="PULUMI_HOME", help="home of plugins")
        if command == "install":
            default = os.environ.get("PORTWRIGHT_INSTALL") or "auto"
            sub.add_argument("--source", choices=SOURCES, default=default)
    pin = commands.add_parser("pin", help="record the SHA-256 of an official archive")
    pin.add_argument("name", metavar="NAME")
    pin.add_argument("sha256")
    return parser


if __name__ == "__main__":
    sys.exit(main())
