"""`python -m tools.library ensure NAME...|status [NAME...]|stop`: images for development and the sample."""

from __future__ import annotations

import argparse
import sys

from jobs.settings import Settings
from stacks.docker.images.engine import connect
from stacks.errors import PortwrightError, explained
from tools.library.recipes import RECIPES
from tools.library.service import ensure, status, stop

# A commit of a large image takes minutes on a busy disk.
ENGINE_SECONDS = 900


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.library", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for action, least in (("ensure", "+"), ("status", "*")):
        names = actions.add_parser(action)
        names.add_argument("names", nargs=least, choices=[*sorted(RECIPES), []], metavar="NAME")
    actions.add_parser("stop")
    given = parser.parse_args()
    with explained():
        settings = Settings.from_environ()
        if not settings.library_port:
            raise PortwrightError(
                "the library has no port",
                remedy="set PORTWRIGHT_LIBRARY_PORT to a port from 1 to 65535",
                path="PORTWRIGHT_LIBRARY_PORT",
            )
        if given.action == "stop":
            return stop(settings.home)
        recipes = [RECIPES[name] for name in given.names]
        if given.action == "status":
            return status(settings, recipes)
        client = connect()
        client.api.timeout = ENGINE_SECONDS
        ensure(client, settings, recipes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
