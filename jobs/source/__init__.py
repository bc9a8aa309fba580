"""The repository of a project: a mirror kept here, and a checkout of one commit for one Run.

A repository is a stranger's, and so is the server that sends it. Nothing that comes from
either is run, configures git, chooses an address or a transport, or is written outside
of the checkout: docs/decisions/0012-reading-repositories.md.
"""

from jobs.source.access import Access, Resolve, unguarded
from jobs.source.checkout import Checkout, checkout
from jobs.source.keys import HostKey, generate_key, scan_host_key
from jobs.source.mirror import prune
from jobs.source.probe import Tested, heads, test

__all__ = [
    "Access",
    "Checkout",
    "HostKey",
    "Resolve",
    "Tested",
    "checkout",
    "generate_key",
    "heads",
    "prune",
    "scan_host_key",
    "test",
    "unguarded",
]
