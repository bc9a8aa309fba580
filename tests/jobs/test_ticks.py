"""What is due by time: cron times, missed and running ones, and which releases are watched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.apply import still_to_settle
from jobs.ticks import due, start_due
from stacks.world import moment

NOON = "2026-01-10T12:00:00.123456789Z"
NEVER = "0001-01-01T00:00:00Z"


@dataclass
class Job:
    """As much of a docker container as is looked at."""

    cron: str
    created: str = NOON
    started: str = NEVER
    running: bool = False
    name: str = "job"
    id: str = "1"
    starts: int = 0
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = {"portwright.cron": self.cron}

    @property
    def attrs(self) -> dict[str, Any]:
        return {
            "Created": self.created,
            "State": {"Running": self.running, "StartedAt": self.started},
        }

    def start(self) -> None:
        self.starts += 1


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-10T{text}+00:00")


@pytest.mark.parametrize(
    ("cron", "started", "when", "is_due"),
    [
        ("0 3 * * *", NEVER, "12:30:00", False),          # made after today's time
        ("*/10 * * * *", NEVER, "12:09:59", False),
        ("*/10 * * * *", NEVER, "12:10:00", True),
        ("*/10 * * * *", "2026-01-10T12:10:01Z", "12:15:00", False),
        ("*/10 * * * *", "2026-01-10T12:10:01Z", "12:20:00", True),
        ("*/10 * * * *", "2026-01-10T12:10:01Z", "18:03:00", True),  # many missed: one start
    ],
)  # fmt: skip
def test_when_a_job_is_due(cron: str, started: str, when: str, is_due: bool) -> None:
    assert due(Job(cron, started=started), at(when)) is is_due  # type: ignore[arg-type]


@dataclass
class Docker:
    jobs: list[Job]

    @property
    def containers(self) -> Docker:
        return self

    def list(self, **asked: Any) -> list[Job]:
        assert asked["filters"]["label"] == ["portwright.instance=pw", "portwright.cron"]
        return self.jobs


def test_what_still_runs_is_not_started_twice_and_a_bad_label_stops_nobody() -> None:
    running, broken, well = (
        Job("* * * * *", running=True, name="running"),
        Job("nonsense", name="broken"),
        Job("* * * * *", name="well"),
    )
    docker = Docker([running, broken, well])
    assert start_due(docker, "pw", at("13:00:00")) == ["well"]  # type: ignore[arg-type]
    assert (running.starts, broken.starts, well.starts) == (0, 0, 1)


def test_one_whose_volume_is_copied_waits() -> None:
    job = Job("* * * * *", name="nightly")
    assert start_due(Docker([job]), "pw", at("13:00:00"), {job.id}) == []  # type: ignore[arg-type]
    assert job.starts == 0


def test_moments_of_docker() -> None:
    assert moment(NOON) == datetime(2026, 1, 10, 12, tzinfo=UTC)
    assert moment(NEVER).year == moment("").year == 1


def test_what_was_watched_long_enough_is_not_watched_twice() -> None:
    young, old, other = Job("", started="2026-01-10T12:00:09Z"), Job("", started=NOON), Job("")
    for job, service in ((young, "web"), (old, "web"), (other, "db")):
        job.labels = {"portwright.service": service}
    at_ten = datetime(2026, 1, 10, 12, 0, 10, tzinfo=UTC)
    assert still_to_settle([old, other], {"web": 3.0}, at_ten) == 0  # type: ignore[list-item]
    assert still_to_settle([young, old], {"web": 3.0}, at_ten) == 2  # type: ignore[list-item]
