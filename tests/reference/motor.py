"""freMTPL2 as the published studies prepare it: factors, rows and samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

REGIONS = [f"R{n}" for n in (24, 11, 21, 22, 23, 25, 26, 31, 41, 42, 43, 52, 53, 54, 72, 73, 74, 82, 83, 91, 93, 94)]
BRANDS = [f"B{n}" for n in (1, 10, 11, 12, 13, 14, 2, 3, 4, 5, 6)]


def frequency_rows() -> pd.DataFrame:
    """Policies with claims capped at 4 and exposure at 1, and the published samples."""
    if not (DATA / "freMTPL2freq.parquet").exists():
        pytest.skip("freMTPL2 is too large for the repository and does not lie in ../shared/data")
    rows = pd.read_parquet(DATA / "freMTPL2freq.parquet").merge(
        pd.read_parquet(DATA / "freMTPL2_splits.parquet"), on="IDpol", how="left"
    )
    rows["Exposure"] = rows["Exposure"].clip(upper=1)
    rows["ClaimNbAll"] = rows["ClaimNb"]
    rows["ClaimNb"] = rows["ClaimNb"].clip(upper=4)
    return rows


def _bands(name: str, column: str, edges: list[int], labels: list[str], base: str) -> dict[str, Any]:
    return {
        "kind": "numeric",
        "name": name,
        "column": column,
        "edges": edges,
        "labels": labels,
        "missing": "refuse",
        "base": {"level": base},
    }


def _category(column: str, levels: list[str]) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": column,
        "column": column,
        "levels": levels,
        "missing": "refuse",
        "unseen": "refuse",
        "base": {"level": levels[0]},
    }


POWER = _bands("VehPower", "VehPower", [4, 5, 6, 7, 8], ["4", "5", "6", "7", "8", "9"], "4")
VEHICLE_AGE = _bands("VehAge", "VehAge", [0, 10], ["0", "1-10", ">10"], "1-10")
VEHICLE_AGE_2023 = _bands("VehAge", "VehAge", [5, 12], ["0-5", "6-12", "13+"], "0-5")
DRIVER_AGE = _bands(
    "DrivAge",
    "DrivAge",
    [20, 25, 30, 40, 50, 70],
    ["18-20", "21-25", "26-30", "31-40", "41-50", "51-70", "71+"],
    "41-50",
)
BONUS = {"kind": "linear", "name": "BonusMalus", "column": "BonusMalus", "cap": {"upper": 150}, "missing": "refuse"}
BRAND, GAS, REGION = (
    _category("VehBrand", BRANDS),
    _category("VehGas", ["Diesel", "Regular"]),
    _category("Region", REGIONS),
)
DENSITY = {"kind": "linear", "name": "logDensity", "expression": {"log": "Density"}, "missing": "refuse"}
AREA = {
    "kind": "linear",
    "name": "Area",
    "missing": "refuse",
    "expression": {
        "map": {
            "of": {"column": "Area", "read": "text"},
            "values": {letter: i for i, letter in enumerate("ABCDEF", 1)},
            "missing": None,
            "unseen": None,
        }
    },
}
GLM1 = [POWER, VEHICLE_AGE, DRIVER_AGE, BONUS, BRAND, GAS, DENSITY, REGION, AREA]
GLM1_2023 = [POWER, VEHICLE_AGE_2023, DRIVER_AGE, BONUS, BRAND, GAS, DENSITY, REGION, AREA]


def without(factors: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """A list of factors without some."""
    return [one for one in factors if one["name"] not in names]


def poisson_loss(count: Any, mean: Any) -> float:
    """Mean Poisson deviance per policy, in units of 1/100."""
    y, mu = np.asarray(count, dtype=float), np.asarray(mu_of(mean), dtype=float)
    return float(200 * np.mean(mu - y + np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mu), 0)))


def mu_of(mean: Any) -> Any:
    """A column of numbers as an array."""
    return mean.to_numpy() if hasattr(mean, "to_numpy") else mean
