"""A build or a service uses its own stages, its own images, and what a registry gave to its project."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from attack_ground import BASE, Ground, Place

from stacks.errors import PortwrightError

CONTENT = "content of the canary"
# Every instruction of BuildKit 0.34 (frontend/dockerfile/command/command.go): how it can name an
# image or a stage. NAME stands for the name; the text puts the image's /canary to /out.
NAMING = {
    "FROM": (
        "FROM {name} AS it\nFROM scratch\nCOPY --from=it /canary /out\n",
        "FROM --platform=$BUILDPLATFORM {name} AS it\nFROM scratch\nCOPY --from=it /canary /out\n",
    ),
    "ARG": ("ARG B={name}\nFROM ${{B}} AS it\nFROM scratch\nCOPY --from=it /canary /out\n",),
    "COPY": ("FROM scratch\nCOPY --from={name} /canary /out\n",),
    "RUN": (
        "FROM {base}\nRUN --mount=type=bind,from={name},target=/m cp /m/canary /out\n",
        "FROM {base}\nRUN --mount=type=cache,id={name},from={name},target=/m cp /m/canary /out\n",
    ),
    "ONBUILD": (
        "FROM {base} AS parent\nONBUILD COPY --from={name} /canary /out\nFROM parent\n",
        "FROM {base} AS parent\n"
        "ONBUILD RUN --mount=type=bind,from={name},target=/m cp /m/canary /out\nFROM parent\n",
    ),
}
CANNOT = (
    *("ADD", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
# Of the mount types (frontend/dockerfile/instructions/commands_runmount.go), bind and cache take
# `from`; what the others do with it.
OTHER_MOUNTS = ("tmpfs", "secret", "ssh")
TEXTS = [text for texts in NAMING.values() for text in texts]


@dataclass(frozen=True)
class Canary:
    """An image that merely lies on the host. names: all by which the engine knows it."""

    id: str
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def canary(ground: Ground, alice: Place) -> Iterator[Canary]:
    instance, api = ground.settings.instance, ground.client.api
    built = alice.build("FROM scratch\nCOPY canary /canary\n", files={"canary": CONTENT})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("canary")
        member.size = len(CONTENT)
        tar.addfile(member, io.BytesIO(CONTENT.encode()))
    tag = f"{instance}-canary"
    api.import_image_from_data(archive.getvalue(), repository=tag, tag="1")
    image = ground.client.images.get(f"{tag}:1")
    image.tag(f"{instance}/other-web", "tag")
    image.tag("portwright/canary", "1")
    number = str(image.id).removeprefix("sha256:")
    names = (
        f"{tag}:1",
        f"docker.io/library/{tag}:1",
        f"{tag}@{image.id}",
        f"{tag}:1@{image.id}",
        f"{instance}/other-web:tag",
        "portwright/canary:1",
        built.images["web"].ref,
        built.id,
        str(image.id),
        *(number[:length] for length in (64, 32, 12, 8, 3, 2)),
    )
    try:
        yield Canary(str(image.id), names)
    finally:
        ground.client.images.remove(str(image.id), force=True)


def refuse(place: Place, text: str, name: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        place.build(text.format(name=name, base=BASE))
    assert CONTENT not in f"{caught.value}"


def test_the_tables_hold_every_instruction_and_each_can_name_a_stage(mallory: Place) -> None:
    """Otherwise the tests below would prove nothing: with a stage of its own, each text works."""
    assert len({*NAMING, *CANNOT}) == 18
    own = "FROM scratch AS own\nCOPY canary /canary\n"
    for text in TEXTS:
        given = text.format(name="own", base=BASE)
        given = (
            f"{given.partition(chr(10))[0]}\n{own}{given.partition(chr(10))[2]}"
            if (given.startswith("ARG"))
            else own + given
        )
        assert mallory.build(given, files={"canary": "mine"}).text() == "mine"


@pytest.mark.parametrize("instruction", CANNOT)
def test_other_instructions_do_not_know_from(mallory: Place, instruction: str) -> None:
    with pytest.raises(PortwrightError, match=r"[Uu]nknown flag|invalid signal"):
        mallory.build(f"FROM {BASE}\n{instruction} --from={BASE} /bin /out\n")


@pytest.mark.parametrize("kind", OTHER_MOUNTS)
def test_other_mounts_give_nothing_of_an_image(mallory: Place, canary: Canary, kind: str) -> None:
    mount = f"--mount=type={kind},from={canary.names[0]},target=/m"
    text = f"FROM {BASE}\nRUN {mount} cat /m/canary >/out 2>&1 || true\n"
    try:
        assert CONTENT not in mallory.build(text).text()
    except PortwrightError as error:
        assert CONTENT not in f"{error}"


@pytest.mark.parametrize("text", TEXTS)
def test_no_instruction_takes_an_image_of_the_host(
    mallory: Place, canary: Canary, text: str
) -> None:
    for name in (canary.names[0], canary.names[6], canary.names[-1]):
        refuse(mallory, text, name)


def test_no_name_of_an_image_of_the_host_is_known_to_builds(mallory: Place, canary: Canary) -> None:
    (copy,) = NAMING["COPY"]
    odd = (f"docker-image://{canary.names[0]}", f"oci-layout://{canary.names[0]}", "1", "99", "-1")
    for name in (*canary.names, *odd):
        refuse(mallory, copy, name)


def test_a_build_has_the_host_name_of_no_frontend_on_the_host(
    mallory: Place, canary: Canary
) -> None:
    for name in (canary.names[0], canary.names[6]):
        refuse(mallory, "# syntax={name}\nFROM scratch\nCOPY Dockerfile /out\n", name)


def test_no_service_runs_an_image_of_the_host(mallory: Place, canary: Canary) -> None:
    for name in (*canary.names, canary.id.upper()):
        with pytest.raises(PortwrightError) as caught:
            mallory.build(services={"web": {"image": name}})
        assert "services.web" in str(caught.value.path), name
