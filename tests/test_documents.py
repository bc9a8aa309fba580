"""What the documents promise: every field of the project file and every setting is in them."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from jobs.settings import Settings
from stacks import project_file

DOCS = Path(__file__).resolve().parents[1] / "docs"
MODELS = (
    project_file.ProjectFile,
    project_file.Service,
    project_file.Build,
    project_file.Healthcheck,
)


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_documented(model: type[project_file.Model]) -> None:
    text = (DOCS / "project-file.md").read_text()
    for name in model.model_fields:
        assert f"| `{name}` |" in text, f"{model.__name__}.{name}"


def test_defaults_in_the_document_are_the_real_ones() -> None:
    text = (DOCS / "project-file.md").read_text()
    for model in (project_file.Service, project_file.Healthcheck, project_file.Build):
        for name, field in model.model_fields.items():
            if isinstance(field.default, str | int) and not isinstance(field.default, bool):
                assert re.search(rf"\| `{name}` \| `?{re.escape(str(field.default))}`? \|", text), (
                    name
                )


def test_every_setting_is_documented() -> None:
    text = (DOCS / "architecture.md").read_text()
    for each in fields(Settings):
        assert f"`PORTWRIGHT_{each.name.upper()}`" in text
