"""The worker's process: `python -m jobs.worker`. Waits for rings, and looks by itself as well.

It forks for each job. Nothing here may run the engine: gRPC, once used, does not survive a fork.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from sqlalchemy.orm import Session

import jobs.execute  # noqa: F401 - read before each fork rather than after it
from jobs.claims import waiting
from jobs.database import create_tables, open_engine, session_factory
from jobs.doorbell import QUEUE
from jobs.repair import dead_runs
from jobs.settings import Settings
from jobs.ticks import Ticks
from stacks.engine import pulumi_command

LOOK_EVERY = 10
# RQ waits for its lifetime less 15 s at a stretch.
LIFETIME = LOOK_EVERY + 15


class LookingWorker(Worker):
    """An RQ worker that every few seconds looks for Runs that wait unrung, or whose worker
    died, and does what is due by time, while a job runs too."""

    ticks: Ticks

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        with self.looking() as session:
            todo = bool(dead_runs(session)) or bool(waiting(session))
            self.ticks(session)
        if todo and not self.queues[0].job_ids:
            self.queues[0].enqueue("jobs.execute.recover", result_ttl=0, job_timeout=3600)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        super().maintain_heartbeats(job, execution)
        with self.looking() as session:
            self.ticks(session)

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """A session that leaves no connection open: one must not go through a fork."""
        sessions = session_factory(Settings.from_environ().database_url)
        try:
            with sessions() as session:
                yield session
        finally:
            sessions.kw["bind"].dispose()


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = Settings.from_environ()
    engine = open_engine(settings.database_url)
    create_tables(engine)
    engine.dispose()
    connection = Redis.from_url(settings.redis_url)
    try:
        connection.ping()
    except RedisError as error:
        raise SystemExit(
            f"Redis does not answer: {error}. Run ./quickstart, which starts it."
        ) from None
    # Asks the engine for its version now, rather than in each fork.
    pulumi_command(str(settings.home))
    worker = LookingWorker(
        [Queue(QUEUE, connection=connection)],
        connection=connection,
        worker_ttl=LIFETIME,
        maintenance_interval=LOOK_EVERY,
        job_monitoring_interval=LOOK_EVERY,
    )
    worker.ticks = Ticks(settings)
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
