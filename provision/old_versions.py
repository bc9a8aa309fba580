"""`python -m provision.old_versions PLACE`: of the versions beside `current`, only the newest stays.

A version is a folder with a pyproject.toml and a link `packages` to its virtual environment.
Environments that no version is left for go too.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

KEPT = 2
PACKAGES = "packages"
PROJECT_FILE = "pyproject.toml"


def surplus(place: Path) -> list[Path]:
    """What may go, sorted; nothing where it can't be told what serves."""
    current = (place / "current").resolve()
    versions = [
        path.parent for path in place.glob(f"*/{PROJECT_FILE}") if not path.parent.is_symlink()
    ]
    if current not in versions:
        return []
    others = sorted(set(versions) - {current}, key=lambda path: path.stat().st_mtime, reverse=True)
    kept = [current, *others[: KEPT - 1]]
    if not all((path / PACKAGES).is_symlink() for path in kept):
        return others[KEPT - 1 :]
    used = {(path / PACKAGES).resolve() for path in kept}
    environments = {path.parent for path in place.glob("*/pyvenv.cfg")} - used
    return sorted([*others[KEPT - 1 :], *environments])


def main() -> int:
    for path in surplus(Path(sys.argv[1])):
        print(f"{path.name} goes", flush=True)
        shutil.rmtree(path)
        path.with_name(f"{path.name}.txt").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
