"""A host's plan for a person: steps with what each operation would do, files as diffs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.target import Target

# What belongs to every change of a kind; `--json` has these steps too.
HOUSEKEEPING = ("policy-rc.d", ".portwright-new", "portwright-guard", "update-success-stamp")


def counted(planned: list[dict[str, Any]]) -> int:
    return sum(int(each["changed"]) for each in planned)


def show(where: Target, titles: Mapping[str, str], planned: list[dict[str, Any]]) -> None:
    print(f"Plan for {where}")
    for each in planned:
        changes = [operation for operation in each["operations"] if operation["changed"]]
        if not changes:
            continue
        print(f"\n{titles[each['component']]}")
        for operation in changes:
            print(f"  + {operation['name'].rpartition(' | ')[2]}")
            for step in operation["steps"]:
                if not any(word in step for word in HOUSEKEEPING):
                    print(f"      {step}")
    total = counted(planned)
    quiet = sum(1 for each in planned if not each["changed"])
    print(f"\n{total} changes; {quiet} of {len(planned)} steps have nothing to do.")
    if total:
        print("Steps that need an earlier one to be seen through are shown as far as that goes.")


def show_drift(rows: list[dict[str, str]]) -> None:
    """What the host has that its code does not say."""
    if not rows:
        print("Nothing is on the host that the code does not say.")
        return
    print("On the host, but not in its code:")
    for row in rows:
        print(f"  {row['kind']:<10}{row['what']}")
    print("Take it away there, or say it in inventory/.")
