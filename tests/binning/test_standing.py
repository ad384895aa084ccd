"""What standing bins gain out of fold counts missing values where their specification puts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.binning.searched import Searched
from glm_local.binning.standing import gain_over_standing
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.open_rows import open_rows
from glm_local.factors.spec_problems import read_factor
from glm_local.glm.request import FitRequest
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation.split import Split


def _rows() -> Any:
    draw = np.random.default_rng(7)
    age = draw.integers(18, 80, 4_000).astype(float)
    age[draw.random(4_000) < 0.2] = np.nan
    mean = np.where(np.isnan(age), 1.5, np.where(age < 40, 0.9, 0.4))
    frame = pd.DataFrame({"id": np.arange(4_000), "age": age, "y": draw.poisson(mean).astype(float)})
    opened, _ = open_rows(PandasEngine(), frame, FitRequest("y", ()), ["age"], Split("none"), ("id",))
    return opened


def _by_hand(sums: Any, level: np.ndarray) -> float:
    """Change of the deviance out of fold when every level takes its best shift on the other folds."""
    folds = range(sums.folds)
    amount, fitted = (
        np.array([one[level == at].sum(axis=0) for at in np.unique(level)]) for one in (sums.amount, sums.fitted)
    )
    total = 0.0
    for fold in folds:
        others = [one for one in folds if one != fold]
        shift = np.log(amount[:, others].sum(axis=1) / fitted[:, others].sum(axis=1))
        total -= 2 * float(np.sum(amount[:, fold] * shift - fitted[:, fold] * np.expm1(shift)))
    return total


@pytest.mark.parametrize(
    ("missing", "base", "follows"),
    [
        ("own_level", "largest_exposure", 2),
        ({"level": "(-inf, 40]"}, "largest_exposure", 0),
        ({"level": "(40, inf)"}, "largest_exposure", 1),
        ("base", {"level": "(-inf, 40]"}, 0),
        ("base", "largest_exposure", 1),
    ],
    ids=["a level of their own", "the younger", "the older", "a base that is named", "the largest level"],
)
def test_missing_values_of_standing_bins_count_where_their_specification_puts_them(
    missing: Any, base: Any, follows: int
) -> None:
    rows = _rows()
    sums = candidate_sums(rows, None)["age"]
    spec = read_factor(
        {"kind": "numeric", "name": "age", "column": "age", "edges": [40], "missing": missing, "base": base}
    )
    found = Searched("cross_validated", (0.0,) * sums.folds, (0.0,) * sums.folds, (0,) * sums.folds)
    gain = gain_over_standing(sums, rows.candidates["age"], spec, None, found, rows.kinds)
    assert gain is not None
    labels = [str(one) for one in rows.candidates["age"].labels]
    tops = np.array([float(one.split(",")[-1].strip(" ])")) for one in labels[: sums.ordered]])
    level = np.concatenate([(tops > 40).astype(int), np.full(sums.codes - sums.ordered, follows)])
    assert gain[0] == pytest.approx(_by_hand(sums, level), rel=1e-9)
