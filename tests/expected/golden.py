"""Golden data: what R found and the rows it found it on, as they lie in this folder; what is missing is a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

EXPECTED = Path(__file__).resolve().parent


def there(path: Path) -> Path:
    """The path; the test that asks fails when nothing is there."""
    if not path.exists():
        name = path.relative_to(EXPECTED).as_posix()
        way = (
            "what an earlier version wrote is never made again"
            if name.startswith("written_before")
            else "or run `make golden` where the truth pack is (../shared/truth, or GLM_TRUTH)"
        )
        pytest.fail(f"tests/expected/{name} is not here: check the clone, {way}.", pytrace=False)
    return path


def figures(case: str) -> dict[str, Any]:
    """R's figures of a case, and their origin."""
    found: dict[str, Any] = json.loads(there(EXPECTED / "r" / f"{case}.json").read_text(encoding="utf-8"))
    return found


def data(name: str) -> Path:
    """The file of a small data set."""
    return there(EXPECTED / "data" / f"{name}.csv")


def rows(name: str) -> pd.DataFrame:
    """The rows of a small data set."""
    return pd.read_csv(data(name))
