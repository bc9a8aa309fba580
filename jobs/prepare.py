"""From a request to a frozen Spec: checkout, build, resolve, freeze."""

from __future__ import annotations

from sqlalchemy import func, select

from jobs.context import Context
from jobs.models import Release
from jobs.queries import secret_versions
from jobs.source import Checkout, checkout
from stacks.build import build_image
from stacks.errors import PortwrightError
from stacks.images.engine import find_image
from stacks.project_file import ProjectFile, read
from stacks.spec import BuiltImage, Spec, freeze, number


def wanted_spec(context: Context) -> Spec:
    """The Spec a Run is about: of its commit, or of the release it goes back to."""
    if context.run.target is not None:
        spec = released_spec(context, context.run.target)
    else:
        spec = committed_spec(context)
    return number(
        spec, context.current_spec, release=next_release(context), generation=context.run.id
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
    ref = run.ref or project.branch
    mirror.parent.mkdir(parents=True, exist_ok=True)
    with checkout(project.repository, ref, mirror, folder) as source:
        context.log(f"{ref} is commit {source.commit[:10]}: {source.subject}")
        run.commit, run.subject = source.commit, source.subject
        context.session.commit()
        wanted = read(source.folder)
        if wanted.name != project.name:
            raise PortwrightError(
                f"the file says {wanted.name!r}, but this project is {project.name!r}",
                remedy=f"write `name: {project.name}`",
                path="portwright.yaml: name",
            )
        return freeze(
            wanted,
            environment=context.environment.name,
            commit=source.commit,
            subject=source.subject,
            images=images(context, source, wanted),
            secret_versions=secret_versions(context.session, project),
        )


def images(context: Context, source: Checkout, wanted: ProjectFile) -> dict[str, BuiltImage]:
    """Each service's image: built from the checkout, or found by the resolver."""
    found = {}
    for name, service in wanted.services.items():
        try:
            if service.build:
                found[name] = build_image(
                    context.docker,
                    context.resolver,
                    source.folder,
                    source.tree(service.build.context),
                    service.build,
                    name=f"{context.settings.instance}/{wanted.name}-{name}",
                    labels={
                        "portwright.instance": context.settings.instance,
                        "portwright.project": wanted.name,
                        "portwright.service": name,
                    },
                    say=context.log,
                )
            elif service.image:
                found[name] = context.resolver.resolve(service.image, context.log)
        except PortwrightError as error:
            path = ".".join(filter(None, ["services", name, error.path]))
            raise PortwrightError(error.message, remedy=error.remedy, path=path) from None
    return found
