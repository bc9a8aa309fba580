"""The doorbell: an RQ job that carries a Run's id. Losing one loses nothing; a worker also looks."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from jobs.requests import Doorbell

QUEUE = "runs"


def doorbell(redis_url: str) -> Doorbell:
    """A function that wakes a worker for one Run; an absent Redis is no error (the row stays)."""
    queue = Queue(QUEUE, connection=Redis.from_url(redis_url))

    def ring(run_id: int) -> None:
        try:
            queue.enqueue("jobs.execute.execute", run_id, job_timeout=-1, result_ttl=0)
        except RedisError:
            return

    return ring
