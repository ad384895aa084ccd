"""Infinities are special values of their own: in studies, in learned edges, in scores, records and SQL."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import numpy as np
import pytest

from glm_local import fit_glm
from glm_local.binning.rules import BinningRules
from glm_local.errors import DataError
from glm_local.on_pandas.studies import GLMStudy
from tests.study.infinite_rows import infinite_rows

SPECIAL = [-math.inf, math.inf]


def study(value: float, share: float, few: bool, **asked: Any) -> GLMStudy:
    known = {"target": "bad", "family": "binomial", "key": "id", "candidates": ["x"], "name": "s", "user": "u"}
    return GLMStudy(infinite_rows(value, share, few), **{**known, **asked})


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
@pytest.mark.parametrize("value", SPECIAL)
def test_an_infinity_has_a_bin_of_its_own_in_a_study(value: float, share: float, few: bool) -> None:
    frame = infinite_rows(value, share, few)
    found = study(value, share, few)
    found.factor("x").optimize(BinningRules(min_rows=20)).accept("Infinite is a state.")
    predicted = found.model.predict(frame, "mean")["prediction"]
    infinite = np.isinf(frame["x"])
    train = frame.loc[infinite, "bad"].mean()
    assert predicted[infinite].mean() == pytest.approx(train, abs=0.06)
    assert predicted[~infinite].mean() == pytest.approx(frame.loc[~infinite, "bad"].mean(), abs=0.02)
    unknown = found.model.predict({"x": math.copysign(1e300, value)})
    assert unknown == pytest.approx(predicted[~infinite].iloc[frame.loc[~infinite, "x"].argmax()], abs=0.1)


def test_an_infinity_is_allowed_among_special_values_and_kept_when_a_study_is_opened_again(tmp_path: Any) -> None:
    candidate = {"kind": "numeric", "name": "x", "special": [math.inf, "-inf", 3.0]}
    found = study(math.inf, 0.2, False, candidates=[candidate], store=str(tmp_path))
    edges = found.bench.rows.candidates["x"].fine.edges
    assert edges[0] == -edges[-1] == -1.7976931348623157e308
    assert 3.0 in edges
    again = GLMStudy.load(str(tmp_path), "s", infinite_rows(math.inf, 0.2, False))
    assert again.bench.rows.candidates["x"].fine.edges == edges
    with pytest.raises(DataError, match="special is"):
        _ = study(math.inf, 0.2, False, candidates=[{**candidate, "special": [math.nan]}]).samples


@pytest.mark.parametrize("value", SPECIAL)
@pytest.mark.parametrize("method", ["quantile", "uniform"])
def test_every_reader_scores_an_infinity_alike(value: float, method: str) -> None:
    frame = infinite_rows(value, 0.1, False)
    factor = {
        "kind": "numeric",
        "name": "x",
        "column": "x",
        "edges": {"method": method, "bins": 4},
        "missing": "refuse",
    }
    model = fit_glm(frame, target="bad", factors=[factor], family="binomial")
    predicted = model.predict(frame, "mean")["prediction"]
    infinite = np.isinf(frame["x"])
    assert predicted[infinite].to_numpy() == pytest.approx(frame.loc[infinite, "bad"].mean())
    assert model.predict({"x": value}) == pytest.approx(predicted[infinite].iloc[0])
    sql = model.to_sql("duckdb")
    scored = duckdb.sql(f"SELECT id, {sql} AS p FROM frame ORDER BY id").df()["p"]
    assert scored.to_numpy() == pytest.approx(predicted.to_numpy(), rel=1e-12)
