"""Which level is largest is not decided by rounding: by no unit of weights and no order of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm


def rows(unit: float, turned: bool = False) -> pd.DataFrame:
    """Levels a and b have the same weight: 21 times 0.1 and 7 times 0.3."""
    area = ["a"] * 21 + ["b"] * 7 + ["c"] * 10
    weight = np.array([0.1] * 21 + [0.3] * 7 + [0.01] * 10) * unit
    count = np.arange(len(area)) % 3 + 1.0
    frame = pd.DataFrame({"area": area, "w": weight, "y": count})
    return frame.iloc[::-1] if turned else frame


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e12, 3.0, 7e5])
def test_of_levels_of_equal_weight_the_first_is_the_base(unit: float, turned: bool) -> None:
    area = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base"}
    model = fit_glm(rows(unit, turned), target="y", weight="w", family="gamma", factors=[area])
    assert [line.level for line in model.document.coefficients if line.status == "base"] == ["a"]
