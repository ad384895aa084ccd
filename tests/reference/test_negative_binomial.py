"""Negative binomial models at R's theta: coefficients, errors, deviances and likelihoods of `glm.nb` (MASS)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glm_local import fit_glm
from tests.expected.golden import figures, rows

CASES: dict[str, tuple[str, str, tuple[str | tuple[str, str], ...]]] = {
    "warpbreaks_nb": ("warpbreaks", "breaks", (("wool", "A"), ("tension", "L"))),
    "quine_nb_main": ("quine", "Days", (("Eth", "A"), ("Sex", "F"), ("Age", "F0"), ("Lrn", "AL"))),
    "recreation_nb": (
        "recreation",
        "trips",
        ("quality", ("ski", "no"), "income", ("userfee", "no"), "costC", "costS", "costH"),
    ),
    "nmes_nb": (
        "nmes",
        "visits",
        ("hospital", ("health", "average"), "chronic", ("gender", "female"), "school", ("insurance", "no")),
    ),
    "biochemists_nb": ("biochemists", "art", (("fem", "Men"), ("mar", "Single"), "kid5", "phd", "ment")),
}


def _term(one: str | tuple[str, str]) -> dict[str, Any]:
    if isinstance(one, str):
        return {"kind": "linear", "name": one, "column": one, "missing": "refuse"}
    name, base = one
    return {
        "kind": "categorical",
        "name": name,
        "column": name,
        "missing": "refuse",
        "unseen": "refuse",
        "base": {"level": base},
    }


@pytest.mark.parametrize("solver", ["auto", "blocks"])
@pytest.mark.parametrize("case", CASES)
def test_a_negative_binomial_fit_at_the_theta_of_r_is_that_of_r(case: str, solver: Any) -> None:
    name, target, terms = CASES[case]
    expected, frame = figures(case), rows(name)
    family = {"family": "negative_binomial", "theta": expected["theta"]}
    model = fit_glm(frame, target=target, factors=[_term(one) for one in terms], family=family, solver=solver)
    ours = {
        f"{one.factor}{one.level}" if one.level else one.term: (one.estimate, one.std_error)
        for one in model.document.coefficients
        if one.status == "fitted"
    }
    # R stops at a relative change of the deviance of 1e-8: its coefficients are right to some 1e-7 of their errors.
    for coefficient, value in expected["coef"].items():
        estimate, error = ours[coefficient]
        assert abs(estimate - value) <= 1e-6 * expected["se"][coefficient]
        assert error == pytest.approx(expected["se"][coefficient], rel=1e-8)
    statistics = model.document.statistics
    assert statistics.deviance == pytest.approx(expected["deviance"], rel=1e-10)
    assert statistics.null_deviance == pytest.approx(expected["null_deviance_at_theta"], rel=1e-10)
    assert statistics.log_likelihood == pytest.approx(expected["loglik"], rel=1e-10)
    assert statistics.aic == pytest.approx(expected["aic"] - 2, rel=1e-10)  # R counts the theta it estimates
    fitted = np.asarray(model.predict(frame)["prediction"], dtype=np.float64)
    theta = expected["theta"]
    y = frame[target].to_numpy(np.float64)
    assert abs(np.sum((y - fitted) / (1 + fitted / theta))) <= 1e-6 * y.sum()  # the intercept's score vanishes
