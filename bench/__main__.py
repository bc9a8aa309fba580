"""`bench/run NAME`: measures side by side in one run; the last line is one JSON object."""

from __future__ import annotations

import argparse
import json
import sys

from bench import bootstrap, build, compare, downtime, fifty, intake, preview, recovery, streams
from tools.library.recipes import RECIPES


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument(
        "name",
        choices=[
            *sorted(compare.BENCHES),
            *(
                "services50",
                "zero_downtime",
                "recovery",
                "intake",
                "streams",
                "bootstrap",
                "preview",
                "previews30",
                "build",
            ),
        ],
    )
    parser.add_argument("--rounds", type=int, default=5, help="of what is compared")
    parser.add_argument("--deploys", type=int, default=100, help="of zero_downtime")
    parser.add_argument("--services", type=int, default=50, help="of services50")
    parser.add_argument("--faults", type=int, default=100, help="of recovery; 0: each point once")
    parser.add_argument("--webhooks", type=int, default=1000, help="of intake")
    parser.add_argument("--seconds", type=float, default=10, help="that they are spread over")
    parser.add_argument("--readers", type=int, default=500, help="of streams")
    parser.add_argument("--lines", type=int, default=1000, help="of the log that they read")
    parser.add_argument("--previews", type=int, default=30, help="of previews30")
    parser.add_argument("--base", default="python", choices=sorted(RECIPES), help="of build")
    given = parser.parse_args()
    if given.name == "zero_downtime":
        figures = downtime.measure(given.deploys)
    elif given.name == "recovery":
        figures = recovery.measure(given.faults)
    elif given.name == "intake":
        figures = intake.measure(given.webhooks, given.seconds)
    elif given.name == "streams":
        figures = streams.measure(given.readers, given.lines)
    elif given.name == "preview":
        figures = preview.measure(given.rounds)
    elif given.name == "build":
        figures = build.measure(given.rounds, given.base)
    elif given.name == "previews30":
        figures = preview.many(given.previews)
    elif given.name == "bootstrap":
        figures = bootstrap.measure()
    elif given.name == "services50":
        figures = fifty.measure(given.services, min(given.rounds, 3))
    else:
        figures = compare.measure(given.name, given.rounds)
    print(json.dumps({"bench": given.name, **figures}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
