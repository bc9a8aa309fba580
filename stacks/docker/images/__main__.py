"""`python -m stacks.docker.images ensure|status NAME...`: the images that deploys build on."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from stacks.docker.images import local
from stacks.docker.images.engine import connect, find_image
from stacks.errors import explained


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stacks.docker.images", description=__doc__)
    parser.add_argument("action", choices=["ensure", "status"])
    parser.add_argument("names", nargs="+", choices=sorted(local.TAGS))
    given = parser.parse_args()
    cache = Path(os.environ.get("PORTWRIGHT_CACHE", "~/.cache/portwright")).expanduser()
    with explained():
        client = connect()
        for name in given.names:
            tag = local.TAGS[name]
            if given.action == "ensure":
                print(f"{tag} is {local.make(client, cache, name, say)[:19]}", flush=True)
            elif local.outdated(client, name) or not find_image(client, tag):
                print(f"{tag} is missing or old")
                return 1
    return 0


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
