"""A plan as text and Markdown: readable, and foreign text stays text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stacks.plan import MASK, Change, Plan, Step
from stacks.render import markdown, text

STEP = Step(
    "replace", "Container", "pw_shop_production_web", service="web", why="commit abc: A change",
    restart=True,
    changes=(
        Change("env.COLOR", "teal", "navy"),
        Change("env.PW", "leaked", "values", secret=True),
        Change("image", f"sha256:{'a' * 64}", None),
    ),
)  # fmt: skip


def test_text_whole() -> None:
    assert text(Plan((STEP,), same=3).to_json()) == (
        "± replace Container pw_shop_production_web (service web) [restarts]\n"
        "    because commit abc: A change\n"
        "    env.COLOR: teal → navy\n"
        f"    env.PW: {MASK} → {MASK}\n"
        "    image: sha256:aaaaaaaaaaaa… → none\n"
        "Plan: 1 to replace, 3 unchanged\n"
    )


def test_markdown_has_a_table_and_the_hash() -> None:
    plan = Plan((STEP,), same=3)
    made = markdown(plan.to_json())
    assert "**Plan: 1 to replace, 3 unchanged**" in made
    assert "| env.COLOR | teal | navy |" in made
    assert plan.hash in made and "leaked" not in made


def test_nothing_to_do() -> None:
    assert text(Plan(same=4).to_json()) == "Nothing would change, 4 unchanged\n"


@given(st.text(max_size=40))
def test_foreign_text_opens_no_markup(foreign: str) -> None:
    step = Step(
        "replace",
        "Container",
        "web",
        why=f"w{foreign}",
        changes=(Change("env.A", f"v{foreign}", "x"),),
    )
    made = markdown(Plan((step,)).to_json())
    assert len(made.split("\n")) == len(markdown(Plan((Step("replace", "Container", "web", why="w", changes=(Change("env.A", "v", "x"),)),)).to_json()).split("\n"))  # fmt: skip
    assert "<" not in made.replace("<sub>", "").replace("</sub>", "")
    assert not re.search(r"@[A-Za-z]", made)
    assert not re.search(r"(?<!\\)[`\[]", made)


def test_tags_that_were_not_checked_are_told_also_where_nothing_changes() -> None:
    plan = Plan(same=4, unchecked=("postgres:17",)).to_json()
    assert text(plan) == (
        "Nothing would change, 4 unchanged\n"
        "postgres:17 was not checked for a newer image; deploy with --pull to check\n"
    )
    assert "postgres:17 was not checked for a newer image" in markdown(plan)
    older = {key: value for key, value in plan.items() if key != "unchecked"}
    assert "checked" not in text(older) + markdown(older)
