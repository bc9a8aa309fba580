"""Traefik's labels of a service.

Names and priority rise with the generation, so that the newest healthy one wins and no
two containers ever give one router different values.
"""

from __future__ import annotations

import re
from typing import Any

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
    rule = " || ".join(host_rule(route) for route in plain)
    labels |= router_labels(router, router, rule, BASE_PRIORITY + service.generation)
    others = [route for route in service.routes if route.path or route.redirect]
    for index, route in enumerate(others, start=1):
        name = f"{router}_r{index}"
        priority = BASE_PRIORITY + service.generation + PATH_PRIORITY * len(route.path or "")
        labels |= router_labels(name, router, host_rule(route), priority)
        made = middleware(name, route)
        if made:
            labels |= made
            labels[f"traefik.http.routers.{name}.middlewares"] = name
    return [{"label": key, "value": labels[key]} for key in sorted(labels)]


def router_labels(name: str, service: str, rule: str, priority: int) -> dict[str, str]:
    return {
        f"traefik.http.routers.{name}.rule": rule,
        f"traefik.http.routers.{name}.entrypoints": "web",
        f"traefik.http.routers.{name}.priority": str(priority),
        f"traefik.http.routers.{name}.service": service,
    }


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
