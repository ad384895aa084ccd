"""Pinned levels: set by hand, kept by the fit, the score, the SQL and the second opinion."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm, load_model
from glm_local.errors import SpecError
from glm_local.factors.factors import categorical, numeric
from glm_local.inference.verify_fit import verify_fit
from glm_local.models.fit_frame import LOCAL_REFERENCES
from glm_local.models.model import Model
from glm_local.pandas_rows.pandas_engine import PandasEngine
from tests.suites.candidates_suite import motor

FACTORS = [
    categorical("town", missing="own_level", unseen="base"),
    numeric("power", edges=[6, 9, 12], missing="refuse", source="integer"),
]
PINS = {"town": {"c": 1.5, "d": 0.9}}


def pinned(solver: str = "auto") -> Model[pd.DataFrame]:
    return fit_glm(motor(), target="claims", factors=FACTORS, exposure="exposure", pins=PINS, solver=solver)  # type: ignore[arg-type]


@pytest.mark.parametrize("solver", ["cells", "blocks", "statsmodels"])
def test_a_pinned_level_keeps_its_relativity_and_the_others_are_fitted_around_it(solver: str) -> None:
    model = pinned(solver)
    lines = model.coefficients.set_index("term")
    assert lines.loc["town=c", "status"] == "pinned"
    assert lines.loc["town=c", "relativity"] == pytest.approx(1.5)
    assert np.isnan(lines.loc["town=c", "std_error"])
    policies = motor()
    fixed = policies["town"].map(PINS["town"]).fillna(1.0)
    merged = policies.assign(town=policies["town"].where(~policies["town"].isin(["c", "d"]), "a"), offset=np.log(fixed))
    by_offset = fit_glm(merged, target="claims", factors=FACTORS, exposure="exposure", offset="offset")
    other = by_offset.coefficients.set_index("term")
    for term in ("(Intercept)", "town=b", "town=missing", "power=(9, 12]"):
        assert lines.loc[term, "estimate"] == pytest.approx(other.loc[term, "estimate"], abs=1e-9)


def test_scores_of_a_pinned_model_use_the_pin() -> None:
    model = pinned()
    row = {"town": "a", "power": 5, "exposure": 1.0}
    assert model.predict(row | {"town": "c"}) == pytest.approx(1.5 * model.predict(row))
    again = load_model(json.loads(model.to_json()))
    assert again.predict(row | {"town": "c"}) == model.predict(row | {"town": "c"})


def test_the_second_opinion_agrees_on_a_pinned_model() -> None:
    model = pinned()
    opinion = verify_fit(PandasEngine(), motor(), model.document, "statsmodels", LOCAL_REFERENCES["statsmodels"])
    assert opinion.verdict == "agrees"


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        ({"twn": {"c": 1.5}}, "Nearest: 'town'"),
        ({"town": {"C": 1.5}}, "'C' is not a level"),
        ({"town": {"c": 0}}, "above 0"),
        ({"town": {"c": float("nan")}}, "above 0"),
        ({"town": {"c": True}}, "above 0"),
    ],
)
def test_a_pin_that_cannot_be_is_told_with_the_way_out(pins: dict[str, dict[str, float]], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        fit_glm(motor(), target="claims", factors=FACTORS, exposure="exposure", pins=pins)


def test_the_base_level_cannot_be_pinned() -> None:
    based = categorical("town", missing="own_level", unseen="base", base={"level": "b"})
    with pytest.raises(SpecError, match="base level"):
        fit_glm(motor(), target="claims", factors=[based], exposure="exposure", pins={"town": {"b": 2.0}})
