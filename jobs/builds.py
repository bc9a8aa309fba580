"""A service's image from its checkout: one that was built already, or a build in the project's builder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from docker.models.images import Image

from jobs import builders
from jobs.context import Context
from jobs.source import Checkout
from jobs.vault import open_version
from stacks.docker.builds.buildkit import ConnectionLost, Order
from stacks.docker.builds.buildkit import build as run_build
from stacks.docker.builds.image import Recipe, Source, build_key, order_of, recipe_of
from stacks.docker.images.engine import find_image, has_check
from stacks.docker.images.reference import Reference
from stacks.docker.images.resolve import Policy, is_old
from stacks.errors import PortwrightError
from stacks.service_file import SecretRef, Service
from stacks.spec import BuiltImage

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def build(
    context: Context, checkout: Checkout, name: str, service: Service, allowed: Mapping[str, int]
) -> BuiltImage:
    """Return the service's image; two services with the same build share one.

    allowed: the secrets' versions. Raises PortwrightError.
    """
    wanted = service.build or service.static
    assert wanted is not None
    with TemporaryDirectory(prefix="portwright-build-") as work:
        volumes = sorted(service.volumes.values())
        recipe = recipe_of(checkout.folder, wanted, name, Path(work), context.log, volumes)
        return image_of(context, checkout, name, service, recipe, allowed)


def image_of(
    context: Context,
    checkout: Checkout,
    name: str,
    service: Service,
    recipe: Recipe,
    allowed: Mapping[str, int],
) -> BuiltImage:
    source = Source(
        checkout.folder,
        checkout.tree(recipe.build.context),
        opened(context, recipe.build.secrets, allowed),
        opened(context, recipe.build.ssh, allowed),
    )
    policy = context.pull_policy(service.pull)
    key = build_key(recipe, source, builders.trust_domain(context))
    image, bases = built_before(context, key)
    pins = pinned_bases(context, policy)
    if key in context.built and image is not None:
        context.log(f"services.{name}: the same build as that of another service")
    elif image is not None and not due(bases, pins, policy) and not without_cache(context):
        context.log(f"services.{name}: unchanged since its image was built")
        context.project_images.put_built(key, str(image.id), bases)
    else:
        image, bases = rebuild(context, recipe, source, name, key, pins, image)
    context.built.add(key)
    unchecked = tuple(Reference.parse(each).familiar for each in sorted(bases) if each in pins)
    return BuiltImage(
        str(image.id),
        image.tags[0] if image.tags else str(image.id),
        source.tree,
        has_check(image),
        bases=bases,
        unchecked=unchecked,
        dockerfile=recipe.text.decode() if recipe.generated else None,
    )


def built_before(context: Context, key: str) -> tuple[Image | None, dict[str, str]]:
    """The image that an equal build of this project made, where the engine still has it."""
    known = context.project_images.built(key)
    return (find_image(context.docker, known[0]), known[1]) if known else (None, {})


def due(bases: Mapping[str, str], pins: Mapping[str, str], policy: Policy) -> bool:
    """Whether a registry has to be asked for a base image, which takes a build."""
    return policy == "always" or (policy == "daily" and any(each not in pins for each in bases))


def without_cache(context: Context) -> bool:
    """A run that applies an approved plan uses what the plan's run has built."""
    return bool((context.run.options or {}).get("no_cache")) and not context.run.expected_plan


def pinned_bases(context: Context, policy: Policy) -> dict[str, str]:
    """Name -> digest of the base images that are taken as they are known."""
    if policy == "always":
        return {}
    return {
        name: digest
        for name, (digest, checked_at) in context.project_images.bases().items()
        if policy == "missing" or not is_old(checked_at)
    }


def rebuild(
    context: Context,
    recipe: Recipe,
    source: Source,
    name: str,
    key: str,
    pins: Mapping[str, str],
    before: Image | None,
) -> tuple[Image, dict[str, str]]:
    """Build; where the result has the content of the image before, return that one."""
    settings, project = context.settings, context.project
    tag = f"{settings.instance}/{project.name}/{name}:{key}"
    secret_key, domain = settings.key("vault-key"), builders.trust_domain(context)
    values = {
        f"{kind}.{each}": value
        for kind, given in (("secret", source.secrets), ("ssh", source.ssh))
        for each, (_, value) in given.items()
    }
    order = replace(
        order_of(recipe, source, tag, context.log),
        project=project.name,
        labels={
            "portwright.instance": settings.instance,
            "portwright.project": project.name,
            "portwright.service": name,
        },
        pins=pins,
        hostname=builders.hostname(secret_key, project, domain, values),
        namespace=builders.namespace(secret_key, project, domain),
        cache=not without_cache(context),
    )
    image_id, found = run(context, order)
    written = written_digests(order)
    bases = {each: digest for each, digest in found.items() if digest not in written}
    image = find_image(context.docker, image_id)
    if image is None:
        raise PortwrightError(
            "the built image was removed from the host", remedy="deploy again", path="build"
        )
    if before is not None and before.id != image.id and content(before) == content(image):
        context.log("the build produced the same image as before")
        before.tag(tag.rpartition(":")[0], tag=key)
        context.docker.images.remove(str(image.id))
        image = before
    if domain == builders.STANDING:  # a pull request must not choose production's base images
        context.project_images.put_bases({each: bases[each] for each in bases if each not in pins})
    context.project_images.put_built(key, str(image.id), bases)
    return image, bases


def run(context: Context, order: Order) -> tuple[str, dict[str, str]]:
    """Run the build; repeat it once where the connection to the builder is lost.

    The builder keeps the results of the steps that were done.
    """
    try:
        return run_once(context, order)
    except ConnectionLost as error:
        context.log(f"{error.message}; trying again")
    context.ping()
    return run_once(context, order)


def run_once(context: Context, order: Order) -> tuple[str, dict[str, str]]:
    with builders.using(context) as container:
        return run_build(
            context.docker,
            context.settings.home / "bin" / "buildctl",
            container,
            context.docker_address,
            order,
            context.all_logins(),
            context.log,
        )


def written_digests(order: Order) -> set[str]:
    """Digests that the Dockerfile or an argument names itself: they say nothing about a tag."""
    texts = [order.dockerfile.read_text(errors="replace"), *order.arguments.values()]
    return {found for text in texts for found in DIGEST.findall(text)}


def content(image: Image) -> tuple[object, ...]:
    """What a container made of the image depends on."""
    return image.attrs.get("RootFS"), image.attrs.get("Config")


def opened(
    context: Context, references: Mapping[str, SecretRef], allowed: Mapping[str, int]
) -> dict[str, tuple[int, str]]:
    """Id -> (version, value); the log hides the values."""
    found = {
        each: open_version(
            context.session,
            context.settings.key("vault-key"),
            context.project,
            reference.secret,
            allowed.get(reference.secret),
        )
        for each, reference in references.items()
    }
    context.log.hide(value for _, value in found.values())
    return found
