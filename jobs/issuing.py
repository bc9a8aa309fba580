"""An ACME server's refusal in words: what is wrong and what to do (RFC 8555, section 6.7)."""

from __future__ import annotations

import re

from jobs.terminal import clean

# `acme: error: 400 :: urn:ietf:params:acme:error:connection :: detail`, as lego writes it.
PROBLEM = re.compile(r"urn:ietf:params:acme:error:([A-Za-z]+)(?: :: (.*))?", re.S)
LONGEST = 300

REMEDIES = {
    "dns": "give the name an A (or AAAA) record with this host's address; a record for DNS-01 must "
    "be visible on every name server of the zone",
    "connection": "let the world reach this host at the name: its record points here, and no "
    "firewall closes port 80 (HTTP-01) or 443 (TLS-ALPN-01)",
    "unauthorized": "another server answered in this host's place: correct the name's record, and "
    "take away a proxy or an old AAAA record before it",
    "incorrectResponse": "another server answered in this host's place: correct the name's record, "
    "and take away a proxy or an old AAAA record before it",
    "tls": "let port 443 of this name reach Traefik itself, without another TLS server before it",
    "rateLimited": "wait until the time that the cause names; every further attempt counts",
    "rejectedIdentifier": "this issuer gives no certificate for the name: use another name, or "
    "another PORTWRIGHT_ACME_SERVER",
    "caa": "add the issuer to the name's CAA record, or take the record away",
    "invalidContact": "correct PORTWRIGHT_ACME_EMAIL",
    "malformed": "see Traefik's log on the host, log/traefik.json.log",
    "serverInternal": "nothing is wrong here: it is tried again by itself",
    "unreachable": "let this host reach the ACME server (PORTWRIGHT_ACME_SERVER); for a private one "
    "give PORTWRIGHT_ACME_CA",
    "credentials": "put the DNS provider's variables as files into keys/acme-dns on the host, then "
    "run ./quickstart",
}
OTHER = "see Traefik's log on the host, log/traefik.json.log; it is tried again by itself"
LOCAL = (
    ("unreachable", re.compile(r"cannot get ACME client.*(dial tcp|x509|tls:|EOF|timeout)", re.S)),
    ("credentials", re.compile(r"credentials|cannot get ACME client.*some", re.S)),
    ("dns", re.compile(r"time limit exceeded|propagation|NXDOMAIN|could not find zone", re.I)),
)


def told(error: str) -> tuple[str, str, str]:
    """(problem, cause, remedy) of an error as Traefik logs it."""
    found = PROBLEM.search(error)
    if found:
        problem, detail = found[1], found[2] or found[1]
        return problem, plain(detail), REMEDIES.get(problem, OTHER)
    for problem, pattern in LOCAL:
        if pattern.search(error):
            return problem, plain(error), REMEDIES[problem]
    return "", plain(error), OTHER


def plain(text: str) -> str:
    """One line of at most 300 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
