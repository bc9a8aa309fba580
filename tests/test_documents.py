"""What the documents promise: every field of the project file and every setting is in them."""

from __future__ import annotations

import json
from dataclasses import fields

import jsonschema
import pytest
import yaml

from jobs.settings import Settings
from stacks import document
from stacks.parse import load

DOCS = document.DOCS


def test_every_field_has_a_description() -> None:
    for model in document.MODELS:
        assert document.table(model)


def test_every_model_that_the_file_can_hold_has_its_table() -> None:
    named = set(json.loads(document.schema())["$defs"]) - {"SecretRef"}
    assert named == {model.__name__ for model in document.MODELS} - {"ProjectFile"}
    text = document.PAGE.read_text()
    for model in document.MODELS:
        assert f"<!-- fields of {model.__name__} -->" in text


def test_page_and_schema_are_what_the_models_say() -> None:
    """Where this fails: python -m stacks.document."""
    text = document.PAGE.read_text()
    assert document.page(text) == text
    assert document.SCHEMA.read_text() == document.schema()


def test_the_example_is_valid_for_us_and_for_editors() -> None:
    example = document.PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    load(example)
    jsonschema.validate(yaml.safe_load(example), json.loads(document.schema()))


@pytest.mark.parametrize("bad", ["name: Shop\nservices: {}", "name: a\nservices: {w: {port: x}}"])
def test_an_editor_sees_what_is_wrong(bad: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(bad), json.loads(document.schema()))


def test_every_setting_is_documented() -> None:
    text = (DOCS / "architecture.md").read_text()
    for each in fields(Settings):
        assert f"`PORTWRIGHT_{each.name.upper()}`" in text
