"""What keeps projects apart in BuildKit cannot be set by a project file or a Dockerfile."""

from __future__ import annotations

from typing import Any

import pytest
from attack_ground import BASE, Place

from stacks.errors import PortwrightError

HOSTNAME = f"FROM {BASE}\nRUN hostname >/out\n"
RESERVED = (
    "BUILDKIT_SANDBOX_HOSTNAME",
    "BUILDKIT_CACHE_MOUNT_NS",
    "BUILDKIT_SYNTAX",
    "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
    "BUILDKIT_MULTI_PLATFORM",
    "BUILDKIT_INLINE_CACHE",
)


@pytest.mark.parametrize("name", RESERVED)
def test_a_reserved_build_argument_is_refused_with_its_path(mallory: Place, name: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        mallory.build(HOSTNAME, {"args": {name: "x"}})
    assert caught.value.path == f"portwright.yaml: services.web.build.args.{name}"
    assert "BUILDKIT_* is reserved" in f"{caught.value.message} {caught.value.remedy}"


def own_hostname(place: Place) -> str:
    name = place.build(HOSTNAME).text()
    assert name.startswith("b") and len(name) == 33
    return name


def test_each_project_has_a_host_name_of_its_own(alice: Place, mallory: Place) -> None:
    assert own_hostname(alice) == own_hostname(alice) != own_hostname(mallory)


@pytest.mark.parametrize(
    "dockerfile",
    [
        f"FROM {BASE}\nARG BUILDKIT_SANDBOX_HOSTNAME=victim\nRUN hostname >/out\n",
        f"ARG BUILDKIT_SANDBOX_HOSTNAME=victim\nFROM {BASE}\nRUN hostname >/out\n",
        f"FROM {BASE}\nENV BUILDKIT_SANDBOX_HOSTNAME=victim\nRUN hostname >/out\n",
        f"FROM {BASE}\nENV HOSTNAME=victim\nRUN hostname >/out\n",
    ],
)
def test_a_dockerfile_does_not_choose_its_host_name(mallory: Place, dockerfile: str) -> None:
    assert mallory.build(dockerfile).text() == own_hostname(mallory)


@pytest.mark.parametrize(
    "value",
    [
        "x,build-arg:BUILDKIT_SANDBOX_HOSTNAME=victim",
        "x\nbuild-arg:BUILDKIT_SANDBOX_HOSTNAME=victim",
        'x","build-arg:BUILDKIT_SANDBOX_HOSTNAME=victim',
        "x --opt build-arg:BUILDKIT_SANDBOX_HOSTNAME=victim",
    ],
)
def test_the_text_of_an_argument_is_no_second_argument(mallory: Place, value: str) -> None:
    text = f'FROM {BASE}\nARG A\nRUN hostname >/out; printf %s "$A" >/a\n'
    built = mallory.build(text, {"args": {"A": value}})
    assert built.text() == own_hostname(mallory)
    assert built.read("/a").decode() == value


def test_a_cache_mount_does_not_leave_its_namespace(alice: Place, mallory: Place) -> None:
    """Ids with what a path would read as another folder, and a namespace that the Dockerfile sets."""
    write = "RUN --mount=type=cache,id={id},target=/c echo secret-of-alice >/c/it\n"
    read = "RUN --mount=type=cache,id={id},target=/c cat /c/it >>/out 2>&1 || true\n"
    alice.build(f"FROM {BASE}\n{write.format(id='shared')}")
    ids = ("shared", "/shared", "../shared", "..//shared", "./shared")
    text = f"ARG BUILDKIT_CACHE_MOUNT_NS=\nFROM {BASE}\nARG BUILDKIT_CACHE_MOUNT_NS=\n"
    said = mallory.build(text + "".join(read.format(id=each) for each in ids)).text()
    assert "secret-of-alice" not in said


@pytest.mark.parametrize(
    "flag", ["--security=insecure", "--network=host", "--device=a/b=all,required"]
)
def test_a_step_gets_no_more_rights(mallory: Place, flag: str) -> None:
    with pytest.raises(
        PortwrightError, match=r"the build failed: .*(allow|entitle|unknown|device)"
    ):
        mallory.build(f"FROM {BASE}\nRUN {flag} id >/out\n")


def test_labels_of_a_dockerfile_do_not_make_an_image_anothers(mallory: Place) -> None:
    built = mallory.build(f"FROM {BASE}\nLABEL portwright.project=q portwright.instance=x\n")
    labels: dict[str, Any] = built.client.images.get(built.id).labels
    assert labels["portwright.project"] == "q-r"
    assert labels["portwright.instance"] == mallory.ground.settings.instance
