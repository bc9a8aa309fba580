"""Where a worker can die in a deploy: before or after each thing it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """place: module:function; when: before or after its call; nth: which call of one process,
    counted from the first call of `since` on where that is given."""

    name: str
    place: str
    when: str = "before"
    nth: int = 1
    action: str = "SIGKILL"
    since: str = "-"

    @property
    def line(self) -> str:
        return f"{self.place} {self.when} {self.nth} {self.action} {self.since}"


UP = "stacks.engine:Engine.up"
TELL = "stacks.events:Listener.tell"
KILLS = (
    Point("claimed", "jobs.execute:end"),
    Point("fetching", "jobs.prepare:checkout"),
    Point("reading the project file", "jobs.prepare:read"),
    Point("before the images", "jobs.prepare:images"),
    Point("before the build", "jobs.prepare:build"),
    Point("the build's first line", "jobs.log:RunLog.__call__", "after", 3),
    Point("after the build", "jobs.prepare:build", "after"),
    Point("freezing", "jobs.prepare:freeze"),
    Point("moved to planning", "jobs.context:Context.move", "after", 1),
    Point("looking at what runs", "jobs.execute:observe"),
    Point("before the preview", "stacks.engine:Engine.preview"),
    Point("in the preview", "stacks.events:Listener.planned", "before", 2),
    Point("after the preview", "stacks.engine:Engine.preview", "after"),
    Point("before the approval", "jobs.approval:may_go"),
    Point("moved to applying", "jobs.context:Context.move", "after", 2),
    Point("before up", UP),
    Point("the engine's first step", TELL, "before", 1, since=UP),
    Point("the engine's second step", TELL, "before", 2, since=UP),
    Point("a new container made", TELL, "after", 3, since=UP),
    Point("while the old one drains", "stacks.traffic:Traefik.wait", "after", 1),
    Point("after up", UP, "after"),
    Point("moved to verifying", "jobs.context:Context.move", "after", 3),
    Point("verified", "jobs.apply:verify", "after"),
    Point("before the release is stored", "jobs.apply:store"),
    Point("in the release's transaction", "jobs.apply:supersede"),
    Point("at its end", "jobs.apply:store", "after"),
    Point("before the next is rung for", "jobs.execute:ring_waiting"),
)
OTHERS = (
    Point("the engine killed in a preview", "stacks.events:Listener.planned", "after", 1, "engine"),
    Point("the engine killed in an up", TELL, "after", 2, "engine", UP),
    Point("the worker stopped, not dead", UP, "before", 1, "SIGSTOP"),
    Point("while putting back", "jobs.repair:put_back"),
    Point("while burying", "jobs.reaper:bury"),
    Point("the disk full before the build", "jobs.prepare:build", "before", 1, "full"),
    Point("the disk full in an up", UP, "before", 1, "full"),
)
PLACES = sorted({point.place for point in (*KILLS, *OTHERS)})
