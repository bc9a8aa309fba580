"""Builds as `docker build` does them: Dockerfiles that are hard to read, contexts, secrets, base images.

They commit, check out and build without a platform (tests/security/attack_ground.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from attack_ground import BASE, Ground, Place
from git_certificate import make
from registries import Registry, registry
from sqlalchemy import select

from jobs.models import User
from jobs.registries import set_credential
from jobs.settings import Settings
from stacks.docker.images.certificates import install_certificate
from stacks.errors import PortwrightError

BIG = b"\0" * (30 << 20)


@pytest.fixture
def shop(ground: Ground) -> Place:
    return ground.place("shop")


NEEDS_BUILDKIT = {
    "cache": f"FROM {BASE}\nRUN --mount=type=cache,target=/c echo it >/c/x && cp /c/x /out\n",
    "link": f"FROM {BASE} AS a\nRUN echo it >/x\nFROM scratch\nCOPY --link --from=a /x /out\n",
    "chmod": f"FROM {BASE}\nCOPY --chmod=0700 it /out\n",
    "heredoc": f"FROM {BASE}\nRUN <<EOF\nset -e\necho it >/out\nEOF\n",
}


@pytest.mark.parametrize("name", NEEDS_BUILDKIT)
def test_a_dockerfile_that_needs_buildkit(shop: Place, name: str) -> None:
    built = shop.build(NEEDS_BUILDKIT[name], files={"it": "it\n"})
    assert built.text() == "it"


HARD = {
    "comment": f"# a comment\n\n# another\nFROM {BASE}\nRUN echo it >/out\n",
    "heredoc that looks like FROM": f"FROM {BASE}\nRUN cat <<EOF >/sql\nSELECT *\nFROM users\nEOF\n"
    "RUN echo it >/out\n",
    "stage in other letters": f"FROM {BASE} AS Builder\nRUN echo it >/out\nFROM builder\n",
    "stage nobody needs": f"FROM registry.invalid/none:1 AS unneeded\nRUN exit 1\nFROM {BASE}\n"
    "RUN echo it >/out\n",
    "argument": f"ARG TAG=1.37\nFROM {BASE.partition(':')[0]}:${{TAG}}\nRUN echo it >/out\n",
    "continued": f"FROM \\\n  {BASE} \\\n  AS it\nRUN echo it >/out\n",
    "byte order mark": f"\ufeffFROM {BASE}\nRUN echo it >/out\n",
    "CRLF": f"# escape=\\\r\nFROM {BASE}\r\nRUN echo \\\r\n  it >/out\r\n",
}


@pytest.mark.parametrize("name", HARD)
def test_a_dockerfile_that_is_hard_to_read_builds_once(shop: Place, name: str) -> None:
    first = shop.build(HARD[name])
    assert first.text() == "it"
    second = shop.build(HARD[name])
    assert second.id == first.id and "#1 " in first.log and "#1 " not in second.log
    assert set(first.images["web"].bases) == {f"docker.io/{BASE}"}


@pytest.mark.parametrize("target", ["prod_builder", "v1.2", "Release"])
def test_a_stage_has_any_name_that_docker_accepts(shop: Place, target: str) -> None:
    text = f"FROM {BASE} AS {target}\nRUN echo it >/out\nFROM scratch\n"
    assert shop.build(text, {"target": target}).text() == "it"


def test_a_dockerfile_outside_its_context_has_its_own_ignore_file(ground: Ground) -> None:
    place = ground.place("monorepo")
    files = {
        "docker/api.Dockerfile": f"FROM {BASE}\nCOPY . /all\n",
        "docker/api.Dockerfile.dockerignore": "big\n",
        ".dockerignore": "small\n",
        "big": BIG,
        "small": "it",
    }
    services = {"web": {"build": {"context": ".", "dockerfile": "docker/api.Dockerfile"}}}
    built = place.build(files=files, services=services)
    assert built.text("/all/small") == "it"
    with pytest.raises(Exception, match="big"):
        built.read("/all/big")
    assert transferred(place) < 1 << 20


def transferred(place: Place) -> int:
    """Bytes of build contexts that the builder has received."""
    code, output = place.builder().exec_run(["buildctl", "du", "--format", "{{json .}}"])
    assert code == 0, output
    sizes = [
        int(each["size"])
        for each in json.loads(output)
        if each["description"].startswith("local source for context")
    ]
    assert sizes
    return sum(sizes)


def test_a_context_in_a_folder_with_a_dockerfile_above_it(shop: Place) -> None:
    files = {"docker/web.Dockerfile": f"FROM {BASE}\nCOPY it /out\n", "apps/web/it": "it"}
    build = {"context": "apps/web", "dockerfile": "../../docker/web.Dockerfile"}
    assert shop.build(files=files, services={"web": {"build": build}}).text() == "it"


@pytest.mark.parametrize("value", ["key\n", "key", "two\nlines\r\n\n", "\n", " spaces "])
def test_a_secret_reaches_the_build_byte_for_byte(shop: Place, value: str) -> None:
    shop.secret("KEY", value)
    text = (
        f"FROM {BASE}\nRUN --mount=type=secret,id=ssh,target=/k,mode=0400 "
        "cat /k >/out; stat -c %a /k >/mode\n"
    )
    built = shop.build(text, {"secrets": {"ssh": {"secret": "KEY"}}})
    assert built.read("/out") == value.encode()
    assert built.text("/mode") == "400"


def test_two_services_with_the_same_build_are_built_once(shop: Place) -> None:
    text = f"FROM {BASE}\nRUN cat /proc/sys/kernel/random/uuid >/out\n"
    services = {name: {"build": "."} for name in ("web", "worker")}
    built = shop.build(text, services=services)
    assert built.images["web"].id == built.images["worker"].id
    again = shop.build(text, services=services)
    assert again.id == built.id
    assert shop.build(text, services=services, options={"no_cache": True}).id != built.id


def test_a_plan_that_was_approved_is_not_built_again_without_cache(shop: Place) -> None:
    text = f"FROM {BASE}\nRUN cat /proc/sys/kernel/random/uuid >/out\n"
    planned = shop.build(text, options={"no_cache": True})
    applied = shop.build(text, options={"no_cache": True}, expected_plan="a" * 64)
    assert applied.id == planned.id


def test_equal_builds_are_one_also_where_a_registry_is_asked(shop: Place) -> None:
    services = {name: {"build": "."} for name in ("web", "worker")}
    text = f"FROM {BASE}\nRUN cat /proc/sys/kernel/random/uuid >/out\n"
    first = shop.build(text, services=services, options={"pull": True})
    assert first.images["web"].id == first.images["worker"].id
    later = shop.build(text, services=services)
    assert later.images["web"].id == later.images["worker"].id == first.id


def test_a_digest_in_a_dockerfile_says_nothing_about_its_tag(shop: Place) -> None:
    tagged = shop.build(f"FROM {BASE}\nCOPY --from={BASE} /bin/busybox /tagged\n")
    ((name, digest),) = tagged.images["web"].bases.items()
    written = shop.build(f"FROM {BASE}@{digest}\nCOPY --from={BASE}@{digest} /bin/busybox /by\n")
    assert written.images["web"].bases == {} and written.images["web"].unchecked == ()
    assert name.endswith(BASE)


@pytest.fixture(scope="module")
def gateway(ground: Ground) -> Iterator[str]:
    """An address of this machine beside loopback, where Docker wants TLS."""
    name, label = f"{ground.settings.instance}-registry", ground.settings.instance
    network = ground.client.networks.create(name, labels={"portwright.instance": label})
    try:
        network.reload()
        yield str(network.attrs["IPAM"]["Config"][0]["Gateway"])
    finally:
        network.remove()


USER, PASSWORD = "robot-7", "first password"


@dataclass
class Private:
    """A registry with a password and a CA of its own, and a project with credentials for it."""

    registry: Registry
    place: Place
    settings: Settings
    ca: str

    def set_password(self, password: str) -> None:
        session = self.place.ground.session
        owner = session.scalars(select(User)).first()
        if owner is None:
            owner = User(email="alice@example.com", password_hash="", host_owner=True)
            session.add(owner)
            session.commit()
        set_credential(
            session, self.settings, self.place.project, self.registry.host,
            by=owner, username=USER, password=password, ca=self.ca,
        )  # fmt: skip

    def service(self) -> str:
        """ID of the image of a service with `image:`."""
        services = {"web": {"image": f"{self.registry.host}/acme/app:latest"}}
        built = self.place.build(services=services, settings=self.settings, options={"pull": True})
        return built.id

    def base(self) -> str:
        """What an image has that is built from a base image of the registry."""
        text = f"FROM {self.registry.host}/acme/app:latest\n"
        return self.place.build(text, settings=self.settings, options={"pull": True}).text("/it")


@pytest.fixture(scope="module")
def private(
    ground: Ground, gateway: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Private]:
    folder = tmp_path_factory.mktemp("private")
    certificate = make(folder, gateway)
    place = ground.place("private")
    settings = place.with_settings(allowed_hosts=gateway)
    with registry(folder / "it", {USER: PASSWORD}, gateway, certificate) as made:
        trusted = Path("/etc/docker/certs.d") / made.host
        try:
            install_certificate(ground.client, made.host, certificate.text, print)
            made.push(ground.client, "acme/app:latest", "one")
            yield Private(made, place, settings, certificate.text)
        finally:
            shutil.rmtree(trusted, ignore_errors=True)


def test_a_short_lived_token_comes_from_a_command_at_each_use(
    private: Private, tmp_path: Path
) -> None:
    """As `aws ecr get-login-password` gives one: the token before has expired meanwhile."""
    token = tmp_path / "token"
    session = private.place.ground.session
    private.set_password("is replaced")
    owner = session.scalars(select(User)).one()
    set_credential(
        session, private.settings, private.place.project, private.registry.host,
        by=owner, username=USER, command=["cat", str(token)],
    )  # fmt: skip
    for password in ("token 1", "token 2"):
        private.registry.set_password(USER, password)
        token.write_text(password + "\n")
        assert private.service() and "unique=" in private.base()
    token.write_text("token 1\n")
    with pytest.raises(PortwrightError, match="refused user 'robot-7'"):
        private.service()
    token.unlink()
    with pytest.raises(PortwrightError) as caught:
        private.service()
    assert private.registry.host in str(caught.value) and "No such file" not in str(caught.value)
    private.registry.set_password(USER, PASSWORD)


def test_a_private_registry_with_its_own_ca(private: Private) -> None:
    """Right, wrong and changed passwords, in `image:` and in FROM."""
    host = private.registry.host
    for use in (private.service, private.base):
        private.set_password(PASSWORD)
        assert use()
        private.set_password("not the password")
        with pytest.raises(PortwrightError) as caught:
            use()
        said = f"{caught.value} {caught.value.remedy}"
        assert f"{host} refused user '{USER}'" in said
        assert f"portwright registries set private {host}" in said
        assert "not the password" not in said
    private.registry.set_password(USER, "changed")
    private.set_password("changed")
    assert private.service() and "unique=one" in private.base()


def test_a_moved_tag_takes_effect_where_the_registry_is_asked(private: Private) -> None:
    place, settings, host = private.place, private.settings, private.registry.host
    private.set_password(private.registry.users[USER])
    image = {"web": {"image": f"{host}/acme/app:latest"}}
    text = f"FROM {host}/acme/app:latest\n"
    before = private.service()
    assert "unique=one" in private.base()
    private.registry.push(place.ground.client, "acme/app:latest", "two")
    kept = place.build(services=image, settings=settings)
    assert kept.id == before and kept.images["web"].unchecked == (f"{host}/acme/app:latest",)
    kept = place.build(text, files={"changed": "1"}, settings=settings)
    assert "unique=one" in kept.text("/it")
    assert kept.images["web"].unchecked == (f"{host}/acme/app:latest",)
    assert private.service() != before
    assert "unique=two" in private.base()
    private.registry.push(place.ground.client, "acme/app:latest", "three")
    always = {"web": {"build": ".", "pull": "always"}}
    built = place.build(text, services=always, settings=settings)
    assert "unique=three" in built.text("/it")
