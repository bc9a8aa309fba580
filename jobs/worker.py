"""The worker's process: `python -m jobs.worker`. Buries what a dead worker held, then waits for rings."""

from __future__ import annotations

import logging

from redis import Redis
from rq import Queue, Worker

import jobs.execute as execution
from jobs.database import create_tables, open_engine, session_factory
from jobs.doorbell import QUEUE
from jobs.repair import bury_dead_runs
from jobs.settings import Settings


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    settings = Settings.from_environ()
    engine = open_engine(settings.database_url)
    create_tables(engine)
    engine.dispose()
    sessions = session_factory(settings.database_url)
    with sessions() as session:
        for run_id in bury_dead_runs(session, settings):
            print(f"run {run_id} was left by a dead worker; it is ended", flush=True)
    connection = Redis.from_url(settings.redis_url)
    execution.ring_next(sessions, settings)
    sessions.kw["bind"].dispose()
    Worker([Queue(QUEUE, connection=connection)], connection=connection).work(
        logging_level="WARNING"
    )


if __name__ == "__main__":
    main()
