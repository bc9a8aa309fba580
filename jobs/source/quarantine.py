"""The only configuration and environment that git sees here. Neither the system's, nor a
user's, nor a repository's is read."""

from __future__ import annotations

import os

from stacks.processes import MARK

# Of the checks on what is fetched, those that old and harmless repositories fail.
HARMLESS = (
    "badTimezone", "emptyName", "missingEmail", "missingNameBeforeEmail",
    "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "zeroPaddedDate", "zeroPaddedFilemode",
)  # fmt: skip
# protectHFS, protectNTFS: names that another system takes for `.git` (CVE-2014-9390).
# fsckObjects: no such name, and no option as a submodule's URL, gets into a mirror.
# bigFileThreshold: larger files go through in pieces, not through memory.
# unpackLimit: a pack is there as a whole or not at all, however git ends.
CONFIG = f"""\
[core]
  hooksPath = /dev/null
  attributesFile = /dev/null
  fsmonitor = false
  protectHFS = true
  protectNTFS = true
  bigFileThreshold = 32m
  packedGitWindowSize = 16m
  packedGitLimit = 256m
[init]
  templateDir =
  defaultBranch = main
[safe]
  directory = *
[fetch]
  fsckObjects = true
  unpackLimit = 1
  recurseSubmodules = false
[fetch "fsck"]
  {"".join(f"{name} = ignore{chr(10)}  " for name in HARMLESS)}
[gc]
  auto = 0
  packRefs = false
[maintenance]
  auto = false
[submodule]
  recurse = false
[credential]
  helper =
[http]
  followRedirects = false
  proxy =
  lowSpeedLimit = 1000
  lowSpeedTime = 60
"""
# The highest place for attributes, gitattributes(5): what a repository's own ask for
# (filters, another encoding or line ends, expanded keywords) does not happen.
ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding\n"


def environment(config: str, protocol: str = "none") -> dict[str, str]:
    """config: path of a file that begins with CONFIG. protocol: the one transport allowed."""
    kept = {name: os.environ[name] for name in ("PATH", MARK) if name in os.environ}
    return kept | {
        "HOME": "/nonexistent",
        "XDG_CONFIG_HOME": "/nonexistent",
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": config,
        "GIT_CONFIG_COUNT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_SSH_VARIANT": "ssh",
        "GIT_SSH_COMMAND": "false",
    }
