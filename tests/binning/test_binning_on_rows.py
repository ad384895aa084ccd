"""From rows to bins to a fit: what the program says of the deviance is what the fitted model has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from glm_local.binning.hand import merge_levels
from glm_local.binning.optimal_bins import optimal_bins
from glm_local.binning.rules import BinningRules
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.open_rows import open_rows
from glm_local.glm.request import FitRequest
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation.split import Split
from tests.doubles import OpaqueEngine, opaque

SPLIT = Split("column", column="sample", values={"train": ("train",), "validation": ("validation",)})
MODELS = [("poisson", None), ("binomial", None), ("binomial", "probit"), ("gaussian", None), ("gamma", None)]


def frame(family: str, rows: int = 9000) -> pd.DataFrame:
    draw = np.random.default_rng(4)
    age, town = draw.integers(18, 90, rows).astype(float), draw.integers(0, 15, rows)
    age[draw.random(rows) < 0.05] = np.nan
    shift = 0.8 * (np.nan_to_num(age, nan=50) < 30) + 0.1 * (town % 3)
    mean = 0.15 * np.exp(shift)
    response = {
        "poisson": draw.poisson(mean),
        "binomial": draw.random(rows) < mean,
        "gaussian": draw.normal(mean, 0.3),
        "gamma": draw.gamma(2.0, mean / 2),
    }[family]
    sample = np.where(np.arange(rows) % 5 == 0, "validation", "train")
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": age,
            "town": [f"t{one:02}" for one in town],
            "y": response.astype(float),
            "sample": sample,
        }
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda one: f"{one[0]}-{one[1] or 'default'}")
@pytest.mark.parametrize("factor", ["age", "town"])
def test_the_fitted_model_has_the_deviance_and_the_relativities_the_bins_promised(model, factor) -> None:
    request = FitRequest("y", (), family=model[0], link=model[1])
    rows, _ = open_rows(PandasEngine(), frame(model[0]), request, ["age", "town"], SPLIT, ("id",))
    result = optimal_bins(candidate_sums(rows, None)[factor], rows.candidates[factor], BinningRules(size=3))
    fitted = rows.fit([result.spec])
    train = result.trials[result.trials["chosen"]]["train_deviance"].iloc[0]
    assert fitted.statistics.deviance / result.levels["rows"].sum() == pytest.approx(train, rel=1e-8)
    estimates = {row.level: row.estimate for row in fitted.coefficients if row.level is not None}
    base = int(result.levels["exposure"].argmax())
    shift = result.levels["shift"] - result.levels["shift"].iloc[base]
    for level, expected in zip(result.levels["level"], shift, strict=True):
        assert estimates[level] == pytest.approx(expected, abs=1e-5)


def test_bins_see_no_rows_only_sums() -> None:
    data = frame("poisson", 3000)
    plain, _ = open_rows(PandasEngine(), data, FitRequest("y", ()), ["age"], SPLIT, ("id",))
    hidden, _ = open_rows(OpaqueEngine(), opaque(data), FitRequest("y", ()), ["age"], SPLIT, ("id",))
    one, other = (optimal_bins(candidate_sums(rows, None)["age"], rows.candidates["age"]) for rows in (plain, hidden))
    assert one.spec == other.spec


def test_a_bin_merged_by_hand_fits_like_the_bins_it_was_merged_of() -> None:
    rows, _ = open_rows(PandasEngine(), frame("poisson"), FitRequest("y", ()), ["age"], SPLIT, ("id",))
    result = optimal_bins(candidate_sums(rows, None)["age"], rows.candidates["age"], BinningRules(size=4))
    merged = merge_levels(result.spec, list(result.levels["level"][:2]))
    assert rows.fit([merged]).statistics.deviance >= rows.fit([result.spec]).statistics.deviance
