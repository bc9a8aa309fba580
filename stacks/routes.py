"""Traefik's labels of a service.

Names and priority rise with the generation, so that the newest healthy one wins and no
two containers ever give one router different values.
"""

from __future__ import annotations

import re
from typing import Any

from stacks.guards import guard_labels
from stacks.spec import Route, ServiceSpec

BASE_PRIORITY = 1000
# A longer path wins over any generation of a shorter one. Run numbers stay below this.
PATH_PRIORITY = 10**9


def route_labels(router: str, network: str, service: ServiceSpec) -> list[dict[str, str]]:
    """Labels in order of their names; none where the service has no route."""
    if not router:
        return []
    labels = {
        "traefik.enable": "true",
        "traefik.docker.network": network,
        f"traefik.http.services.{router}.loadbalancer.server.port": str(service.port),
    }
    plain = [route for route in service.routes if not route.path and not route.redirect]
    made = router_labels(router, router, any_of(plain), BASE_PRIORITY + service.generation)
    guard = next((route.guard for route in plain if route.guard), None)
    if guard:
        labels |= guard_labels(router, guard)
        made[f"traefik.http.routers.{router}.middlewares"] = f"{router}_guard"
    labels |= made | secure_labels(router, made, plain, service)
    others = [route for route in service.routes if route.path or route.redirect]
    for index, route in enumerate(others, start=1):
        name = f"{router}_r{index}"
        priority = BASE_PRIORITY + service.generation + PATH_PRIORITY * len(route.path or "")
        made = router_labels(name, router, host_rule(route), priority)
        changes = middleware(name, route)
        if changes:
            made[f"traefik.http.routers.{name}.middlewares"] = name
        labels |= made | changes | secure_labels(name, made, [route], service)
    return [{"label": key, "value": labels[key]} for key in sorted(labels)]


def router_labels(name: str, service: str, rule: str, priority: int) -> dict[str, str]:
    return {
        f"traefik.http.routers.{name}.rule": rule,
        f"traefik.http.routers.{name}.entrypoints": "web",
        f"traefik.http.routers.{name}.priority": str(priority),
        f"traefik.http.routers.{name}.service": service,
    }


def secure_labels(
    name: str, plain: dict[str, str], routes: list[Route], service: ServiceSpec
) -> dict[str, str]:
    """The same router once more for hosts that the world may reach, on every entry point.

    It names no entry point, so that it is on `websecure` where there is one.
    """
    outside = [route for route in routes if not is_local(route.host)]
    if not service.tls or not outside:
        return {}
    labels = {
        key.replace(f".routers.{name}.", f".routers.{name}_tls."): value
        for key, value in plain.items()
        if not key.endswith(".entrypoints")
    }
    return labels | {f"traefik.http.routers.{name}_tls.rule": any_of(outside)}


def is_local(host: str) -> bool:
    """`*.localhost` is this machine everywhere (RFC 6761); nobody issues certificates for it."""
    return host == "localhost" or host.endswith(".localhost")


def any_of(routes: list[Route]) -> str:
    return " || ".join(host_rule(route) for route in routes)


def host_rule(route: Route) -> str:
    """Hosts and paths come from an allowlist that has no backtick in it."""
    host = f"Host(`{route.host}`)"
    if not route.path:
        return host
    return f"({host} && (Path(`{route.path}`) || PathPrefix(`{route.path}/`)))"


def middleware(name: str, route: Route) -> dict[str, str]:
    label = f"traefik.http.middlewares.{name}"
    if route.redirect:
        return {
            f"{label}.redirectregex.regex": f"^(https?)://{re.escape(route.host)}(:[0-9]+)?(.*)$",
            f"{label}.redirectregex.replacement": f"${{1}}://{route.redirect}${{2}}${{3}}",
            f"{label}.redirectregex.permanent": "true",
        }
    return {f"{label}.stripprefix.prefixes": str(route.path)} if route.strip else {}


def route_facts(service: ServiceSpec) -> dict[str, Any]:
    """What a person reads of the routes."""
    plain = [route.host for route in service.routes if not route.path and not route.redirect]
    shown: dict[str, Any] = {"hosts": plain or None}
    for route in service.routes:
        if route.redirect:
            shown[f"redirect.{route.host}"] = route.redirect
        elif route.path:
            shown[f"path.{route.host}{route.path}"] = "taken off" if route.strip else "kept"
    return shown
