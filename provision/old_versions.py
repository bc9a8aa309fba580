"""`python -m provision.old_versions PLACE`: beside `current`, only the version before it stays.

A version is a folder with a pyproject.toml and a link `packages` to its virtual environment.
Environments that no version is left for go too.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

CURRENT = "current"
PREVIOUS = "previous"
PACKAGES = "packages"
PROJECT_FILE = "pyproject.toml"


def surplus(place: Path) -> list[Path]:
    """What may go, sorted; nothing where it can't be told what serves."""
    found = [path.parent for path in place.glob(f"*/{PROJECT_FILE}")]
    versions = {path for path in found if not path.is_symlink()}
    kept = {(place / name).resolve() for name in (CURRENT, PREVIOUS)} & versions
    if (place / CURRENT).resolve() not in kept:
        return []
    if not all((path / PACKAGES).is_symlink() for path in kept):
        return sorted(versions - kept)
    used = {(path / PACKAGES).resolve() for path in kept}
    environments = {path.parent for path in place.glob("*/pyvenv.cfg")} - used
    return sorted(versions - kept | environments)


def main() -> int:
    for path in surplus(Path(sys.argv[1])):
        print(f"{path.name} goes", flush=True)
        shutil.rmtree(path)
        path.with_name(f"{path.name}.txt").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
