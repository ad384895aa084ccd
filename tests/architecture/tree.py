"""The repository as these tests see it: files that belong to it, and the packages' own source."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("glm_local", "glm_spark", "jobs")
LEFT_BEHIND = {"__pycache__", "build", "dist", "artifacts", "runs", "spark-warehouse", "metastore_db", "derby.log"}
"""What runs and builds leave in the tree; the same names are in .gitignore."""


@cache
def own_files() -> tuple[Path, ...]:
    """Files that are or will be tracked, relative to the root; without git, all that runs do not leave behind."""
    asked = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\0")
        found = [Path(one) for one in listed if one]
    except (OSError, subprocess.CalledProcessError):
        found = [one.relative_to(ROOT) for one in ROOT.rglob("*") if one.is_file()]
    return tuple(sorted(one for one in found if _belongs(one) and (ROOT / one).is_file()))


def _belongs(path: Path) -> bool:
    hidden = any(part.startswith(".") and part not in (".ci", ".gitignore") for part in path.parts)
    return not hidden and not LEFT_BEHIND & set(path.parts) and ".egg-info" not in str(path)


def source_files(*packages: str) -> list[Path]:
    """Python files of some packages, relative to the root."""
    return [one for one in own_files() if one.suffix == ".py" and one.parts[0] in packages]


def entries(folder: str = "") -> set[str]:
    """Names directly in a folder, those of folders with a slash."""
    inside = [one.relative_to(folder) for one in own_files() if not folder or one.is_relative_to(folder)]
    return {one.parts[0] + ("/" if len(one.parts) > 1 else "") for one in inside if not one.parts[0].startswith(".")}
