"""Images from real registries: who gets one, when a tag is asked for again, what is pruned."""

from __future__ import annotations

import ipaddress
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import git_certificate
import pytest
from docker.errors import ImageNotFound
from registries import Registry, naming_registry, registry
from sqlalchemy.orm import Session

from forges.addresses import Guard as Addresses
from forges.fetch import Fetcher
from jobs.cleanup import prune_all, prune_pulled
from jobs.context import Context
from jobs.database import session_factory
from jobs.guard import Guard
from jobs.log import RunLog
from jobs.models import Environment, Project, ProjectImage, Release, Run
from jobs.prepare import images
from jobs.project_images import ProjectImages, rows_on
from jobs.registry_proof import prove
from jobs.requests import create_project
from jobs.settings import Settings
from stacks.docker.images.login import Login
from stacks.docker.images.reference import Reference
from stacks.docker.images.resolve import Policy, Resolver
from stacks.errors import PortwrightError
from stacks.parse import load
from stacks.spec import BuiltImage

USER, PASSWORD = "me", "correct horse"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    made = docker.from_env()
    yield made
    made.close()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Registry]:
    with registry(tmp_path / "private", {USER: PASSWORD}) as made:
        yield made


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Registry]:
    with registry(tmp_path / "public") as made:
        yield made


@dataclass
class Ground:
    """Two projects on one engine and one database."""

    client: docker.DockerClient
    session: Session
    settings: Settings

    def project(self, name: str) -> Project:
        return create_project(
            self.session, name, f"https://example.com/{name}.git", "main", by="alice"
        )

    def resolver(self, project: Project, login: Login | None = None, host: str = "") -> Resolver:
        """As a run of the project has it: every run has its own."""
        return Resolver(
            self.client,
            "auto",
            "",
            ProjectImages(self.session, project.id, None),
            ({host: login} if login else {}).get,
            lambda _: None,
            prove=lambda source, image: prove(
                Fetcher(Addresses(("127.0.0.0/8",))), source, login, image
            ),
            instance=self.settings.instance,
            project=project.name,
        )

    def release(self, project: Project, *images: BuiltImage) -> None:
        """Record a release with these images, as a deploy does."""
        environment = project.environments[0]
        number = (environment.release or 0) + 1
        run = self.run(environment, "succeeded", *images)
        self.session.add(
            Release(
                environment_id=environment.id, number=number, run_id=run.id,
                spec=run.spec, commit="a" * 40,
            )
        )  # fmt: skip
        environment.release = number
        self.session.commit()

    def run(self, environment: Environment, state: str, *images: BuiltImage) -> Run:
        services = {f"s{i}": {"image": image.id} for i, image in enumerate(images)}
        run = Run(
            environment=environment, kind="deploy", state=state, requested_by="alice",
            spec={"services": services} if images else None,
        )  # fmt: skip
        self.session.add(run)
        self.session.commit()
        return run

    def has(self, image_id: str) -> bool:
        try:
            self.client.images.get(image_id)
        except ImageNotFound:
            return False
        return True


@pytest.fixture
def ground(
    client: docker.DockerClient, tmp_path: Path, new_database: Callable[[Path], None]
) -> Iterator[Ground]:
    home = tmp_path / "home"
    home.mkdir()
    new_database(home)
    settings = Settings(home=home, instance=f"pw{uuid.uuid4().hex[:8]}")
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        yield Ground(client, session, settings)
        for row in session.query(ProjectImage).all():
            with suppress(ImageNotFound):
                client.images.remove(row.image_id, force=True)
    sessions.kw["bind"].dispose()


def test_a_private_image_needs_the_right_password(ground: Ground, private: Registry) -> None:
    name = f"{private.host}/acme/app:1"
    private.push(ground.client, "acme/app:1", "needs-a-password")
    shop = ground.project("shop")

    with pytest.raises(PortwrightError) as caught:
        ground.resolver(shop).resolve(name, print)
    assert f"{private.host} needs credentials" in caught.value.message
    assert f"portwright registries set shop {private.host}" in caught.value.remedy

    with pytest.raises(PortwrightError) as caught:
        ground.resolver(shop, Login(USER, "wrong"), private.host).resolve(name, print)
    assert f"{private.host} refused user 'me'" in caught.value.message
    assert "wrong" not in f"{caught.value} {caught.value.remedy}"

    said: list[str] = []
    found = ground.resolver(shop, Login(USER, PASSWORD), private.host).resolve(name, said.append)
    assert ground.has(found.id) and found.digest and found.unchecked == ()
    assert found.ref == name and PASSWORD not in "".join(said)


def test_a_rotated_password_is_used_at_the_next_pull(ground: Ground, private: Registry) -> None:
    private.push(ground.client, "acme/app:1")
    shop = ground.project("shop")
    name = f"{private.host}/acme/app:1"
    ground.resolver(shop, Login(USER, PASSWORD), private.host).resolve(name, print)
    private.set_password(USER, "rotated")

    old = ground.resolver(shop, Login(USER, PASSWORD), private.host)
    with pytest.raises(PortwrightError, match="refused user 'me'"):
        old.resolve(name, print, "always")
    new = ground.resolver(shop, Login(USER, "rotated"), private.host)
    assert ground.has(new.resolve(name, print, "always").id)


def test_another_project_gets_nothing_that_merely_lies_on_the_host(
    ground: Ground, private: Registry
) -> None:
    private.push(ground.client, "acme/app:1")
    shop, other = ground.project("shop"), ground.project("other")
    name = f"{private.host}/acme/app:1"
    image = ground.resolver(shop, Login(USER, PASSWORD), private.host).resolve(name, print)
    instance = ground.settings.instance
    ground.client.images.get(image.id).tag(f"{instance}/shop/web", "abc")
    for taken in (
        name,
        f"{private.host}/acme/app@{image.digest}",
        f"{private.host}/acme/app:1@{image.digest}",
        image.id,
        image.id.removeprefix("sha256:"),
        image.id.removeprefix("sha256:")[:12],
        image.id.removeprefix("sha256:")[:2],
        f"{instance}/shop/web:abc",
        f"docker.io/{instance}/shop/web:abc",
        f"index.docker.io/{instance}/shop/web:abc",
    ):
        for policy in ("missing", "always"):
            with pytest.raises(PortwrightError):
                ground.resolver(other).resolve(taken, print, policy)
    with pytest.raises(PortwrightError, match="refused user 'guest'"):
        ground.resolver(other, Login("guest", "x"), private.host).resolve(name, print)
    assert ProjectImages(ground.session, other.id, None).get(name) is None


def test_a_registry_that_only_names_an_image_of_the_host_gets_nobody_its_content(
    ground: Ground, private: Registry
) -> None:
    """By a digest in a header, by an image ID in a manifest of its own, and by a digest asked for."""
    private.push(ground.client, "acme/app:1")
    shop, other = ground.project("shop"), ground.project("other")
    name = f"{private.host}/acme/app:1"
    image = ground.resolver(shop, Login(USER, PASSWORD), private.host).resolve(name, print)
    assert image.digest
    with naming_registry(image.digest, image.id) as host:
        for taken in ("digest", "id"):
            with pytest.raises(PortwrightError, match="does not have its content"):
                ground.resolver(other).resolve(f"{host}/evil/x:{taken}", print)
        with pytest.raises(PortwrightError):
            ground.resolver(other).resolve(f"{host}/evil/x@{image.digest}", print)
    assert rows_on(ground.session, None, "pulled", image.id)[0].project_id == shop.id
    assert not ProjectImages(ground.session, other.id, None).holds(image.id)


def test_two_projects_share_what_a_registry_gives_to_both(
    ground: Ground, private: Registry
) -> None:
    private.push(ground.client, "acme/app:1")
    name, login = f"{private.host}/acme/app:1", Login(USER, PASSWORD)
    found = [
        ground.resolver(ground.project(each), login, private.host).resolve(name, print)
        for each in ("shop", "other")
    ]
    assert found[0] == found[1]


def test_an_own_build_is_found_by_its_name_and_a_relabelled_one_is_not(ground: Ground) -> None:
    instance, shop = ground.settings.instance, ground.project("shop")
    labels = {"portwright.instance": instance, "portwright.project": "shop"}
    tag = f"{instance}/shop/web"
    imported = import_image(tag, "1", labels)
    stray = import_image(tag, "2", {**labels, "portwright.project": "other"})
    try:
        assert ground.resolver(shop).resolve(f"{tag}:1", print).id == imported
        for name in (f"{tag}:2", f"{tag}:3"):
            with pytest.raises(PortwrightError, match="not an image of this project"):
                ground.resolver(shop).resolve(name, print)
    finally:
        for image in (imported, stray):
            ground.client.images.remove(image, force=True)


def import_image(repository: str, tag: str, labels: dict[str, str]) -> str:
    """An image of one empty layer; returns its ID."""
    changes = [f"--change=LABEL {key}={value} tag={tag}" for key, value in labels.items()]
    empty = b"\0" * 10240
    done = subprocess.run(
        ["docker", "import", *changes, "-", f"{repository}:{tag}"],
        input=empty, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


def test_a_moved_tag_is_seen_by_policy_and_not_otherwise(ground: Ground, public: Registry) -> None:
    shop = ground.project("shop")
    name = f"{public.host}/acme/app:latest"
    public.push(ground.client, "acme/app:latest", "one")
    at = datetime.now(UTC)

    def resolve(policy: Policy, hours: float = 0) -> BuiltImage:
        return ground.resolver(shop).resolve(name, print, policy, at + timedelta(hours=hours))

    first = resolve("missing")
    assert first.unchecked == ()
    public.push(ground.client, "acme/app:latest", "two")
    stays = resolve("missing")
    assert (stays.id, stays.digest, stays.unchecked) == (first.id, first.digest, (name,))
    assert resolve("daily", 23).id == first.id
    moved = resolve("daily", 25)
    assert moved.id != first.id and moved.digest != first.digest and moved.unchecked == ()
    assert resolve("missing").id == moved.id

    public.push(ground.client, "acme/app:latest", "three")
    newest = resolve("always")
    assert newest.id not in (first.id, moved.id)
    # What the tag pointed to before is the project's still, by its digest.
    pinned = f"{public.host}/acme/app@{first.digest}"
    again = ground.resolver(shop).resolve(pinned, refuse_to_pull)
    assert (again.id, again.unchecked) == (first.id, ())


def refuse_to_pull(line: str) -> None:
    raise AssertionError(line)


def test_services_of_one_run_get_the_same_image(ground: Ground, public: Registry) -> None:
    shop, name = ground.project("shop"), f"{public.host}/acme/app:latest"
    public.push(ground.client, "acme/app:latest", "one")
    resolver = ground.resolver(shop)
    first = resolver.resolve(name, print, "always")
    public.push(ground.client, "acme/app:latest", "two")
    assert resolver.resolve(name, print, "always") == first


def test_an_image_that_is_gone_from_the_engine_is_pulled_again(
    ground: Ground, public: Registry
) -> None:
    shop, name = ground.project("shop"), f"{public.host}/acme/app:1"
    public.push(ground.client, "acme/app:1")
    first = ground.resolver(shop).resolve(name, print)
    ground.client.images.remove(first.id, force=True)
    said: list[str] = []
    assert ground.resolver(shop).resolve(name, said.append).id == first.id
    assert said == [f"pulling {name}"]


def test_the_image_is_the_one_that_the_registry_named_and_not_the_tags(
    ground: Ground, public: Registry
) -> None:
    """A local tag of the same name, moved by hand, changes nothing."""
    shop, name = ground.project("shop"), f"{public.host}/acme/app:1"
    public.push(ground.client, "acme/app:1", "registry")
    stray = import_image(f"{public.host}/acme/app", "1", {"stray": "yes"})
    found = ground.resolver(shop).resolve(name, print)
    assert found.id != stray
    ground.client.images.get(stray).tag(f"{public.host}/acme/app", "1")
    try:
        assert ground.resolver(shop).resolve(name, print).id == found.id
    finally:
        ground.client.images.remove(stray, force=True)


def test_failures_are_told_in_our_words(ground: Ground, public: Registry) -> None:
    shop = ground.project("shop")
    public.push(ground.client, "acme/app:1")
    closed = "127.0.0.1:1"
    for name, message in (
        (f"{public.host}/acme/app:none", f"{public.host} has no image {public.host}/acme/app:none"),
        (f"{public.host}/acme/none:1", f"{public.host} has no image"),
        (f"{closed}/acme/app:1", f"{closed} does not answer"),
        ("no-such-host.invalid/acme/app:1", "the registry host no-such-host.invalid was not found"),
    ):
        with pytest.raises(PortwrightError) as caught:
            ground.resolver(shop).resolve(name, print)
        assert message in caught.value.message, caught.value.message
        assert caught.value.remedy and caught.value.path == "image"


@pytest.mark.parametrize(
    ("tls", "message", "remedy"),
    [(True, "is not trusted", "--ca FILE"), (False, "does not use TLS", "certificate")],
)
def test_a_registry_beyond_this_machine_needs_a_trusted_certificate(
    ground: Ground, tmp_path: Path, tls: bool, message: str, remedy: str
) -> None:
    settings = ground.client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    certificate = git_certificate.make(tmp_path) if tls else None
    address = settings.get("Gateway") or str(ipaddress.ip_network(settings["Subnet"])[1])
    with (
        registry(tmp_path / "far", address=address, certificate=certificate) as far,
        pytest.raises(PortwrightError) as caught,
    ):
        ground.resolver(ground.project("shop")).resolve(f"{far.host}/acme/app:1", print)
    assert f"{far.host} {message}" in caught.value.message.replace("the certificate of ", "")
    assert remedy in caught.value.remedy


def test_a_refused_address_is_never_connected_to(ground: Ground, public: Registry) -> None:
    public.push(ground.client, "acme/app:1")
    asked: list[str] = []

    def check(host: str) -> None:
        asked.append(host)
        raise PortwrightError("not public", remedy="use a public address", path="address")

    resolver = ground.resolver(ground.project("shop"))
    resolver.check_host = check
    with pytest.raises(PortwrightError, match="not public"):
        resolver.resolve(f"{public.host}/acme/app:1", refuse_to_pull)
    assert asked == [public.host]


def test_a_mirror_answers_for_docker_hub(ground: Ground, public: Registry) -> None:
    shop = ground.project("shop")
    public.push(ground.client, "hub/library/thing:1")
    resolver = ground.resolver(shop)
    resolver.source = f"mirror:{public.host}/hub"
    resolver.check_host = refuse_to_pull  # the operator's own registry is not checked
    found = resolver.resolve("thing:1", print)
    assert found.ref == "thing:1" and ground.has(found.id)
    assert prune_pulled(ground.session, ground.client, print, None) == ["thing:1"]
    assert not ground.has(found.id)


def test_pulled_images_go_when_no_release_of_any_project_needs_them(
    ground: Ground, public: Registry
) -> None:
    shop, other = ground.project("shop"), ground.project("other")
    name = f"{public.host}/acme/app:1"
    public.push(ground.client, "acme/app:1", "one")
    old = ground.resolver(shop).resolve(name, print)
    ground.resolver(other).resolve(name, print)
    ground.release(other, old)
    public.push(ground.client, "acme/app:1", "two")
    new = ground.resolver(shop).resolve(name, print, "always")
    ground.release(shop, new)
    public.push(ground.client, "acme/app:1", "three")
    planned = ground.resolver(shop).resolve(name, print, "always")

    def prune() -> list[str]:
        return prune_all(ground.session, ground.client, ground.settings)

    working = ground.run(shop.environments[0], "planning")
    assert prune() == [] and ground.has(planned.id)
    working.state, working.spec = "awaiting_approval", {"services": {"s": {"image": planned.id}}}
    ground.session.commit()
    assert prune() == [] and ground.has(planned.id)
    working.state = "cancelled"
    ground.session.commit()
    assert prune() == [name]
    assert [ground.has(each.id) for each in (old, new, planned)] == [True, True, False]
    assert planned.id not in {row.image_id for row in rows_on(ground.session, None, "pulled")}

    ground.session.query(Release).filter_by(environment_id=other.environments[0].id).delete()
    other.environments[0].release = None
    ground.session.commit()
    assert prune() == [f"{public.host}/acme/app:1", f"{public.host}/acme/app@{old.digest}"]
    assert [ground.has(each.id) for each in (old, new)] == [False, True]


def test_what_a_person_pulled_or_a_container_uses_stays(ground: Ground, public: Registry) -> None:
    shop = ground.project("shop")
    client, host = ground.client, public.host
    for name in ("by-hand", "named", "in-use"):
        public.push(client, f"acme/{name}:1")
    by_hand = client.images.pull(f"{host}/acme/by-hand", tag="1")
    found = {
        name: ground.resolver(shop).resolve(f"{host}/acme/{name}:1", print)
        for name in ("by-hand", "named", "in-use")
    }
    assert found["by-hand"].id == by_hand.id
    client.images.get(found["named"].id).tag("mine", public.host.rpartition(":")[2])
    container = client.containers.create(found["in-use"].id, "/it")
    try:
        assert prune_all(ground.session, client, ground.settings) == []
        assert all(ground.has(image.id) for image in found.values())
    finally:
        container.remove()
    assert prune_all(ground.session, client, ground.settings) == [f"{host}/acme/in-use:1"]
    assert not ground.has(found["in-use"].id)
    assert ground.has(found["named"].id) and ground.has(by_hand.id)
    for image in (found["named"].id, str(by_hand.id)):
        client.images.remove(image, force=True)


def test_builds_go_when_no_release_needs_them_and_what_is_made_from_them_stays(
    ground: Ground,
) -> None:
    instance, shop = ground.settings.instance, ground.project("shop")
    labels = {"portwright.instance": instance, "portwright.project": "shop"}
    records = ProjectImages(ground.session, shop.id, None)
    # The second of two imports takes the name of the first.
    nameless = import_image(f"{instance}/shop/web", "1", {**labels, "n": "1"})
    kept = import_image(f"{instance}/shop/web", "1", labels)
    old = import_image(f"{instance}/shop/web", "2", labels)
    stray = import_image(f"mine-{instance}", "1", {**labels, "n": "2"})
    foreign = import_image(f"mine-{instance}", "1", labels)
    try:
        bases = {
            "docker.io/library/python:3.13": Reference.parse("x@sha256:" + "a" * 64).digest or ""
        }
        records.put_built("key", nameless, bases)
        assert records.built("key") == (nameless, bases)
        records.put_built("key", kept, {})  # built again without cache
        assert records.built("key") == (kept, {})
        ground.release(shop, BuiltImage(kept, "web"))
        removed = prune_all(ground.session, ground.client, ground.settings)
        assert f"{instance}/shop/web:2" in removed
        assert [ground.has(each) for each in (kept, old, nameless, foreign, stray)] == [
            True, False, False, True, True,
        ]  # fmt: skip
    finally:
        for image in (kept, old, nameless, foreign, stray):
            with suppress(ImageNotFound):
                ground.client.images.remove(image, force=True)


@pytest.fixture
def run_of(
    ground: Ground, tmp_path: Path
) -> Iterator[Callable[[Project, dict[str, bool]], Context]]:
    """Makes the context of a run, as the worker does."""
    settings = replace(ground.settings, allowed_hosts="127.0.0.0/8")
    sessions = session_factory(settings.database_url)
    with RunLog(tmp_path / "run.log") as log:

        def make(project: Project, options: dict[str, bool]) -> Context:
            run = Run(
                environment=project.environments[0], kind="deploy", state="building",
                requested_by="alice", options=options, token=1,
            )  # fmt: skip
            ground.session.add(run)
            ground.session.commit()
            return Context(settings, ground.session, run, log, Guard(settings, sessions, run))

        yield make
    sessions.kw["bind"].dispose()


def test_a_run_asks_again_by_option_or_field_and_tells_what_it_did_not_ask_for(
    ground: Ground, public: Registry, run_of: Callable[[Project, dict[str, bool]], Context]
) -> None:
    shop, name = ground.project("shop"), f"{public.host}/acme/app:latest"

    def images_of(options: dict[str, bool], pull: str = "missing") -> tuple[str, set[str]]:
        text = f"name: shop\nservices: {{web: {{image: '{name}', pull: {pull}}}}}"
        context = run_of(shop, options)
        found = images(context, None, load(text), {})  # type: ignore[arg-type]
        return found["web"].id, context.unchecked

    public.push(ground.client, "acme/app:latest", "one")
    first, unchecked = images_of({})
    assert unchecked == set()
    public.push(ground.client, "acme/app:latest", "two")
    assert images_of({}) == (first, {name})
    second, unchecked = images_of({"pull": True})
    assert second != first and unchecked == set()
    public.push(ground.client, "acme/app:latest", "three")
    third, unchecked = images_of({}, "always")
    assert third not in (first, second) and unchecked == set()


def test_a_registry_at_a_private_address_is_refused_unless_it_is_permitted(
    ground: Ground, public: Registry, run_of: Callable[[Project, dict[str, bool]], Context]
) -> None:
    public.push(ground.client, "acme/app:1")
    context = run_of(ground.project("shop"), {})
    context.settings = replace(context.settings, allowed_hosts="")
    wanted = load(f"name: shop\nservices: {{web: {{image: '{public.host}/acme/app:1'}}}}")
    with pytest.raises(PortwrightError, match="which is not public"):
        images(context, None, wanted, {})  # type: ignore[arg-type]
    context = run_of(ground.session.query(Project).one(), {})
    assert images(context, None, wanted, {})["web"].digest  # type: ignore[arg-type]
