"""What the engine's events become: steps of a plan, lines of a log, and causes of failure."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from stacks.events import Listener, logical_name

URN = "urn:pulumi:production::shop::docker:index/container:Container::pw_shop_production_web"


def step(op: str, urn: str = URN, kind: str = "", **more: Any) -> dict[str, Any]:
    return {
        "op": op,
        "urn": urn,
        "type": kind or "docker:index/container:Container",
        "provider": "",
        **more,
    }


def tell(listener: Listener, kind: str, **content: Any) -> None:
    """Send an event in the engine's own JSON form."""
    listener(EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: content}))


def test_a_replacement_is_one_step_whatever_its_parts() -> None:
    listener = Listener()
    for op in ("create-replacement", "replace", "delete-replaced"):
        tell(listener, "resourcePreEvent", metadata=step(op))
    assert [(each.name, each.action) for each in listener.steps.values()] == [
        ("pw_shop_production_web", "replace")
    ]


def test_a_pending_delete_does_not_hide_the_new_one() -> None:
    """After a broken apply the state holds an old copy to delete beside the one to make."""
    listener = Listener()
    tell(listener, "resourcePreEvent", metadata=step("delete"))
    tell(listener, "resourcePreEvent", metadata=step("create"))
    assert [each.action for each in listener.steps.values()] == ["create"]


def test_what_stays_is_only_counted_and_what_is_not_ours_not_even_that() -> None:
    listener = Listener()
    tell(listener, "resourcePreEvent", metadata=step("same"))
    tell(listener, "resourcePreEvent", metadata=step("same", kind="pulumi:pulumi:Stack"))
    tell(listener, "resourcePreEvent", metadata=step("create", kind="pulumi:providers:docker"))
    assert (listener.same, listener.steps) == (1, {})


def test_changed_properties_are_named_once_and_without_their_paths() -> None:
    listener = Listener()
    tell(
        listener,
        "resourcePreEvent",
        metadata=step(
            "update",
            detailedDiff={"envs[0]": {"diffKind": "update", "inputDiff": True}},
            diffs=["memory", "envs"],
            old=state({"memory": 64}),
            new=state({"memory": 128}),
        ),
    )
    (seen,) = listener.steps.values()
    assert seen.properties == ("envs", "memory")
    assert (seen.old, seen.new) == ({"memory": 64}, {"memory": 128})


def state(inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "docker:index/container:Container",
        "urn": URN,
        "custom": True,
        "id": "1",
        "parent": "",
        "provider": "",
        "inputs": inputs,
        "outputs": {},
    }


@pytest.mark.parametrize(
    ("op", "first", "second"),
    [
        ("create", "creating container", "created container"),
        ("create-replacement", "starting the new container", "started the new container"),
        ("delete-replaced", "removing the old container", "removed the old container"),
    ],
)
def test_the_log_tells_begin_and_end_of_a_step(op: str, first: str, second: str) -> None:
    said: list[str] = []
    listener = Listener(said.append)
    tell(listener, "resourcePreEvent", metadata=step(op))
    tell(listener, "resOutputsEvent", metadata=step(op))
    assert said == [f"{first} pw_shop_production_web", f"{second} pw_shop_production_web"]


def test_errors_lose_their_colours_and_the_provider_its_repetitions() -> None:
    said: list[str] = []
    listener = Listener(said.append)
    for message in (
        "<{%reset%}>no such image<{%reset%}>\nsecond line",
        "sdk-v2/provider2.go:572: sdk.helper_schema: no such image",
        "<{%reset%}> <{%reset%}>",
    ):
        tell(
            listener,
            "diagnosticEvent",
            message=message,
            color="never",
            severity="error",
            prefix="",
            urn=URN,
            streamID=0,
            ephemeral=False,
        )
    assert listener.errors == ["no such image\nsecond line"]
    assert said == ["no such image", "second line"]


def test_a_failed_step_names_its_resource() -> None:
    listener = Listener()
    tell(listener, "resOpFailedEvent", metadata=step("create"), status=1, steps=1)
    assert listener.failed == ["pw_shop_production_web"]


def test_a_name_is_what_stands_last_in_the_urn() -> None:
    assert logical_name(URN) == "pw_shop_production_web"
    assert logical_name("plain") == "plain"
