"""A hinge term: how far a number lies beyond a knot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm, load_model
from glm_local.errors import SpecError
from glm_local.factors.factor_spec import SPEC_OF_KIND
from glm_local.factors.kind import KINDS
from glm_local.factors.spec_problems import read_factor
from glm_local.factors.spec_words import spec_words

BELOW: dict[str, Any] = {"kind": "hinge", "name": "young", "column": "age", "knot": 25, "side": "below"}
ABOVE: dict[str, Any] = {"kind": "hinge", "name": "old", "column": "age", "knot": 60, "missing": 0}


def _rows() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    age = draw.uniform(18, 80, 3_000).round(1)
    mean = np.exp(-0.5 + 0.1 * np.maximum(25 - age, 0) + 0.03 * np.maximum(age - 60, 0))
    frame = pd.DataFrame({"age": age, "y": draw.poisson(mean).astype(float)})
    frame.loc[::50, "age"] = np.nan
    return frame


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_a_hinge_is_the_column_of_distances_beyond_its_knot(solver: Any, tmp_path: Any) -> None:
    frame = _rows()
    model = fit_glm(frame, target="y", factors=[{**BELOW, "missing": "mean"}, ABOVE], solver=solver)
    young, old = np.maximum(25 - frame["age"], 0), np.maximum(frame["age"] - 60, 0).fillna(0.0)
    columns = frame.assign(young=young.fillna(young.mean()), old=old)
    plain = [{"kind": "linear", "name": one, "column": one, "missing": "refuse"} for one in ("young", "old")]
    other = fit_glm(columns, target="y", factors=plain)
    ours, theirs = (
        np.array([one.estimate for one in fit.document.coefficients], dtype=np.float64) for fit in (model, other)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    fitted = model.predict(frame)["prediction"]
    np.testing.assert_allclose(fitted, other.predict(columns)["prediction"], rtol=1e-10)
    assert fitted.sum() == pytest.approx(frame["y"].sum())
    model.save(tmp_path / "model.json")
    np.testing.assert_array_equal(load_model(tmp_path / "model.json").predict(frame)["prediction"], fitted)


def test_a_hinge_crossed_with_levels_has_a_slope_by_cell() -> None:
    frame = _rows().dropna().assign(area=lambda rows: np.where(rows.index % 2, "A", "B"))
    area = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "refuse"}
    crossing = {"kind": "interaction", "name": "old by area", "factors": ["old", "area"], "unseen": "refuse"}
    model = fit_glm(frame, target="y", factors=[ABOVE, area, crossing])
    assert [one.term for one in model.document.coefficients if one.factor == "old by area"]
    assert model.predict(frame)["prediction"].sum() == pytest.approx(frame["y"].sum())


def test_a_hinge_is_told_in_words_and_refused_with_its_own_rules() -> None:
    assert spec_words({**BELOW, "missing": "refuse"})[0].startswith("Column age as how far it lies below 25")
    with pytest.raises(SpecError, match="A hinge has a knot"):
        read_factor({"kind": "hinge", "name": "young", "column": "age", "missing": "refuse"})
    with pytest.raises(SpecError, match="Nearest: 'below'"):
        read_factor({**BELOW, "side": "bellow", "missing": "refuse"})


def test_a_hinge_on_the_targets_own_column_is_refused() -> None:
    with pytest.raises(SpecError, match="which is the target"):
        fit_glm(_rows(), target="y", factors=[{**ABOVE, "column": "y"}])


def test_every_kind_has_one_entry_and_one_specification() -> None:
    assert list(KINDS) == list(SPEC_OF_KIND)
    for name, kind in KINDS.items():
        assert set(kind.required) <= set(kind.fields)
        assert kind.values == SPEC_OF_KIND[name].values
