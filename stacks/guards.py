"""Who may look at a route: a guard as text in the Spec, and as Traefik's labels."""

from __future__ import annotations

import hashlib

import bcrypt

COST = 10
PASSWORD, MEMBERS = "password:", "members:"


def password(user: str, value: str, salt: str) -> str:
    """A guard for who knows the password. The same three give the same text: a Spec that is made
    again is the same. bcrypt reads 72 bytes; a longer password counts by its hash."""
    raw = value.encode()
    if len(raw) > 72:
        raw = hashlib.sha256(raw).hexdigest().encode()
    seed = hashlib.sha256(f"{salt}:{user}".encode()).digest()[:16]
    return f"{PASSWORD}{user}:{bcrypt.hashpw(raw, salted(seed)).decode()}"


def salted(seed: bytes) -> bytes:
    """bcrypt's own alphabet of base64, 22 characters for 16 bytes; the last holds two bits."""
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    bits = "".join(f"{byte:08b}" for byte in seed).ljust(132, "0")
    text = "".join(alphabet[int(bits[at : at + 6], 2)] for at in range(0, 132, 6))
    return f"$2b${COST:02}${text}".encode()


def members(address: str) -> str:
    """A guard that asks an address about each request (Traefik's forwardAuth)."""
    return MEMBERS + address


def guard_labels(name: str, guard: str) -> dict[str, str]:
    """The middleware of a router."""
    label = f"traefik.http.middlewares.{name}_guard"
    if guard.startswith(PASSWORD):
        return {
            f"{label}.basicauth.users": guard.removeprefix(PASSWORD),
            f"{label}.basicauth.removeheader": "true",
            f"{label}.basicauth.realm": "preview",
        }
    return {f"{label}.forwardauth.address": guard.removeprefix(MEMBERS)}
