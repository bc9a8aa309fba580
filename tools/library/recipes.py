"""What each image of the library is made of, as data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stacks.docker.images import debian

OWNER = "portwright"
FILES = Path(__file__).parent / "files"
BASE_PACKAGES = ("ca-certificates",)
# Raise it when the same recipe would give another image.
VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """An image from Debian packages.

    commands: run by a shell after the packages are installed.
    files: path in the image -> content; scripts are executable.
    changes: instructions of a Dockerfile that only set metadata (`docker commit --change`).
    root: a folder that becomes the whole image; empty for the container as it is.
    """

    name: str
    tag: str
    packages: Sequence[str]
    commands: Sequence[str] = ()
    changes: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    stop_signal: str = ""
    suite: str = "trixie"

    @property
    def repository(self) -> str:
        return f"{OWNER}/{self.name}"

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def key(self) -> str:
        """A hash of everything that the image is made of."""
        base = debian.key(self.suite, BASE_PACKAGES)
        content = f"{VERSION} {base} {sorted(asdict(self).items())!r}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]


# As in the official image, pip installs beside Debian's own packages.
PYTHON = Recipe(
    "python",
    "3.13",
    packages=["python3", "python3-pip", "python3-psycopg2", "python3-venv"],
    commands=[
        "ln -s /usr/bin/python3 /usr/local/bin/python",
        "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
    ],
    changes=["ENV PYTHONUNBUFFERED=1", 'CMD ["python3"]'],
)
# The variables, the data folder and the first start are those of the official image.
POSTGRES = Recipe(
    "postgres",
    "17",
    packages=["postgresql-17"],
    commands=[
        "rm -rf /var/lib/postgresql/17",
        "mkdir -p /var/lib/postgresql/data /var/run/postgresql",
        "chown postgres:postgres /var/lib/postgresql/data /var/run/postgresql",
    ],
    files={"/usr/local/bin/entrypoint": (FILES / "postgres-entrypoint").read_text()},
    changes=[
        "ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ENV PGDATA=/var/lib/postgresql/data",
        "ENV LANG=C.UTF-8",
        'ENTRYPOINT ["entrypoint"]',
        'CMD ["postgres"]',
    ],
    stop_signal="SIGINT",
)
REDIS = Recipe(
    "redis",
    "8.0",
    packages=["redis-server"],
    commands=["mkdir -p /data", "chown redis:redis /data"],
    changes=[
        "WORKDIR /data",
        "USER redis",
        'CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", "/data"]',
    ],
)
# Its user and nginx's are those of the official images.
NODE = Recipe(
    "node",
    "20",
    packages=["nodejs", "npm"],
    commands=["useradd --uid 1000 --create-home node"],
    changes=['CMD ["node"]'],
)
NGINX = Recipe(
    "nginx",
    "1.26",
    packages=["nginx-light"],
    commands=[
        "rm -f /etc/nginx/sites-enabled/default",
        "useradd --system --no-create-home nginx",
    ],
    changes=["EXPOSE 80", 'CMD ["nginx", "-g", "daemon off;"]'],
)
# Nothing but one static program and its names: for tests that need a small image.
BUSYBOX = Recipe(
    "busybox",
    "1.37",
    packages=["busybox-static"],
    commands=[
        "mkdir -p /image/bin /image/etc /image/root /image/var/www",
        "mkdir -m 1777 /image/tmp",
        "cp /usr/bin/busybox /image/bin/busybox",
        'for name in $(/image/bin/busybox --list); do ln -s busybox "/image/bin/$name" || true; done',
        "grep -E '^(root|nobody):' /etc/passwd >/image/etc/passwd",
        "grep -E '^(root|nogroup):' /etc/group >/image/etc/group",
    ],
    root="/image",
    changes=[
        "ENV PATH=/bin",
        'CMD ["sh"]',
    ],
)
RECIPES = {each.name: each for each in (BUSYBOX, NGINX, NODE, POSTGRES, PYTHON, REDIS)}
