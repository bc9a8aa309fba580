"""What one project's build leaves behind reaches no other project, and no other trust domain."""

from __future__ import annotations

import pytest
from ground import BASE, Place

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
