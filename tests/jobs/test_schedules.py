"""What is due again and again: missed work is done once; and whose logs go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from rows import add_release, add_run
from sqlalchemy.orm import Session, sessionmaker

from jobs import monitor
from jobs.cleanup import prune_logs
from jobs.models import Environment, Event, Health, Schedule, now
from jobs.schedules import run_due, take
from jobs.settings import Settings

HOUR = timedelta(hours=1)


def test_it_is_due_one_interval_after_it_was_first_asked_for(session: Session) -> None:
    begun = now()
    assert not take(session, "images", HOUR, begun)
    assert not take(session, "images", HOUR, begun + HOUR - timedelta(seconds=1))
    assert take(session, "images", HOUR, begun + HOUR)
    assert not take(session, "images", HOUR, begun + HOUR)


def test_what_was_missed_many_times_is_done_once(session: Session) -> None:
    session.add(Schedule(name="images", last_at=now() - 100 * HOUR))
    session.commit()
    assert [take(session, "images", HOUR), take(session, "images", HOUR)] == [True, False]


def test_of_two_workers_one_does_it(sessions: sessionmaker[Session], session: Session) -> None:
    session.add(Schedule(name="images", last_at=now() - 2 * HOUR))
    session.commit()
    at = now()
    with sessions() as one, sessions() as other:
        one.get(Schedule, "images"), other.get(Schedule, "images")
        assert sorted([take(one, "images", HOUR, at), take(other, "images", HOUR, at)]) == [
            False, True,
        ]  # fmt: skip


def test_an_interval_of_nothing_is_never(session: Session) -> None:
    session.add(Schedule(name="drift", last_at=now() - 100 * HOUR))
    session.commit()
    done: list[str] = []
    works = {
        "drift": (timedelta(0), lambda: done.append("drift")),
        "images": (HOUR, lambda: done.append("images")),
    }
    assert run_due(session, works) == [] and done == []  # type: ignore[arg-type]


def test_logs_go_by_age_and_count_and_only_of_what_has_ended(
    session: Session, settings: Settings, environment: Environment
) -> None:
    old = add_run(session, environment, "failed", ended_at=now() - timedelta(days=31))
    working = add_run(session, environment, "applying")
    young = [add_run(session, environment, "succeeded", ended_at=now()) for _ in range(3)]
    folder = settings.home / "runs"
    folder.mkdir()
    for run in (old, working, *young):
        settings.run_log(run.id).write_text("line")
    (folder / "notes.txt").write_text("not ours")
    assert prune_logs(session, replace(settings, log_days=30)) == [old.id]
    assert prune_logs(session, replace(settings, log_runs=2)) == [young[0].id]
    left = sorted(path.name for path in folder.iterdir())
    assert left == sorted(
        ["notes.txt", *(f"{run.id}.log" for run in (working, young[1], young[2]))]
    )


class Host:
    """Containers of one service, as listing and inspecting give them."""

    def __init__(self) -> None:
        self.containers = self
        self.attrs: dict[str, Any] = {}
        self.inspections = 0
        self.set("running", "Up 3 hours")

    def set(self, status: str, text: str, restarts: int = 0, code: int = 0) -> None:
        self.text, self.status = text, status
        self.attrs = {
            "State": {"Status": status, "Running": status == "running", "ExitCode": code},
            "RestartCount": restarts,
            "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        }

    def list(self, **_: Any) -> list[Any]:
        labels = {"portwright.service": "web"}
        sparse = {"State": self.status, "Status": self.text, "Labels": labels}
        return [SimpleNamespace(id="c1", attrs=sparse)]

    def get(self, _: str) -> Any:
        self.inspections += 1
        return SimpleNamespace(attrs=self.attrs)


def test_a_crash_loop_is_told_once_and_so_is_its_end(
    session: Session, environment: Environment
) -> None:
    host: Any = Host()
    place = SimpleNamespace(filters={})

    def look() -> tuple[int, str | None, list[str]]:
        monitor.look(session, host, place, environment)  # type: ignore[arg-type]
        row = session.query(Health).one()
        actions = [each.action for each in session.query(Event).filter_by(actor="portwright")]
        return row.restarts, row.cause, actions

    assert look() == (0, None, []) and host.inspections == 0
    host.set("restarting", "Restarting (1) 1 second ago", restarts=1, code=1)
    assert look()[2] == ["service.ill"]
    host.set("restarting", "Restarting (1) 1 second ago", restarts=4, code=1)
    restarts, cause, actions = look()
    assert restarts == 4 and cause is not None and "exit code 1" in cause
    assert actions == ["service.ill", "service.crash_loop"]
    assert look()[2] == actions
    host.set("running", "Up 20 seconds", restarts=4)
    assert look() == (4, None, [*actions, "service.well"])
    host.set("running", "Up 3 seconds")  # a new container
    assert look()[0] == 0


def test_a_service_that_is_gone_has_no_health(session: Session, environment: Environment) -> None:
    add_release(session, environment, 1)
    session.add(Health(environment_id=environment.id, service="old"))
    session.commit()
    monitor.look(session, Host(), SimpleNamespace(filters={}), environment)  # type: ignore[arg-type]
    assert [row.service for row in session.query(Health)] == ["web"]
