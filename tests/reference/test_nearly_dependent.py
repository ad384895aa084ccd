"""Columns that nearly depend on each other: R's rule of what is aliased, and figures held against 60 digits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glm_local
from tests.reference.exact_fit import exact_fit, kept_by_r

AGES = np.arange(18.0, 81.0)
RATES = np.round(30 * np.exp(-2 + 0.8 * np.cos(AGES / 12)) + 0.4 * np.sin(7 * AGES) + 0.5) / 30


def linear(name: str) -> dict[str, Any]:
    return {"kind": "linear", "name": name, "column": name, "missing": "refuse"}


def category(name: str, base: str) -> dict[str, Any]:
    return {
        "kind": "categorical",
        "name": name,
        "column": name,
        "missing": "refuse",
        "unseen": "refuse",
        "base": {"level": base},
    }


def powers(degree: int) -> pd.DataFrame:
    return pd.DataFrame({f"age{k}": AGES**k for k in range(1, degree + 1)} | {"rate": RATES, "years": 30.0})


@pytest.mark.parametrize("degree", [3, 6, 9, 12])
def test_raw_powers_of_an_age_have_the_estimates_and_standard_errors_of_exact_arithmetic(degree: int) -> None:
    rows = powers(degree)
    names = [f"age{k}" for k in range(1, degree + 1)]
    model = glm_local.fit_glm(rows, target="rate", factors=[linear(one) for one in names], weight="years")
    columns = [np.ones(len(rows)), *(rows[one].to_numpy() for one in names)]
    estimates, errors, means = exact_fit(columns, rows["rate"].to_numpy(), rows["years"].to_numpy(), log=True)
    for line, estimate, error in zip(model.document.coefficients, estimates, errors, strict=True):
        assert line.std_error == pytest.approx(float(error), rel=1e-8), line.term
        assert abs(Decimal(line.estimate) - estimate) < Decimal("1e-8") * error, line.term
    assert model.predict(rows)["prediction"].to_numpy() == pytest.approx([float(one) for one in means], rel=1e-6)


def test_a_design_says_its_condition_and_that_digits_are_lost() -> None:
    few, many = (
        glm_local.fit_glm(
            powers(d), target="rate", factors=[linear(f"age{k}") for k in range(1, d + 1)], weight="years"
        )
        for d in (2, 12)
    )
    assert few.document.convergence.condition_number < 100
    assert few.document.warnings == ()
    assert many.document.convergence.condition_number > 1e10
    assert "digits are left to predictions" in many.document.warnings[-1]


N = 40
RANDOM = np.random.default_rng(4)
X, Z, NOISE = RANDOM.normal(size=(3, N))
A, B = np.array(list("pqrs"))[RANDOM.integers(0, 4, N)], np.array(list("uvw"))[RANDOM.integers(0, 3, N)]
OF_LEVEL = pd.Series(A).map({"p": 1.0, "q": 2.0, "r": 5.0, "s": -3.0}).to_numpy()
LEVELS = {"a": category("a", "p"), "b": category("b", "u")}

NEAR = {
    **{f"apart by {apart:g}": (X + apart * Z, "x w") for apart in (1e-4, 1e-5, 1e-8, 1e-10, 1e-13, 0.0)},
    **{f"mean {mean:g}": (mean + Z, "w a") for mean in (1e6, 1e9, -3e10, 1e13)},
    "constant": (np.full(N, 0.1), "w a"),
    "nothing": (np.zeros(N), "w a"),
    "another, moved and scaled": (8 * X - 1, "x w a"),
    **{f"of a level, {scale:g}": (OF_LEVEL * scale, order) for scale in (1.0, 1e30) for order in ("a w", "w a")},
    **{
        f"level and {apart:g}, {order}": (100 * OF_LEVEL + X + apart * Z, order)
        for apart in (1e-6, 1e-9, 1e-14)
        for order in ("w b a x", "x a b w")
    },
}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("case", NEAR)
def test_what_is_aliased_is_what_r_drops_and_the_rest_is_exact(case: str, intercept: bool) -> None:
    column, order = NEAR[case]
    rows = pd.DataFrame({"x": X, "w": column, "a": A, "b": B, "y": 3 + Z + NOISE})
    factors = [LEVELS.get(name) or linear(name) for name in order.split()]
    model = glm_local.fit_glm(rows, target="y", factors=factors, family="gaussian", intercept=intercept)
    design = _design(rows, order.split(), intercept)
    kept = kept_by_r(list(design.items()))
    assert {one.term for one in model.document.coefficients if one.status == "fitted"} == set(kept)
    estimates, errors, means = exact_fit([design[name] for name in kept], rows["y"].to_numpy())
    scale = Decimal(model.statistics.dispersion).sqrt()
    lines = {one.term: one for one in model.document.coefficients}
    for name, estimate, error in zip(kept, estimates, errors, strict=True):
        assert lines[name].std_error == pytest.approx(float(error * scale), rel=1e-8), name
        assert abs(Decimal(lines[name].estimate) - estimate) < Decimal("1e-8") * error * scale, name
    lost = max(1e-9, 1e-15 * model.document.convergence.condition_number)
    assert model.predict(rows)["prediction"].to_numpy() == pytest.approx([float(one) for one in means], abs=lost)


def _design(rows: pd.DataFrame, order: list[str], intercept: bool) -> dict[str, np.ndarray]:
    columns = {"(Intercept)": np.ones(len(rows))} if intercept else {}
    full = not intercept
    for name in order:
        if name not in LEVELS:
            columns[name] = rows[name].to_numpy()
            continue
        base = LEVELS[name]["base"]["level"]
        levels = [one for one in sorted(set(rows[name])) if full or one != base]
        columns |= {f"{name}={one}": (rows[name] == one).to_numpy(dtype=float) for one in levels}
        full = False
    return columns


def test_a_penalty_on_nearly_equal_columns_shares_the_slope_between_them() -> None:
    rows = pd.DataFrame({"x": X, "w": X + 1e-9 * Z, "y": 3 + X + NOISE})
    both = glm_local.fit_glm(rows, target="y", factors=[linear("x"), linear("w")], family="gaussian", ridge=1.0)
    one = glm_local.fit_glm(rows, target="y", factors=[linear("x")], family="gaussian", ridge=0.5)
    slopes = [line.estimate for line in both.document.coefficients[1:]]
    assert slopes == pytest.approx([one.document.coefficients[1].estimate / 2] * 2, rel=1e-6)
    np.testing.assert_allclose(both.predict(rows)["prediction"], one.predict(rows)["prediction"], rtol=1e-7)
