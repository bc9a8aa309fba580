"""From a request to a frozen Spec: checkout, build, resolve, freeze."""

from __future__ import annotations

from sqlalchemy import func, select

from jobs.builds import build
from jobs.context import Context
from jobs.hosts.words import Away
from jobs.models import Environment, Release, Run
from jobs.previews.commits import access_to, learn
from jobs.previews.prepare import forbid_host_access, names, preview_of, versions
from jobs.queries import release_numbered
from jobs.source import Checkout, checkout
from jobs.sources import access_of, guard_of, source_of
from stacks.docker.builds.buildkit import ConnectionLost
from stacks.docker.images.engine import find_image
from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError
from stacks.freeze import freeze
from stacks.parse import read
from stacks.project_file import ProjectFile
from stacks.spec import BuiltImage, Spec


def wanted_spec(context: Context) -> Spec:
    """The Spec a Run is about, not numbered yet: of its commit, of the release it goes back
    to, or (of a drift) the one that should be serving."""
    if context.run.kind in ("drift", "reconcile"):
        if context.current is None:
            raise PortwrightError(
                "nothing is deployed here", remedy="deploy it first", path="environment"
            )
        return released_spec(context, context.current.number)
    if context.run.target is not None:
        return released_spec(context, context.run.target)
    return committed_spec(context)


def check_routes(context: Context, spec: Spec) -> None:
    """No two environments of this host answer to the same host name: the first keeps it.

    Raises PortwrightError that names the route, and never the other project.
    """
    hosts: set[str] = set()
    for other in context.session.scalars(
        select(Environment).where(Environment.release.is_not(None))
    ):
        release = release_numbered(context.session, other, other.release)
        if other.id != context.environment.id and release is not None:
            served = Spec.model_validate(release.spec).services.values()
            hosts |= {route.host for each in served for route in each.routes}
    for name, service in spec.services.items():
        for route in service.routes:
            if route.host in hosts:
                raise PortwrightError(
                    f"{route.host} is served by another project or environment of this host",
                    remedy="choose another name, or remove it there first",
                    path=f"services.{name}.domains",
                )


def check_host_access(context: Context, spec: Spec) -> None:
    """Power over the host is for projects to which its owner gave it: at each deploy and rollback."""
    for name, service in spec.services.items():
        if service.host and not context.project.host_access:
            raise PortwrightError(
                "asks for power over the host, which this project does not have",
                remedy=f"the host's owner can give it: portwright projects allow {spec.project}",
                path=f"services.{name}.host",
            )


def check_published(context: Context, spec: Spec) -> None:
    """The platform's own ports stay its own: whoever held the library's would serve its images."""
    settings = context.settings
    reserved = {
        settings.portal_port: "PORTWRIGHT_PORTAL_PORT",
        settings.http_port: "PORTWRIGHT_HTTP_PORT",
        settings.https_port: "PORTWRIGHT_HTTPS_PORT",
        settings.traefik_port: "PORTWRIGHT_TRAEFIK_PORT",
        settings.library_port: "PORTWRIGHT_LIBRARY_PORT",
        settings.rehearsal_port: "PORTWRIGHT_REHEARSAL_PORT",
    }
    for name, service in spec.services.items():
        for each in service.publish:
            if each.host in reserved:
                raise PortwrightError(
                    f"port {each.host} of the host is reserved for Portwright "
                    f"({reserved[each.host]})",
                    remedy="publish another port of the host",
                    path=f"services.{name}.publish",
                )


def next_release(context: Context) -> int:
    """The number a release would get now."""
    query = select(func.max(Release.number)).where(Release.environment_id == context.environment.id)
    return 1 + (context.session.scalar(query) or 0)


def released_spec(context: Context, target: int) -> Spec:
    release = context.release(target)
    if release is None:
        raise PortwrightError(
            f"there is no release {target}", remedy="choose another", path="release"
        )
    spec = Spec.model_validate(release.spec)
    for name, service in spec.services.items():
        if find_image(context.docker, service.image) is None:
            raise PortwrightError(
                f"its image {service.image_ref} is no longer on this host",
                remedy=f"deploy commit {spec.commit[:10]} again instead, which builds it",
                path=f"services.{name}.image",
            )
    context.run.commit, context.run.subject = spec.commit, spec.subject
    context.session.commit()
    return spec


def committed_spec(context: Context) -> Spec:
    settings, run, project = context.settings, context.run, context.project
    mirror = settings.home / "mirrors" / f"{project.name}.git"
    folder = settings.home / "checkouts" / str(run.id)
    # A Run that was agreed to is about the commit that was read, not about a branch.
    ref = run.commit or run.ref or project.branch
    mirror.parent.mkdir(parents=True, exist_ok=True)
    access = access_of(settings, project, source_of(context.session, project))
    context.log.hide([access.password, access.private_key])
    preview = preview_of(context)
    begins = "" if run.commit else str((run.options or {}).get("begins", ""))
    if preview is not None:
        access = access_to(context, preview, access, ref)
    resolve = guard_of(settings).resolve
    with checkout(access, ref, mirror, folder, resolve=resolve, begins=begins) as source:
        context.log(f"{ref} is commit {source.commit[:10]}: {source.subject}")
        run.commit, run.subject = source.commit, source.subject
        if preview is not None:
            learn(preview, source.commit)
        context.session.commit()
        wanted = read(source.folder)
        if wanted.name != project.name:
            raise PortwrightError(
                f"the file says {wanted.name!r}, but this project is {project.name!r}",
                remedy=f"write `name: {project.name}`",
                path="portwright.yaml: name",
            )
        forbid_host_access(preview, wanted)
        allowed = versions(context, wanted, preview)
        return freeze(
            wanted,
            environment=context.environment.name,
            commit=source.commit,
            subject=source.subject,
            images=images(context, source, wanted, allowed),
            secret_versions=allowed,
            base=settings.domain,
            preview=names(context, preview),
        )


def images(
    context: Context, source: Checkout, wanted: ProjectFile, allowed: dict[str, int]
) -> dict[str, BuiltImage]:
    """Each service's image: built from the checkout, found by the resolver, or taken from the
    Run that has built it already. allowed: the secrets' versions."""
    other = (context.run.options or {}).get("images_of")
    if other:
        return images_of(context, int(other))
    found = {}
    context.registries = {
        Reference.parse(each.image).host for each in wanted.services.values() if each.image
    }
    for name, service in wanted.services.items():
        try:
            if service.image:
                policy = context.pull_policy(service.pull)
                found[name] = context.resolver.resolve(service.image, context.log, policy)
            else:
                found[name] = build(context, source, name, service, allowed)
        except (Away, ConnectionLost):  # the host's fault, not the service's
            raise
        except PortwrightError as error:
            path = ".".join(filter(None, ["services", name, error.path]))
            raise PortwrightError(error.message, remedy=error.remedy, path=path) from None
        context.unchecked.update(found[name].unchecked)
    return found


def images_of(context: Context, run_id: int) -> dict[str, BuiltImage]:
    """What a preview's Run has made, so that a plan of the same commit builds nothing anew."""
    made = context.session.get(Run, run_id)
    if made is None or not made.spec or made.environment.project_id != context.project.id:
        raise PortwrightError(
            f"run {run_id} has no images", remedy="plan the commit itself", path="images_of"
        )
    services = Spec.model_validate(made.spec).services
    return {
        name: BuiltImage(
            each.image,
            each.image_ref,
            each.source,
            each.image_check,
            each.digest,
            each.bases,
            dockerfile=each.dockerfile,
        )
        for name, each in services.items()
    }
