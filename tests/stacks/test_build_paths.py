"""What a build may reach: the checkout and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.docker.builds.image import Recipe, Source, build_key, inside, recipe_of
from stacks.errors import PortwrightError
from stacks.service_file import Build, Static


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
    assert (
        "is outside the repository" in caught.value.message and caught.value.path == "build.context"
    )


@pytest.mark.parametrize("path", ["missing", "gone"])
def test_a_path_that_is_not_there(checkout: Path, path: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        inside(checkout, path, "build.context")
    assert "not in the repository" in caught.value.message


def found(checkout: Path, wanted: Build | Static, tmp_path: Path) -> Recipe:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return recipe_of(checkout, wanted, "web", work, print)


@pytest.mark.parametrize("dockerfile", ["linked", "../../outside/Dockerfile", "../link/Dockerfile"])
def test_a_dockerfile_outside_the_repository(
    checkout: Path, tmp_path: Path, dockerfile: str
) -> None:
    with pytest.raises(PortwrightError) as caught:
        found(checkout, Build(context="web", dockerfile=dockerfile), tmp_path)
    assert caught.value.path == "build.dockerfile"


def test_a_dockerfile_beside_its_context(checkout: Path, tmp_path: Path) -> None:
    (checkout / "docker").mkdir()
    (checkout / "docker/api.Dockerfile").write_bytes(b"\xef\xbb\xbfFROM scratch\r\n")
    recipe = found(checkout, Build(context="web", dockerfile="../docker/api.Dockerfile"), tmp_path)
    assert recipe.context == (checkout / "web").resolve()
    assert recipe.dockerfile == (checkout / "docker/api.Dockerfile").resolve()
    assert recipe.text == b"\xef\xbb\xbfFROM scratch\r\n" and not recipe.generated


def test_a_fallback_that_is_not_there(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(PortwrightError):
        found(checkout, Static(folder="web", fallback="gone.html"), tmp_path)


def key(
    checkout: Path,
    tmp_path: Path,
    wanted: Build,
    domain: str = "standing",
    **secrets: tuple[int, str],
) -> str:
    return build_key(found(checkout, wanted, tmp_path), Source(checkout, "tree", secrets), domain)


def test_what_makes_another_build(checkout: Path, tmp_path: Path) -> None:
    (checkout / "docker").mkdir()
    outside = checkout / "docker/api.Dockerfile"
    outside.write_text("FROM scratch")
    wanted = Build(context="web", dockerfile="../docker/api.Dockerfile")
    keys = [key(checkout, tmp_path, wanted), key(checkout, tmp_path, wanted, token=(1, "a"))]
    keys.append(key(checkout, tmp_path, wanted, token=(2, "b")))
    keys.append(key(checkout, tmp_path, wanted, "previews"))
    keys.append(key(checkout, tmp_path, wanted.model_copy(update={"args": {"A": "1"}})))
    keys.append(key(checkout, tmp_path, wanted.model_copy(update={"network": "none"})))
    outside.with_name("api.Dockerfile.dockerignore").write_text("big")
    keys.append(key(checkout, tmp_path, wanted))
    outside.write_text("FROM scratch\nCOPY . /")
    keys.append(key(checkout, tmp_path, wanted))
    assert len(set(keys)) == len(keys)
    assert key(checkout, tmp_path, wanted) == keys[-1]
