"""What a build may reach: the checkout and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stacks.docker.builds.image import base_images, dockerfile_text, inside
from stacks.errors import PortwrightError
from stacks.service_file import Build, Static
from stacks.spec import BuiltImage


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/Dockerfile").write_text("FROM evil")
    made = tmp_path / "checkout"
    (made / "web").mkdir(parents=True)
    (made / "web/Dockerfile").write_text("FROM python:3.11")
    (made / "link").symlink_to("../outside")
    (made / "web/linked").symlink_to("../../outside/Dockerfile")
    (made / "gone").symlink_to("nowhere")
    return made


def test_a_path_inside(checkout: Path) -> None:
    assert inside(checkout, "web", "build.context") == (checkout / "web").resolve()
    assert inside(checkout, ".", "build.context") == checkout.resolve()


@pytest.mark.parametrize(
    "path", ["..", "../outside", "link", "link/Dockerfile", "/etc", "web/../.."]
)
def test_a_path_that_leads_out(checkout: Path, path: str) -> None:
    """Links are followed before they are judged: CVE-2018-15664 is of this kind."""
    with pytest.raises(PortwrightError) as caught:
        inside(checkout, path, "build.context")
    assert "leads out" in caught.value.message and caught.value.path == "build.context"


@pytest.mark.parametrize("path", ["missing", "gone"])
def test_a_path_that_is_not_there(checkout: Path, path: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        inside(checkout, path, "build.context")
    assert "not in the repository" in caught.value.message


def test_a_dockerfile_that_is_a_link_out(checkout: Path) -> None:
    with pytest.raises(PortwrightError):
        dockerfile_text(checkout / "web", Build(dockerfile="linked"), "web", print)


def test_a_fallback_that_is_not_there(checkout: Path) -> None:
    with pytest.raises(PortwrightError):
        dockerfile_text(checkout / "web", Static(folder="web", fallback="gone.html"), "web", print)


class Known:
    """A resolver that knows every name."""

    def resolve(self, name: str, say: Any) -> BuiltImage:
        return BuiltImage(f"id of {name}", name)


def test_bases_are_what_from_names() -> None:
    text = (
        "ARG BASE=x\nFROM --platform=linux/amd64 node:18 AS build\nRUN true\n"
        "from python:3.11\nCOPY --from=build /a /b\nFROM build\nFROM scratch\nFROM ${BASE}\nFROM redis\n"
    )
    assert base_images(text, Known(), print) == {  # type: ignore[arg-type]
        "node:18": "id of node:18",
        "python:3.11": "id of python:3.11",
        "redis": "id of redis:latest",
    }
