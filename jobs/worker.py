"""The worker: `python -m jobs.worker`. One process that looks, and a pool that works.

The pool's processes are RQ's workers, which wait for rings and fork for each job. The looking
one finds by itself what no ring told: Runs that wait, Runs whose worker died, what is due by
time. Where Redis is away, it begins the waiting Runs itself. Nothing here may run the
engine: gRPC, once used, does not survive a fork.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from functools import partial
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker

from jobs import ballast, errands, execute, lease, reaper
from jobs.backup import asked
from jobs.claims import claimable
from jobs.database import create_tables, open_engine, session_factory
from jobs.doorbell import QUEUE, doorbell
from jobs.guard import stopping_file
from jobs.hosts import tunnel, turns
from jobs.pool import Pool
from jobs.settings import Settings
from jobs.ticks import Ticks
from stacks.engine import pulumi_command
from stacks.errors import explained

STEP = 0.2
LOOK_EVERY = 2.0
# The portal answers before the engine works: where both want the processor, deploys wait.
NICE = 5
log = logging.getLogger(__name__)


class Looker:
    """What the looking process does at each turn. Never raises."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings.workers, lambda: work(settings))
        self.ticks = Ticks(settings)
        self.redis = Redis.from_url(settings.redis_url, socket_timeout=2)
        self.redis_was_there = True
        self.looked = 0.0
        self.stopping = False

    def turn(self) -> None:
        self.pool.reap()
        if self.stopping:
            return
        self.pool.fill()
        if time.monotonic() - self.looked < LOOK_EVERY:
            return
        try:
            self.look()
        except Exception:
            log.exception("the worker could not look; it tries again")
        self.looked = time.monotonic()

    def look(self) -> None:
        """Leaves no connection open: one must not go through a fork."""
        ballast.keep(self.settings)
        sessions = session_factory(self.settings.database_url)
        try:
            with sessions() as session:
                dead = [run.id for run in lease.abandoned(session)]
                reaper.free_orphaned_leases(session)
                self.ticks(session)
                backups = asked.due(session, self.settings)
                waiting = len(claimable(session, self.settings))
                errand = errands.due(session, self.settings)
                hosts = turns.due(session)
        finally:
            sessions.kw["bind"].dispose()
        for run_id in dead:
            self.pool.once(f"recover {run_id}", partial(reaper.recover, run_id))
        for what in backups:
            self.pool.once(what, partial(asked.work, what))
        if errand:
            self.pool.once("errands", partial(errands.run, self.settings))
        for name in hosts:
            self.pool.once(f"host {name}", partial(turns.turn, name))
        self.wake(waiting)

    def wake(self, waiting: int) -> None:
        try:
            self.redis.ping()
        except RedisError:
            self.redis_was_there = False
            for number in range(min(waiting, self.settings.workers)):
                self.pool.once(f"without redis {number}", execute.execute)
            return
        if not self.redis_was_there:
            # RQ's workers wait up to a minute before they ask Redis again; new ones do at once.
            self.redis_was_there = True
            self.pool.signal(signal.SIGTERM)
        if waiting and not Queue(QUEUE, connection=self.redis).count:
            ring = doorbell(self.settings.redis_url)
            for _ in range(waiting):
                ring(0)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Runs that apply nothing yet are handed back to the queue, others are let finish."""
        self.stopping = True
        stopping_file(self.settings).touch()
        self.pool.signal(signal.SIGTERM)


def work(settings: Settings) -> None:
    """One of the pool: RQ's worker, until it is told to stop or Redis is lost."""
    connection = Redis.from_url(settings.redis_url)
    try:
        connection.ping()
    except RedisError:
        time.sleep(LOOK_EVERY)
        return
    Worker([Queue(QUEUE, connection=connection)], connection=connection).work(
        logging_level="WARNING"
    )


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    os.nice(NICE)
    settings = Settings.from_environ()
    engine = open_engine(settings.database_url)
    create_tables(engine)
    engine.dispose()
    try:
        Redis.from_url(settings.redis_url).ping()
    except RedisError as error:
        log.warning("Redis does not answer: %s. Runs are begun without it.", error)
    stopping_file(settings).unlink(missing_ok=True)
    # Asks the engine for its version now, rather than in each fork.
    pulumi_command(str(settings.home))
    looker = Looker(settings)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, looker.stop)
    gc.collect()
    gc.freeze()  # what is there by now is shared with all forks
    while not looker.stopping or len(looker.pool):
        looker.turn()
        time.sleep(STEP)
    tunnel.close_all(settings.home)
    stopping_file(settings).unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    with explained():
        main()
