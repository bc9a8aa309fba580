"""Postgres as the platform's database: its own cluster, on a Unix socket only, with a password."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs.settings import Settings
from provision.daemons import Daemon
from provision.operations import CHECKOUT, daemon, text_file, unless
from provision.packages import packages
from provision.where import managed

SCRIPT = "/etc/portwright/postgres-init"
# Of the version that made the cluster: another one beside it does not open it.
SERVER = '"/usr/lib/postgresql/$(cat "$2/PG_VERSION")/bin/postgres"'


@deploy("postgres")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    if managed():
        if settings.database != "postgres":
            return
        text_file(
            name="no cluster of Debian's own",
            path="/etc/postgresql-common/createcluster.d/portwright.conf",
            text="# Portwright's: its cluster is made by itself.\ncreate_main_cluster = false\n",
        )
    packages(host.data.postgres_packages)
    if managed():
        text_file(
            name="the script that makes the cluster",
            path=SCRIPT,
            text=(CHECKOUT / "provision/postgres-init").read_text(),
            mode="755",
        )
    files.directory(name="cluster folder", path=f"{home}/postgres", user="postgres", mode="700")
    # The socket asks for the password; whoever may use it must be able to enter its folder.
    files.directory(name="socket folder", path=f"{home}/run/postgres", user="postgres", mode="711")
    script = SCRIPT if managed() else f"'{CHECKOUT}/provision/postgres-init'"
    unless(
        f"test -s {home}/postgres/PG_VERSION",
        f"{script} {home}/postgres {home}/keys/postgres-password",
        name="make the cluster, with the role and database portwright",
    )
    daemon(
        name="postgres",
        home=home,
        wanted=Daemon(
            "postgres",
            [
                "/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                "/bin/sh", "-c", f'exec {SERVER} "$@"', "postgres", "-D", f"{home}/postgres",
                "-c", "listen_addresses=", "-c", f"unix_socket_directories={home}/run/postgres",
            ],
            ready=f"{home}/run/postgres/.s.PGSQL.5432",
            # Its socket is there before it takes anybody, for long after a crash.
            check=["pg_isready", "--quiet", "--host", f"{home}/run/postgres"],
            stop_signal=2,
            grace=30,
        ),
    )  # fmt: skip
