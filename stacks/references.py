"""`${db.url}`: a variable that takes its value from another service, so that nobody writes it twice.

`$${` stands for `${`. A reference makes no order of start: two services may name one another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from stacks.fields import Rule
from stacks.service_file import SecretRef, Service

TOKEN = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
ATTRIBUTES = ("host", "port", "address", "url", "domain", "env.NAME")


@dataclass(frozen=True)
class SecretPart:
    """A secret's place in a text. quoted: written as in a URL (RFC 3986)."""

    secret: str
    quoted: bool = False


Parts = tuple[str | SecretPart, ...]


@dataclass(frozen=True)
class Kind:
    """What an image speaks: scheme and port of its URL, and the variables that say who and what."""

    scheme: str
    port: int
    user: str = ""
    default_user: str = ""
    password: str = ""
    database: str = ""


POSTGRES = Kind("postgresql", 5432, "POSTGRES_USER", "postgres", "POSTGRES_PASSWORD", "POSTGRES_DB")
MYSQL = Kind("mysql", 3306, "MYSQL_USER", "root", "MYSQL_PASSWORD", "MYSQL_DATABASE")
MARIADB = Kind("mysql", 3306, "MARIADB_USER", "root", "MARIADB_PASSWORD", "MARIADB_DATABASE")
MONGO = Kind("mongodb", 27017, "MONGO_INITDB_ROOT_USERNAME", "", "MONGO_INITDB_ROOT_PASSWORD")
RABBIT = Kind("amqp", 5672, "RABBITMQ_DEFAULT_USER", "guest", "RABBITMQ_DEFAULT_PASS")
REDIS = Kind("redis", 6379)
KINDS = {
    "postgres": POSTGRES, "postgis": POSTGRES, "timescaledb": POSTGRES, "pgvector": POSTGRES,
    "mysql": MYSQL, "mariadb": MARIADB, "mongo": MONGO, "rabbitmq": RABBIT,
    "redis": REDIS, "valkey": REDIS,
}  # fmt: skip


class References:
    """The variables of one environment's services, resolved on demand."""

    def __init__(
        self, services: Mapping[str, Service], domains: Mapping[str, str] | None = None
    ) -> None:
        """domains: service → its first host name, where that is known already."""
        self.services = services
        self.domains = domains or {}
        self.path: list[str] = []

    def variable(self, service: str, key: str) -> Parts:
        """The parts of a variable; raises Rule that names the path of a bad or circular one."""
        here = f"{service}.env.{key}"
        value = self.services[service].env[key]
        if here in self.path:
            circle = " → ".join([*self.path[self.path.index(here) :], here])
            raise Rule(f"variables go in a circle: {circle}", "write one of them out")
        self.path.append(here)
        parts = self.parts(value, f"services.{service}.env.{key}")
        self.path.pop()
        return parts

    def parts(self, value: SecretRef | str, path: str) -> Parts:
        if isinstance(value, SecretRef):
            return (SecretPart(value.secret),)
        found: list[str | SecretPart] = []
        end = 0
        for token in TOKEN.finditer(value):
            found.append(value[end : token.start()])
            if token[0] == "$${":
                found.append("${")
            else:
                found.extend(self.reference(token[0], token[1] or "", path))
            end = token.end()
        return joined((*found, value[end:]))

    def reference(self, text: str, inner: str, path: str) -> Parts:
        name, _, attribute = inner.partition(".")
        if not text.endswith("}") or not attribute:
            raise Rule(
                f"{path}: {text} is no reference",
                "write ${SERVICE.ATTRIBUTE}, or $${ for the characters themselves",
            )
        if name not in self.services:
            raise Rule(
                f"{path}: {text}: there is no service {name!r}",
                f"choose from {', '.join(sorted(self.services))}",
            )
        service = self.services[name]
        if attribute.startswith("env."):
            key = attribute.removeprefix("env.")
            if key not in service.env:
                known = ", ".join(sorted(service.env)) or "none"
                raise Rule(
                    f"{path}: {text}: {name} has no variable {key!r}", f"choose from {known}"
                )
            return self.variable(name, key)
        if attribute == "host":
            return (name,)
        if attribute == "port":
            return (str(self.port(name, text, path)),)
        if attribute == "address":
            return (f"{name}:{self.port(name, text, path)}",)
        if attribute == "url":
            return self.url(name, text, path)
        if attribute == "domain":
            return (self.domains.get(name) or f"{name}.localhost",)
        raise Rule(
            f"{path}: {text}: a service has no {attribute!r}",
            f"use one of {', '.join(ATTRIBUTES)}",
        )

    def port(self, name: str, text: str, path: str) -> int:
        service = self.services[name]
        kind = kind_of(service)
        port = service.port or (8080 if service.static else kind.port if kind else None)
        if port is None:
            raise Rule(f"{path}: {text}: {name} has no port", f"give services.{name}.port")
        return port

    def url(self, name: str, text: str, path: str) -> Parts:
        kind = kind_of(self.services[name])
        address = f"{name}:{self.port(name, text, path)}"
        if kind is None:
            return (f"http://{address}",)
        user = self.own(name, kind.user) or ((kind.default_user,) if kind.default_user else ())
        password = self.own(name, kind.password)
        if kind is MYSQL and user == ("root",):
            password = self.own(name, "MYSQL_ROOT_PASSWORD")
        database = self.own(name, kind.database) or (user if kind.scheme == "postgresql" else ())
        login: Parts = (*quoted(user), *((":", *quoted(password)) if password else ()))
        return joined(
            (
                f"{kind.scheme}://",
                *((*login, "@") if login else ()),
                address,
                *(("/", *quoted(database)) if database else ()),
            )
        )

    def own(self, name: str, key: str) -> Parts:
        return self.variable(name, key) if key in self.services[name].env else ()


def kind_of(service: Service) -> Kind | None:
    if service.image is None:
        return None
    name = service.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return KINDS.get(name)


def quoted(parts: Parts) -> Parts:
    return tuple(
        quote(part, safe="") if isinstance(part, str) else SecretPart(part.secret, quoted=True)
        for part in parts
    )


def joined(parts: Parts) -> Parts:
    """Neighbouring texts as one, empty ones gone."""
    found: list[str | SecretPart] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


def check_references(services: Mapping[str, Service]) -> None:
    """Raise Rule for the first variable that names what is not there, or itself."""
    references = References(services)
    for name, service in services.items():
        for key in service.env:
            references.variable(name, key)


def named_by(services: Mapping[str, Service], name: str) -> set[str]:
    """The services that a service's variables refer to."""
    return {
        (token[1] or "").partition(".")[0]
        for value in services[name].env.values()
        if isinstance(value, str)
        for token in TOKEN.finditer(value)
        if token[0] != "$${"
    } & set(services)
