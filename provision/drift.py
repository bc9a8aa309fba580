"""`python -m provision.drift`: what the host has that its code does not say, as one line of JSON.

{"drift": [{"kind", "what"}], "error": text or null}. Nothing is changed.
"""

from __future__ import annotations

import json
import logging
import sys

from pyinfra.context import ctx_host, ctx_state

from provision import baseline, inventory
from provision.connection import connect
from stacks.errors import PortwrightError


def main() -> int:
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        found = inventory.find()
        state = connect(found)
        (host,) = state.inventory
        with ctx_state.use(state), ctx_host.use(host):
            rows = baseline.facts(found.settings)
    except PortwrightError as error:
        print(json.dumps({"drift": [], "error": f"{error}\nwhat to do: {error.remedy}"}))
        return 1
    print(json.dumps({"drift": [{"kind": k, "what": v} for k, v in rows], "error": None}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
