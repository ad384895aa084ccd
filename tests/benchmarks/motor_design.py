"""The two designs measured: nine factors of the public motor data, nine of the made rows."""

from __future__ import annotations

from typing import Any

Documents = list[dict[str, Any]]

PUBLIC_EDGES = {
    "VehPower": [4, 5, 6, 7, 8],
    "VehAge": [0, 1, 4, 10, 15],
    "DrivAge": [20, 25, 30, 40, 50, 60, 70],
    "BonusMalus": [50, 60, 70, 80, 90, 100, 120],
    "Density": [20, 40, 80, 200, 700, 1500, 4000],
}
PUBLIC_TEXTS = ("VehBrand", "VehGas", "Region", "Area")
PUBLIC_DEVIANCE = 211942.2256

MADE_EDGES = {
    "DrivAge": [20, 25, 30, 40, 50, 60, 70, 80],
    "VehAge": [0, 1, 4, 10, 15],
    "BonusMalus": [50, 60, 70, 80, 100, 120],
    "Density": [50, 100, 300, 1000, 3000, 10000],
    "VehPower": [5, 7, 9],
}
MADE_LEVELS = {
    "VehBrand": [f"B{n}" for n in range(1, 15)],
    "VehGas": ["Diesel", "Regular"],
    "Area": list("ABCDEF"),
    "Region": [f"R{n}" for n in range(22)],
}
TARGET, EXPOSURE = "ClaimNb", "Exposure"


def banded(edges: dict[str, list[int]]) -> Documents:
    """Numeric factors."""
    return [
        {"kind": "numeric", "name": column, "column": column, "edges": cuts, "missing": "refuse"}
        for column, cuts in edges.items()
    ]


def category(column: str, levels: list[str] | str = "learn") -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": column,
        "column": column,
        "levels": levels,
        "missing": "refuse",
        "unseen": "base",
    }


def public_factors() -> Documents:
    """Edges given, levels of text columns learned from the rows: what the peers are given too."""
    return [*banded(PUBLIC_EDGES), *(category(column) for column in PUBLIC_TEXTS)]


def made_factors(learn: bool = False) -> Documents:
    """Factors of the made rows, levels given unless they are to be learned."""
    texts = [category(column, "learn" if learn else levels) for column, levels in MADE_LEVELS.items()]
    return [*banded(MADE_EDGES), *texts]
