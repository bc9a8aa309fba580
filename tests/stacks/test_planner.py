"""The Plan: what a person reads, and what never gets into it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from specs import small

from stacks.causes import why
from stacks.compile import compile_spec
from stacks.drift import Finding
from stacks.events import ResourceStep
from stacks.plan import MASK, Change, Plan, Step
from stacks.planner import Causes, make_plan, masked
from stacks.spec import Need, SecretVersion, Spec

WEB = "pw_shop_production_web"
DB = "pw_shop_production_db"


def plan(action: str, name: str, before: Spec | None, after: Spec, **step: object) -> Step:
    kind = "Container" if "data" not in name else "Volume"
    seen = ResourceStep(name=name, type=kind, action=action, **step)  # type: ignore[arg-type]
    old = compile_spec(before, "pw") if before else ()
    return make_plan([seen], 3, old, compile_spec(after, "pw"), Causes(other="commit abc")).steps[0]


def test_an_env_change_is_one_line() -> None:
    step = plan(
        "replace",
        WEB,
        small(),
        small(env={"COLOR": "navy"}, generation=8),
        properties=("envs", "labels"),
    )
    assert step == Step(
        action="replace",
        type="Container",
        name=WEB,
        service="web",
        why="commit abc",
        restart=True,
        changes=(
            Change("env.COLOR", "teal", "navy"),
            Change("env.PASSWORD", f"{MASK} (db_password, version 2)", None, secret=True),
        ),
    )


def test_a_new_version_of_a_secret_shows_numbers_only() -> None:
    newer = {"COLOR": "teal", "PASSWORD": SecretVersion(secret="db_password", version=3)}
    (change,) = plan("replace", WEB, small(), small(env=newer)).changes
    assert change.secret
    assert (change.before, change.after) == (
        f"{MASK} (db_password, version 2)",
        f"{MASK} (db_password, version 3)",
    )


def test_what_stops_is_told() -> None:
    assert plan("replace", DB, small(), small()).downtime
    assert not plan("replace", WEB, small(), small()).downtime


def test_a_volume_goes_with_a_warning_only_where_data_goes() -> None:
    assert plan("replace", f"{DB}_data", small(), small()).data_loss
    assert not plan("delete", f"{DB}_data", small(), small()).data_loss


def test_what_is_gone_and_what_is_no_longer_wanted_say_so() -> None:
    assert plan("create", WEB, small(), small()).why == "it is gone from the host"
    alone = small()
    alone = alone.model_copy(update={"services": {"db": alone.services["db"]}})
    assert plan("delete", WEB, small(), alone).why == "the project no longer has it"


def test_the_image_is_named_only_where_it_changes() -> None:
    assert plan("replace", WEB, small(), small(image_ref="web:2")).changes == ()
    paths = [
        c.path
        for c in plan("replace", WEB, small(), small(image="sha256:9", image_ref="web:2")).changes
    ]
    assert paths == ["image", "image name"]


def test_what_only_the_engine_sees_is_shown_too() -> None:
    step = plan(
        "update",
        WEB,
        small(),
        small(),
        properties=("hostname",),
        old={"hostname": 5},
        new={"hostname": 9},
    )
    assert step.changes == (Change("hostname", 5, 9),)


def test_engine_secrets_are_masked() -> None:
    signature = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    assert masked({"a": ["[secret]", {**signature, "ciphertext": "v1:x"}, 1]}) == {
        "a": [MASK, MASK, 1]
    }


@given(st.text(min_size=8, alphabet="abcdefghijklmnop"))
def test_a_secret_value_never_gets_into_a_plan(canary: str) -> None:
    """Its place in the facts is taken by its name; engine values of `envs` are not told at all."""
    step = plan("replace", WEB, small(), small(port=9), properties=("envs",),
                old={"envs": [f"PASSWORD={canary}"]}, new={"envs": [f"PASSWORD={canary}!"]})  # fmt: skip
    assert canary not in json.dumps(Plan((step,)).to_json())


def test_the_hash_follows_the_steps_and_not_the_run() -> None:
    def made(spec: Spec) -> Plan:
        seen = ResourceStep(WEB, "Container", "replace")
        return make_plan(
            [seen], 3, compile_spec(small(), "pw"), compile_spec(spec, "pw"), Causes(other="why")
        )

    blue = {"COLOR": "blue"}
    assert made(small(env=blue, generation=8)).hash == made(small(env=blue, generation=9)).hash
    assert made(small(env=blue)).hash != made(small(env={"COLOR": "red"})).hash


def test_an_empty_plan() -> None:
    empty = Plan(same=4)
    assert empty.empty
    assert empty.to_json()["summary"] == {
        "create": 0,
        "update": 0,
        "replace": 0,
        "delete": 0,
        "same": 4,
    }


def test_why() -> None:
    one, other = small(), small().model_copy(update={"commit": "b" * 40})
    assert why(None, one, None)[1] == "first deploy"
    assert why(one, one, 3)[1] == "rollback to release 3"
    assert why(one, other, None)[1] == "commit bbbbbbb: A change"


def test_why_of_each_service() -> None:
    one = small()
    secret = {"COLOR": "teal", "PASSWORD": SecretVersion(secret="db_password", version=3)}
    assert why(one, small(env=secret, generation=8), None)[0] == {
        "web": "new value of the secret db_password"
    }
    assert why(one, small(replicas=2), None)[0] == {"web": "1 → 2 replicas"}
    assert why(one, small(image="sha256:9"), None)[0] == {
        "web": "the tag web:1 points to another image"
    }
    assert why(one, small(generation=8), None)[0] == {"web": "drift"}
    follows = small(generation=8, depends_on={"db": Need(condition="healthy", cascade=True)})
    db = follows.services["db"].model_copy(update={"generation": 8})
    follows = follows.model_copy(update={"services": {**follows.services, "db": db}})
    assert why(one, follows, None)[0]["web"] == "dependency: db is replaced, and web follows it"
    assert why(one, one, None)[0] == {}


def test_only_what_goes_for_good_is_destructive() -> None:
    alone = small()
    alone = alone.model_copy(update={"services": {"db": alone.services["db"]}})
    assert plan("delete", WEB, small(), alone).destructive
    assert plan("delete", WEB, small(), alone).downtime
    assert not plan("delete", f"{WEB}_2", small(replicas=2), small()).destructive
    assert not plan("replace", DB, small(), small()).destructive
    assert plan("delete", f"{DB}_data", small(), small()).destructive


def test_drift_is_told_with_what_differs() -> None:
    changes = (Change("on the host: memory", 64, 0),)
    found = Finding("changed", "Container", WEB, "web", changes)
    extra = Finding("unknown", "Container", "stranger", "web")
    seen = ResourceStep(WEB, "Container", "replace")
    resources = compile_spec(small(), "pw")
    made = make_plan([seen], 3, resources, resources, Causes(findings=(found, extra)))
    assert [(step.action, step.why) for step in made.steps] == [
        ("replace", "drift: it was changed on the host"),
        ("delete", "drift: it carries our labels, but no release has it"),
    ]
    assert made.steps[0].changes == changes


@given(st.permutations(range(4)))
def test_the_order_of_the_engine_does_not_matter(order: list[int]) -> None:
    """It works side by side, so that its order moves from one preview to the next."""
    names = ["pw_shop_production", f"{DB}_data", DB, WEB]
    kinds = ["Network", "Volume", "Container", "Container"]
    seen = [ResourceStep(names[index], kinds[index], "create") for index in order]
    made = make_plan(seen, 0, (), compile_spec(small(), "pw"), Causes(other="first deploy"))
    assert [step.name for step in made.steps] == names


OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def test_a_moved_tag_shows_its_digests() -> None:
    before = small(digest=OLD)
    after = small(image="sha256:9", digest=NEW, generation=8)
    changes = {each.path: each for each in plan("replace", WEB, before, after).changes}
    assert changes["image digest"] == Change("image digest", OLD, NEW)
    assert why(before, after, None)[0] == {"web": "the tag web:1 points to another image"}


def test_a_moved_base_image_shows_its_digests() -> None:
    before = small(source="tree", bases={"python:3.13": OLD, "node:24": OLD})
    after = small(
        source="tree", image="sha256:9", bases={"python:3.13": NEW, "node:24": OLD}, generation=8
    )
    changes = plan("replace", WEB, before, after).changes
    assert Change("base image python:3.13", OLD, NEW) in changes
    assert not any("node" in each.path for each in changes)
    cause = "the base image tag python:3.13 points to another image"
    assert why(before, after, None)[0] == {"web": cause}


def test_digests_of_the_same_image_are_not_told() -> None:
    """Releases from before digests were recorded have none."""
    after = small(digest=NEW, bases={"python:3.13": NEW}, env={"COLOR": "navy"})
    paths = [each.path for each in plan("replace", WEB, small(), after).changes]
    assert paths == ["env.COLOR", "env.PASSWORD"]


def test_unchecked_tags_are_told_and_are_no_part_of_the_hash() -> None:
    made = make_plan([], 3, (), (), Causes(), {"redis:7", "postgres:17"})
    assert made.to_json()["unchecked"] == ["postgres:17", "redis:7"]
    assert made.empty and made.hash == Plan().hash
