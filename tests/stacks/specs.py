"""Specs for tests: one to compare by eye, and a Hypothesis strategy of any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from stacks.service_file import Amount, Healthcheck, Publish, Resources
from stacks.spec import Need, Route, SecretVersion, ServiceSpec, Spec, Template

NASTY = "`$(reboot)`; rm -rf / || Host(`x`) \"'\n../.."
names = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
ids = st.integers(0, 2**32).map(lambda n: f"sha256:{n:064x}")
values = st.text(max_size=30).filter(lambda t: "\0" not in t) | st.just(NASTY)
env_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
secrets = st.builds(
    SecretVersion, secret=env_names, version=st.integers(1, 9), quoted=st.booleans()
)
templates = st.builds(Template, parts=st.lists(values | secrets, min_size=1, max_size=3))
hosts = names.map(lambda name: f"{name}.localhost")
domains = names.map(lambda name: f"{name}.example.com")
paths = st.none() | names.map(lambda name: f"/{name}")


@st.composite
def routes(draw: st.DrawFn) -> list[Route]:
    """One of this machine, then any others, no two of them alike."""
    found = [Route(host=draw(hosts))]
    for host in draw(st.lists(domains, max_size=2, unique=True)):
        path, redirect = draw(paths), draw(st.none() | domains)
        if redirect:
            found.append(Route(host=host, redirect=redirect))
        else:
            found.append(Route(host=host, path=path, strip=bool(path) and draw(st.booleans())))
    return found


amounts = st.builds(
    Amount,
    cpu=st.none() | st.sampled_from([0.25, 1, 2]),
    memory=st.none() | st.sampled_from(["64M", "1G"]),
)


needs = st.builds(Need, condition=st.sampled_from(["started", "healthy"]), cascade=st.booleans())


@st.composite
def services(draw: st.DrawFn) -> ServiceSpec:
    port = draw(st.none() | st.integers(1, 65535))
    has_volume = draw(st.booleans())
    checks = [None, Healthcheck(command=["true", NASTY])]
    if port:
        checks += [Healthcheck(http="/health"), Healthcheck(tcp=True)]
    return ServiceSpec(
        image=draw(ids),
        image_ref="x:1",
        command=draw(st.none() | st.lists(values, max_size=3)),
        env=draw(st.dictionaries(env_names, values | secrets | templates, max_size=4)),
        port=port,
        routes=draw(routes()) if port else [],
        publish=draw(
            st.lists(
                st.builds(Publish, host=st.integers(1024, 65535), container=st.just(80)), max_size=1
            )
        )
        if has_volume
        else [],
        resources=Resources(
            limits=draw(amounts), reservations=Amount(cpu=draw(st.none() | st.just(0.5)))
        ),
        release=draw(st.none() | st.lists(values, min_size=1, max_size=2)) if port else None,
        volumes={draw(names): "/data"} if has_volume else {},
        healthcheck=draw(st.sampled_from(checks)),
        replicas=1 if has_volume else draw(st.integers(1, 3)),
        introduced=draw(st.integers(1, 50)),
        generation=draw(st.integers(1, 50)),
    )


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    found = draw(st.dictionaries(names, services(), min_size=1, max_size=4))
    ordered = sorted(found)
    linked = {
        name: service.model_copy(
            update={
                "depends_on": draw(st.dictionaries(st.sampled_from(ordered[:i]), needs))
                if i
                else {}
            }
        )
        for i, (name, service) in enumerate(sorted(found.items()))
    }
    return Spec(project=draw(names), environment="production", commit="a" * 40, services=linked)


def small(**web: Any) -> Spec:
    fields: dict[str, Any] = {
        "image": "sha256:1",
        "image_ref": "web:1",
        "env": {"COLOR": "teal", "PASSWORD": SecretVersion(secret="db_password", version=2)},
        "port": 8000,
        "routes": [Route(host="web.shop.localhost")],
        "depends_on": {"db": Need(condition="healthy")},
        "introduced": 3,
        "generation": 7,
        **web,
    }
    return Spec(
        project="shop",
        environment="production",
        commit="a" * 40,
        subject="A change",
        services={
            "web": ServiceSpec(**fields),
            "db": ServiceSpec(
                image="sha256:2",
                image_ref="postgres:15",
                volumes={"data": "/var/lib/data"},
                healthcheck=Healthcheck(command=["pg_isready"]),
                introduced=1,
                generation=1,
            ),
        },
    )
