"""Calling what imports pyinfra, in a process of its own: it patches the interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
CODE = """
import importlib, json, sys
module, name, args = json.loads(sys.argv[1])
value = getattr(importlib.import_module(module), name)(*args)
print(json.dumps(value if isinstance(value, (str, dict)) else list(value)))
"""


def call(module: str, name: str, *args: object) -> Any:
    """The value of a pure function, as JSON brings it."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps([module, name, args])],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
