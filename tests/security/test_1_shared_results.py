"""What one project's build leaves behind reaches no other project, and no other trust domain."""

from __future__ import annotations

from typing import Any

import pytest
from attack_ground import BASE, Ground, Place

from stacks.errors import PortwrightError

SECRET = {"secrets": {"t": {"secret": "TOKEN"}}}
READ_SECRET = f"FROM {BASE}\nRUN --mount=type=secret,id=t cat /run/secrets/t > /out\n"
OPTIONAL = f"FROM {BASE}\nRUN --mount=type=secret,id=t cat /run/secrets/t > /out || true\n"


def test_equal_lines_read_each_projects_own_secret(alice: Place, mallory: Place) -> None:
    alice.secret("TOKEN", "alices-token")
    mallory.secret("TOKEN", "mallorys-token")
    assert alice.build(READ_SECRET, SECRET).text() == "alices-token"
    assert mallory.build(READ_SECRET, SECRET).text() == "mallorys-token"


def test_without_a_secret_nobody_elses_is_in_the_image(alice: Place, mallory: Place) -> None:
    alice.secret("TOKEN", "alices-token")
    assert alice.build(OPTIONAL, SECRET).text() == "alices-token"
    assert mallory.build(OPTIONAL).text() == ""
    with pytest.raises(PortwrightError, match="the build failed"):
        mallory.build(READ_SECRET)
    # Within a project too: who may read the Dockerfile only does not get the secret.
    assert alice.build(OPTIONAL).text() == ""


def test_a_rotated_secret_takes_effect(alice: Place) -> None:
    for value in ("first-token", "second-token", "first-token"):
        alice.secret("TOKEN", value)
        assert alice.build(READ_SECRET, SECRET).text() == value


MOUNT = "--mount=type=cache,id=shared,target=/c"
POISON = f"FROM {BASE}\nRUN {MOUNT} echo poison-{{number}} >/c/it\n"
TAKE = (
    f"FROM {BASE}\nENV NUMBER={{number}}\nRUN {MOUNT} cat /c/it >/out 2>&1 || echo absent >/out\n"
)


def test_a_cache_mount_keeps_files_for_the_same_project(alice: Place) -> None:
    alice.build(POISON.format(number=1))
    assert alice.build(TAKE.format(number="own")).text() == "poison-1"


def test_no_other_project_and_no_pull_request_reads_or_fills_a_cache_mount(
    ground: Ground, alice: Place, mallory: Place
) -> None:
    """Each writes, then the others read: production, pull requests, and each fork apart."""
    owners: list[tuple[Place, dict[str, Any]]] = [
        (alice, {}),
        (mallory, {}),
        (alice, {"pull_request": 7}),
        (alice, {"pull_request": 8, "fork": True}),
        (alice, {"pull_request": 9, "fork": True}),
    ]
    for number, (place, context) in enumerate(owners):
        place.build(POISON.format(number=number), **context)
    for number, (place, context) in enumerate(owners):
        built = place.build(TAKE.format(number=number), **context)
        assert built.text() == f"poison-{number}"


def test_an_equal_command_in_a_pull_request_does_not_give_production_its_result(
    alice: Place,
) -> None:
    """The same commit, as after a merge: its result depends on a cache mount, which is not part
    of what a command or an image is found by."""
    text = f"FROM {BASE}\nRUN {MOUNT} cat /proc/sys/kernel/random/uuid >/out\n"
    owners: tuple[dict[str, Any], ...] = (
        {"pull_request": 8, "fork": True},
        {"pull_request": 7},
        {},
    )
    results = [alice.build(text, **context).text() for context in (*owners, {})]
    assert len(set(results)) == 3 and results[2] == results[3]


def test_names_that_only_differ_by_where_a_hyphen_stands_are_two_images(
    alice: Place, mallory: Place
) -> None:
    """Project q with service r-web, and project q-r with service web."""
    text = f"FROM {BASE}\nCOPY owner /owner\n"
    mine = alice.build(text, files={"owner": "alice"}, services={"r-web": {"build": "."}})
    theirs = mallory.build(text, files={"owner": "mallory"})
    assert mine.text("/owner", "r-web") == "alice"
    assert theirs.text("/owner") == "mallory"
    tags = {
        mine.images["r-web"].ref.rpartition(":")[0],
        theirs.images["web"].ref.rpartition(":")[0],
    }
    assert len(tags) == 2
