"""A weight has no unit: what a study finds does not depend on whether it is in units, thousands or millionths."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import GLMStudy
from glm_local.errors import DataError
from glm_local.inference.thin_levels import thin_levels

Array = np.ndarray[Any, Any]

FAMILIES = ("poisson", "binomial")
SCALES = (1e-6, 1e5)


def rows_of(family: str) -> pd.DataFrame:
    draw = np.random.default_rng(7)
    many = 4_000
    strong, noise = draw.normal(size=many), draw.normal(size=many)
    place = draw.choice(list("ABC"), size=many, p=[0.6, 0.39, 0.01])
    logit = -1.2 + 0.6 * strong
    target = draw.poisson(np.exp(logit)) if family == "poisson" else draw.random(many) < 1 / (1 + np.exp(-logit))
    weight = draw.choice([1.0, 2.0, 3.0], size=many)
    return pd.DataFrame(
        {
            "id": np.arange(many),
            "strong": strong,
            "noise": noise,
            "place": place,
            "y": target.astype(float),
            "w": weight,
        }
    )


@cache
def studied(family: str, scale: float) -> GLMStudy:
    frame = rows_of(family)
    frame["w"] *= scale
    study = GLMStudy(
        frame,
        target="y",
        family=family,
        weight="w",
        key="id",
        name="s",
        user="ann",
        candidates=["strong", "noise", "place"],
    )
    place: dict[str, Any] = {
        "kind": "categorical",
        "name": "place",
        "column": "place",
        "missing": "refuse",
        "unseen": "refuse",
    }
    return study.auto_design().accept("place", place, reason="to look at a thin level")


def estimates(study: GLMStudy, what: str) -> Array:
    return np.array([getattr(one, what) for one in study.model.document.coefficients if one.status == "fitted"])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", SCALES)
def test_the_same_factors_levels_and_errors_are_found_whatever_the_unit_of_weights(family: str, scale: float) -> None:
    plain, other = studied(family, 1.0), studied(family, scale)
    assert "strong" in [one.name for one in plain.model.document.factors]
    terms = [[one.term for one in study.model.document.coefficients] for study in (plain, other)]
    assert terms[0] == terms[1]
    assert estimates(other, "estimate") == pytest.approx(estimates(plain, "estimate"), rel=1e-7, abs=1e-9)
    assert estimates(other, "std_error") == pytest.approx(estimates(plain, "std_error"), rel=1e-6)
    assert estimates(other, "p_value") == pytest.approx(estimates(plain, "p_value"), rel=1e-5)
    ranked = [study.rank_candidates().table.set_index("factor")["p_value"].sort_index() for study in (plain, other)]
    assert ranked[1].to_numpy() == pytest.approx(ranked[0].to_numpy(), rel=1e-5, nan_ok=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_levels_are_thin_and_no_unit_of_weights_makes_rows_spread_more(family: str) -> None:
    plain = studied(family, 1.0).model.document
    for scale in SCALES:
        other = studied(family, scale).model.document
        assert list(thin_levels(other)) == list(thin_levels(plain))
        assert other.warnings == plain.warnings


def few_events(family: str, scale: float) -> GLMStudy:
    """Fifteen events among 900 rows: too few for two levels or a cell."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "id": np.arange(900),
            "x": draw.normal(size=900),
            "a": draw.choice(list("pq"), 900),
            "b": draw.choice(list("uv"), 900),
            "w": draw.choice([1.0, 2.0], 900) * scale,
        }
    )
    frame["y"] = (frame["id"] < 15).astype(float)
    return GLMStudy(
        frame, target="y", family=family, weight="w", key="id", name="s", user="ann", candidates=["x", "a", "b"]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_floors_in_screening_and_crossings_say_that_they_are_over_the_dispersion(family: str) -> None:
    counted = "expected events" if family == "poisson" else "expected events × non-events / rows"
    study = few_events(family, 1.0)
    flags = study.rank_candidates().table.set_index("factor")["flags"]
    assert f"no two levels hold 30 rows and 10 {counted} over the dispersion each" in flags["x"]
    for name in ("a", "b"):
        study.accept(
            name,
            {
                "kind": "categorical",
                "name": name,
                "column": name,
                "missing": "refuse",
                "unseen": "refuse",
                "levels": "learn",
            },
            reason="to cross",
        )
    with pytest.raises(DataError, match=r"needs 30 rows and 10 expected events.* over the dispersion, and observed"):
        study.test_interaction("a", "b")


@pytest.mark.parametrize("family", FAMILIES)
def test_leakage_is_suspected_whatever_the_unit_of_weights(family: str) -> None:
    def flags(scale: float) -> list[str]:
        frame = rows_of(family)
        frame["w"] *= scale
        frame.loc[frame["place"] == "B", "y"] = 0.0
        study = GLMStudy(
            frame, target="y", family=family, weight="w", key="id", name="s", user="ann", candidates=["place"]
        )
        return list(study.rank_candidates().table["flags"])

    assert "leakage? no event in 'B'" in flags(1.0)[0]
    assert "expected over the dispersion" in flags(1.0)[0]
    assert flags(1e-6) == flags(1.0) == flags(1e5)
