"""A frozen Spec, read for display. Tolerates what an older or younger Spec lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs.front import Front


@dataclass(frozen=True)
class Service:
    """A service of a Spec as pages and the API show it."""

    name: str
    image: str
    generation: int | None
    replicas: int
    urls: tuple[str, ...]
    volumes: tuple[str, ...]
    cron: str | None = None
    published: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "image": self.image,
            "generation": self.generation,
            "replicas": self.replicas,
            "urls": list(self.urls),
            "volumes": list(self.volumes),
            "cron": self.cron,
            "published": list(self.published),
        }


def services_of(spec: dict[str, Any] | None, front: Front) -> list[Service]:
    """front: of the machine that it is placed on."""
    found = []
    for name, service in sorted(((spec or {}).get("services") or {}).items()):
        routes = service.get("routes") or []
        found.append(
            Service(
                name=name,
                image=str(service.get("image_ref") or service.get("image") or ""),
                generation=service.get("generation"),
                replicas=service.get("replicas") or 1,
                urls=tuple(
                    front.url(route["host"], route.get("path") or "")
                    for route in routes
                    if not route.get("redirect")
                ),
                cron=service.get("cron"),
                published=tuple(
                    f"{each['address']}:{each['host']} → {each['container']}/{each['protocol']}"
                    for each in service.get("publish") or []
                ),
                volumes=tuple(sorted(service.get("volumes") or {})),
            )
        )
    return found


def volumes_of(spec: dict[str, Any] | None) -> list[str]:
    """Names by which a destroy is told of volumes: `service-volume`, as two may share a name."""
    services = sorted(((spec or {}).get("services") or {}).items())
    return [
        f"{name}_{volume}"
        for name, each in services
        for volume in sorted(each.get("volumes") or {})
    ]
