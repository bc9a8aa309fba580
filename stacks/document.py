"""Writes docs/project-file.md's tables and the JSON Schema from the models: `python -m stacks.document`.

Between `<!-- fields of X -->` and `<!-- end -->` stands what the models say; the rest is by hand.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from stacks import project_file, service_file
from stacks.service_file import Model

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "project-file.md"
SCHEMA = DOCS / "portwright.schema.json"
MODELS: tuple[type[Model], ...] = (
    project_file.ProjectFile,
    service_file.Service,
    service_file.Build,
    service_file.Static,
    service_file.Domain,
    service_file.Healthcheck,
    service_file.Dependency,
    service_file.Resources,
    service_file.Amount,
    service_file.Logs,
    service_file.Publish,
    service_file.HostAccess,
    service_file.HostMount,
    project_file.EnvironmentPatch,
    project_file.ServicePatch,
    project_file.PreviewsFile,
    project_file.Seed,
)
BLOCK = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.S)


def table(model: type[Model]) -> str:
    """A Markdown table of a model's fields; raises ValueError for one without a description."""
    rows = ["| field | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        if not field.description:
            raise ValueError(f"{model.__name__}.{name} has no description")
        default = field.default
        rows.append(f"| `{name}` | {default_text(default)} | {field.description} |")
    return "\n".join(rows) + "\n"


def default_text(default: Any) -> str:
    if default is PydanticUndefined:
        return "**needed**"
    if default is None or default in ({}, []) or isinstance(default, Model):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def page(text: str) -> str:
    models = {model.__name__: model for model in MODELS}
    return BLOCK.sub(lambda found: f"{found[1]}\n{table(models[found[2]])}\n{found[3]}", text)


def schema() -> str:
    """JSON Schema 2020-12 of portwright.yaml, for editors."""
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **project_file.ProjectFile.model_json_schema(mode="validation"),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    PAGE.write_text(page(PAGE.read_text()))
    SCHEMA.write_text(schema())


if __name__ == "__main__":
    main()
