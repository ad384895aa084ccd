"""Fits with as many coefficients as rows, with next to no rows, and of rows that lie on the line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm

LINE = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}


@pytest.mark.parametrize("solver", ["cells", "blocks"])
@pytest.mark.parametrize("family", ["gaussian", "gamma"])
def test_without_degrees_of_freedom_dispersion_and_standard_errors_are_null(family: str, solver: Any) -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [1.0, 3.0]})
    model = fit_glm(frame, target="y", factors=[LINE], family=family, solver=solver)
    assert model.statistics.dispersion is None
    assert [one.std_error for one in model.document.coefficients] == [None, None]
    assert [one.p_value for one in model.document.coefficients] == [None, None]
    assert model.covariance().isna().all().all()
    assert any("no degree of freedom is left" in one for one in model.warnings)
    np.testing.assert_allclose(model.predict(frame)["prediction"], frame["y"], rtol=1e-9)
    assert "unknown" in model.summary()


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("family", ["gaussian", "poisson", "gamma", "tweedie(1.5)"])
def test_a_fit_on_one_or_two_rows_warns(family: str, rows: int) -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0][:rows]})
    model = fit_glm(frame, target="y", factors=[], family=family)
    assert any(f"Fitted on {rows} row" in one for one in model.warnings)
    np.testing.assert_allclose(model.predict(frame)["prediction"], frame["y"].mean(), rtol=1e-9)
