"""The way to a guarded address, with TLS as for the name; and in words why there was none."""

from __future__ import annotations

import ssl
from functools import cache

import httpx

from forges.addresses import Guard
from forges.errors import Unreachable
from stacks.errors import PortwrightError


class GuardedTransport(httpx.HTTPTransport):
    """Connects to the address that the guard gives; certificate, SNI and Host stay the name's.

    No connection is used twice: one that was made for a name must not serve another name at
    the same address. https://www.python-httpx.org/advanced/extensions/#sni_hostname
    """

    def __init__(self, guard: Guard, verify: ssl.SSLContext) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        super().__init__(verify=verify, trust_env=False, limits=limits)
        self.guard = guard

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        host = url.raw_host.decode("ascii")
        address = self.guard.resolve(host, url.port or (443 if url.scheme == "https" else 80))
        if url.scheme == "http" and not self.guard.owned(host, address):
            raise PortwrightError(
                "http is for hosts that this server's owner permits only",
                remedy="use https",
                path="address",
            )
        request.url = url.copy_with(host=address)
        request.extensions = {**request.extensions, "sni_hostname": host.strip("[]")}
        return super().handle_request(request)


@cache
def trusted() -> ssl.SSLContext:
    """Certificates of this system's and Mozilla's authorities, read once (0.2 s)."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def unreachable(host: str, error: Exception) -> Unreachable:
    """In words, by what lies under the library's error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the certificate of {host} is not trusted: {cause.verify_message}",
                remedy="give the forge a certificate for that name from an authority that this server trusts",
                path="address",
            )
        if isinstance(cause, ssl.SSLError):
            return Unreachable(
                f"{host} does not speak TLS as it should",
                remedy="check the port, and https or http, of the address",
                path="address",
            )
        cause = cause.__cause__ or cause.__context__
    problem = "takes too long" if isinstance(error, httpx.TimeoutException) else "can't be reached"
    return Unreachable(
        f"{host} {problem}",
        remedy="check the address, and that this server may connect to it",
        path="address",
    )
