"""A Postgres of its own that holds a dump: a dump is only known to be good once it was loaded."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine

from jobs.backup.database import postgres
from stacks.errors import PortwrightError

AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
LOCAL = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8"]


@contextmanager
def scratch_postgres(dump: Path) -> Iterator[Engine]:
    """An engine on a new cluster with the dump in it. Raises PortwrightError where it can't be loaded."""
    # The user postgres must be able to pass through to it.
    folder = Path(tempfile.mkdtemp(prefix="portwright-postgres-"))
    folder.chmod(0o711)
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    shutil.chown(cluster, "postgres", "postgres")
    url = URL.create(
        "postgresql+psycopg", "portwright", database="portwright", query={"host": str(cluster)}
    )
    listen = f"-c listen_addresses='' -c unix_socket_directories='{cluster}' -c fsync=off"
    try:
        server("initdb", "-D", str(cluster), "-U", "portwright", *LOCAL)
        server(
            "pg_ctl", "-D", str(cluster), "-w", "-l", str(cluster / "log"), "-o", listen, "start"
        )
        postgres(url, ["createdb", "portwright"])
        postgres(
            url, ["pg_restore", "--no-owner", "--exit-on-error", "--dbname=portwright", str(dump)]
        )
        engine = create_engine(url)
        yield engine
        engine.dispose()
    finally:
        if (cluster / "postmaster.pid").exists():
            server("pg_ctl", "-D", str(cluster), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def server(name: str, *argv: str) -> None:
    """One of the server's own commands, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        raise PortwrightError(
            "Postgres is not installed", remedy="apt-get install postgresql", path="database"
        )
    done = subprocess.run(
        [*AS_POSTGRES, str(found[-1]), *argv], cwd="/", capture_output=True, text=True
    )
    if done.returncode:
        raise PortwrightError(
            f"{name}: {done.stderr.strip()[-300:]}", remedy="correct what it says", path="database"
        )
