"""Every setting of a host, read once from the environment. docs/architecture.md lists them."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stacks.errors import PortwrightError

PREFIX = "PORTWRIGHT_"
DEFAULT_CACHE = Path("~/.cache/portwright").expanduser()
INSTANCE = re.compile(r"[a-z][a-z0-9]{0,15}")
# A folder, or a bucket and a folder in it: what restic takes, without a name or password in it.
REPOSITORY = re.compile(
    r"(?!.*\.\.)(/[A-Za-z0-9._/@+-]+|s3:https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)+)"
)
HOST = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
EMAIL = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}"
DIRECTORY = r"https://[A-Za-z0-9._:\[\]-]{1,260}(/[A-Za-z0-9._~/-]{0,200})?"
# A token goes there: over http to this machine only.
DNS_API = r"(https://[A-Za-z0-9.-]{1,250}|http://127\.0\.0\.1)(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*"
ADDRESSES = r"([0-9A-Fa-f.:\[\]]{1,50}(,[0-9A-Fa-f.:\[\]]{1,50}){0,4})?"
MIRROR = re.compile(r"mirror:[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9._/-]+)?")


@dataclass(frozen=True)
class Settings:
    """Where this host's Portwright lives and listens."""

    home: Path = Path("/var/lib/portwright")
    cache: Path = DEFAULT_CACHE
    instance: str = "pw"
    bind: str = "127.0.0.1"
    portal_port: int = 8700
    http_port: int = 8080
    traefik_port: int = 8701
    database: str = "sqlite"
    install: str = "auto"
    images: str = "auto"
    library_port: int = 8703
    sample: str = "yes"
    drift_minutes: int = 10
    workers: int = 3
    builds: int = 1
    builds_per_project: int = 2
    build_cpus: float = 0
    build_memory_mb: int = 0
    build_cache_mb: int = 5120
    build_seconds: int = 1800
    apply_seconds: int = 1200
    min_disk_mb: int = 512
    min_memory_mb: int = 128
    log_days: int = 30
    log_runs: int = 200
    backup: str = ""
    backup_hours: int = 24
    backup_volumes: str = "no"
    previews: int = 20
    url: str = ""
    repository_mb: int = 1024
    allowed_hosts: str = ""
    https_port: int = 0
    rehearsal_port: int = 8702
    domain: str = "localhost"
    addresses: str = ""
    dns_api: str = "https://api.cloudflare.com/client/v4"
    hsts_days: int = 0
    acme_server: str = "production"
    acme_staging: str = "auto"
    acme_challenge: str = "http"
    acme_email: str = ""
    acme_dns: str = ""
    acme_dns_servers: str = ""
    acme_ca: str = ""
    acme_hours: int = 2160
    build_cache_days: int = 7

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read PORTWRIGHT_* variables; raises PortwrightError that names a bad one."""
        given = os.environ if environ is None else environ

        def text(name: str, default: str, pattern: str, remedy: str) -> str:
            value = given.get(PREFIX + name, default)
            if not re.fullmatch(pattern, value):
                raise PortwrightError(f"{value!r} can't be used", remedy=remedy, path=PREFIX + name)
            return value

        def port(name: str, default: int) -> int:
            value = text(name, str(default), r"[0-9]{1,5}", "give a port from 1 to 65535")
            if not 0 < int(value) < 65536:
                raise PortwrightError(
                    f"{value} is no port", remedy="give a port from 1 to 65535", path=PREFIX + name
                )
            return int(value)

        def number(name: str, default: int, most: int, least: int = 0) -> int:
            remedy = f"give a number from {least} to {most}"
            value = int(text(name, str(default), r"[0-9]{1,6}", remedy))
            if not least <= value <= most:
                raise PortwrightError(f"{value} can't be used", remedy=remedy, path=PREFIX + name)
            return value

        def addresses(name: str, default: str) -> str:
            remedy = "give addresses with commas between them"
            value = text(name, default, r"[0-9A-Fa-f.:,]{0,250}", remedy)
            for each in filter(None, value.split(",")):
                try:
                    ipaddress.ip_address(each)
                except ValueError:
                    raise PortwrightError(
                        f"{each!r} is no address", remedy=remedy, path=PREFIX + name
                    ) from None
            return value

        return cls(
            home=Path(given.get(PREFIX + "HOME") or cls.home).expanduser().absolute(),
            cache=Path(given.get(PREFIX + "CACHE") or cls.cache).expanduser().absolute(),
            instance=text(
                "INSTANCE", cls.instance, INSTANCE.pattern, "use 1 to 16 of a-z0-9, a letter first"
            ),
            bind=text("BIND", cls.bind, r"[0-9a-fA-F.:]+", "give an IP address"),
            portal_port=port("PORTAL_PORT", cls.portal_port),
            http_port=port("HTTP_PORT", cls.http_port),
            traefik_port=port("TRAEFIK_PORT", cls.traefik_port),
            database=text("DATABASE", cls.database, "sqlite|postgres", "use sqlite or postgres"),
            install=text(
                "INSTALL", cls.install, "auto|release|build", "use auto, release or build"
            ),
            images=text(
                "IMAGES",
                cls.images,
                f"auto|registry|{MIRROR.pattern}",
                "use auto, registry or mirror:HOST[:PORT][/PREFIX]",
            ),
            library_port=number("LIBRARY_PORT", cls.library_port, 65_535),
            sample=text("SAMPLE", cls.sample, "yes|no", "use yes or no"),
            drift_minutes=number("DRIFT_MINUTES", cls.drift_minutes, 10_080),
            workers=number("WORKERS", cls.workers, 32, least=1),
            builds=number("BUILDS", cls.builds, 32, least=1),
            builds_per_project=number("BUILDS_PER_PROJECT", cls.builds_per_project, 32, least=1),
            build_cpus=float(
                text(
                    "BUILD_CPUS",
                    str(cls.build_cpus),
                    r"[0-9]{1,3}(\.[0-9]{1,2})?",
                    "give a number of cores such as 1.5, or 0 for three quarters of the host's",
                )
            ),
            build_memory_mb=number("BUILD_MEMORY_MB", cls.build_memory_mb, 999_999),
            build_cache_mb=number("BUILD_CACHE_MB", cls.build_cache_mb, 999_999, least=100),
            build_seconds=number("BUILD_SECONDS", cls.build_seconds, 86_400, least=1),
            apply_seconds=number("APPLY_SECONDS", cls.apply_seconds, 86_400, least=1),
            min_disk_mb=number("MIN_DISK_MB", cls.min_disk_mb, 999_999),
            log_days=number("LOG_DAYS", cls.log_days, 3650, least=1),
            log_runs=number("LOG_RUNS", cls.log_runs, 100_000, least=1),
            repository_mb=number("REPOSITORY_MB", cls.repository_mb, 102_400, least=1),
            allowed_hosts=text(
                "ALLOWED_HOSTS",
                cls.allowed_hosts,
                r"([A-Za-z0-9.:/_-]+(,[A-Za-z0-9.:/_-]+)*)?",
                "give hosts, addresses or networks with commas between them",
            ),
            url=text(
                "URL",
                cls.url,
                f"(https?://{HOST}(:[0-9]{{1,5}})?)?",
                "give the address of the portal, such as https://portwright.example.com",
            ),
            previews=number("PREVIEWS", cls.previews, 200),
            build_cache_days=number("BUILD_CACHE_DAYS", cls.build_cache_days, 3650),
            min_memory_mb=number("MIN_MEMORY_MB", cls.min_memory_mb, 999_999),
            backup=text(
                "BACKUP",
                cls.backup,
                f"({REPOSITORY.pattern})?",
                "give an absolute path, or s3:https://HOST/BUCKET",
            ),
            backup_hours=number("BACKUP_HOURS", cls.backup_hours, 8760),
            backup_volumes=text("BACKUP_VOLUMES", cls.backup_volumes, "yes|no", "use yes or no"),
            https_port=number("HTTPS_PORT", cls.https_port, 65_535),
            rehearsal_port=port("REHEARSAL_PORT", cls.rehearsal_port),
            domain=text("DOMAIN", cls.domain, HOST, "give a name such as apps.example.com"),
            addresses=addresses("ADDRESSES", cls.addresses),
            dns_api=text(
                "DNS_API", cls.dns_api, DNS_API, "give the https:// address of Cloudflare's API"
            ),
            hsts_days=number("HSTS_DAYS", cls.hsts_days, 730),
            acme_server=text(
                "ACME_SERVER",
                cls.acme_server,
                f"production|staging|{DIRECTORY}",
                "use production, staging or an ACME directory's https:// URL",
            ),
            acme_staging=text(
                "ACME_STAGING",
                cls.acme_staging,
                f"auto|none|{DIRECTORY}",
                "use auto, none or an ACME directory's https:// URL",
            ),
            acme_challenge=text(
                "ACME_CHALLENGE", cls.acme_challenge, "http|tls|dns", "use http, tls or dns"
            ),
            acme_email=text(
                "ACME_EMAIL", cls.acme_email, f"({EMAIL})?", "give an address, or nothing"
            ),
            acme_dns=text(
                "ACME_DNS",
                cls.acme_dns,
                "[a-z0-9]{2,30}"
                if given.get(PREFIX + "ACME_CHALLENGE") == "dns"
                else "[a-z0-9]{0,30}",
                "give the code of a DNS provider, such as cloudflare (go-acme.github.io/lego/dns)",
            ),
            acme_dns_servers=text(
                "ACME_DNS_SERVERS",
                cls.acme_dns_servers,
                ADDRESSES,
                "give ADDRESS:PORT, ADDRESS:PORT",
            ),
            acme_ca=text(
                "ACME_CA", cls.acme_ca, r"(/[A-Za-z0-9._/@+-]{1,200})?", "give an absolute path"
            ),
            acme_hours=number("ACME_HOURS", cls.acme_hours, 17_520, least=1),
        )

    def key(self, name: str) -> str:
        """The text of a key file; raises PortwrightError where it was not made."""
        try:
            return (self.home / "keys" / name).read_text().strip()
        except FileNotFoundError:
            raise PortwrightError(
                f"no key {name!r} in {self.home / 'keys'}",
                remedy="run ./quickstart, which makes it",
            ) from None

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL."""
        if self.database == "postgres":
            return f"postgresql+psycopg://portwright:{self.key('postgres-password')}@/portwright?host={self.home / 'run/postgres'}"
        return f"sqlite:///{self.home / 'portwright.db'}"

    @property
    def backend_url(self) -> str:
        """Pulumi's self-managed backend; it goes where the database goes."""
        if self.database == "postgres":
            return f"postgres://portwright:{self.key('postgres-password')}@/portwright?host={self.home / 'run/postgres'}&sslmode=disable"
        return f"file://{self.home / 'state'}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.home / 'run' / 'redis.sock'}"

    @property
    def allowed(self) -> tuple[str, ...]:
        """Where repositories and forges may be besides public addresses."""
        return tuple(filter(None, self.allowed_hosts.split(",")))

    @property
    def library(self) -> str:
        """HOST:PORT of the registry with the images `portwright/NAME`, empty if there is none."""
        return f"127.0.0.1:{self.library_port}" if self.library_port else ""

    @property
    def portal_url(self) -> str:
        """As people and forges reach the portal."""
        return self.url or f"http://localhost:{self.portal_port}"

    def run_log(self, run: int) -> Path:
        return self.home / "runs" / f"{run}.log"
