"""The platform's own ports are not for projects to publish."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.prepare import check_published
from jobs.settings import Settings
from stacks.errors import PortwrightError


def check(settings: Settings, port: int) -> None:
    service = SimpleNamespace(publish=[SimpleNamespace(host=port)])
    spec: Any = SimpleNamespace(services={"web": service})
    context: Any = SimpleNamespace(settings=settings)
    check_published(context, spec)


@pytest.mark.parametrize(
    "setting",
    ["portal_port", "http_port", "https_port", "traefik_port", "library_port", "rehearsal_port"],
)
def test_a_port_of_the_platform_is_refused(settings: Settings, setting: str) -> None:
    changed = replace(settings, **{setting: 9123})
    with pytest.raises(PortwrightError) as caught:
        check(changed, 9123)
    assert caught.value.path == "services.web.publish"
    assert f"PORTWRIGHT_{setting.upper()}" in caught.value.message


def test_any_other_port_is_free(settings: Settings) -> None:
    check(settings, 9124)
