"""`ports` of a Compose service: one becomes the route's, others are published or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stacks.compose.load import listed
from stacks.compose.values import Port
from stacks.compose.values import ports as parse_ports
from stacks.references import KINDS

if TYPE_CHECKING:
    from stacks.compose.convert import One

WEB_PORTS = (80, 8080, 3000, 8000, 5000, 8081, 9000, 4000, 5173, 1337)


def ports(one: One, key: str, value: Any) -> None:
    """The one that speaks HTTP becomes `port`; others are published, or left out."""
    found: list[tuple[str, Port]] = []
    for index, item in enumerate(listed(value)):
        path = f"{key}[{index}]"
        spread = parse_ports(item)
        if spread is None or any(port.protocol == "sctp" for port in spread):
            one.note(path, "refused", f"{item!r} is no port that can be used")
        else:
            found += [(path, port) for port in spread]
    web = web_port(one, [port for _, port in found])
    for path, port in found:
        if port == web:
            one.out["port"] = port.container
            one.note(path, "changed", f"port: {port.container}, reached by host name")
        elif port.container == 443 and port.protocol == "tcp" and web:
            one.note(path, "ignored", "TLS ends at Portwright's router")
        elif port.host is None:
            one.note(path, "ignored", "other services reach it by name")
        elif port.host < 1024:
            one.note(path, "ignored", "a port of the host below 1024 is Portwright's")
        else:
            publish(one, path, port)


def publish(one: One, path: str, port: Port) -> None:
    address = port.address if port.address in ("127.0.0.1", "0.0.0.0") else "127.0.0.1"
    made = {
        "host": port.host,
        "container": port.container,
        "protocol": port.protocol,
        "address": address,
    }
    if made not in one.out.setdefault("publish", []):
        one.out["publish"].append(made)
    same = port.address == address
    one.note(
        path,
        "kept" if same else "changed",
        "published" if same else "published on 127.0.0.1 only; give address: 0.0.0.0 for everybody",
    )


def web_port(one: One, found: list[Port]) -> Port | None:
    name = str(one.given.get("image", "")).partition("@")[0].rpartition("/")[2].partition(":")[0]
    candidates = [port for port in found if port.protocol == "tcp" and port.container != 443]
    if name in KINDS or not candidates:
        return None
    for wanted in WEB_PORTS:
        for port in candidates:
            if wanted in (port.container, port.host):
                return port
    return candidates[0] if len(candidates) == 1 else None
