"""`python -m stacks.docker.builds ensure|status`: the image that builders run, on this machine's engine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from stacks.docker.builds.builder_image import ensure_builder_image, is_loaded
from stacks.docker.images.engine import connect
from stacks.errors import explained

ENGINE_SECONDS = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stacks.docker.builds", description=__doc__)
    parser.add_argument("action", choices=["ensure", "status"])
    given = parser.parse_args()
    cache = Path(os.environ.get("PORTWRIGHT_CACHE", "~/.cache/portwright")).expanduser()
    binaries = Path(os.environ.get("PORTWRIGHT_HOME", "/var/lib/portwright")) / "bin"
    with explained():
        client = connect()
        client.api.timeout = ENGINE_SECONDS
        if given.action == "status":
            return 0 if is_loaded(client, binaries) else 1
        print(f"the builder's image is {ensure_builder_image(client, cache, binaries, say)[:19]}")
    return 0


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
