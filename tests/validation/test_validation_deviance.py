"""Unit deviances as expressions against the families' own, and null deviances from sums."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from glm_local.errors import SpecError
from glm_local.expressions.expression import Literal, Read
from glm_local.families.families import family_from
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation.report_tables import validation_report
from glm_local.validation.unit_deviance import unit_deviance_expression

ENGINE = PandasEngine()
FAMILIES = [
    "gaussian",
    "poisson",
    "gamma",
    "inverse_gaussian",
    "tweedie(1.2)",
    "tweedie(1.7)",
    "tweedie(2.5)",
    "binomial",
]
Y, MU, E, W = Read("y"), Read("mu"), Read("e"), Read("w")


def rows_of(family_name: str) -> pd.DataFrame:
    family, draw = family_from(family_name), np.random.default_rng(3)
    mu = draw.uniform(0.05, 0.95, 400) if family.domain == "unit" else draw.gamma(2.0, 1.5, 400) + 0.01
    y = {
        "real": mu + draw.normal(0, 2, 400),
        "unit": draw.choice([0.0, 1.0, 0.25, 0.5], 400),
        "nonnegative": draw.poisson(mu).astype(float),
        "positive": mu * draw.gamma(2.0, 0.5, 400),
    }[family.domain]
    y[:20] = mu[:20]
    return pd.DataFrame({"y": y, "mu": mu, "e": draw.uniform(0.1, 1, 400), "w": draw.uniform(0.5, 3, 400)})


def evaluated(frame: pd.DataFrame, **expressions: object) -> pd.DataFrame:
    return ENGINE.with_columns(frame, expressions)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_unit_deviance_is_that_of_the_family(name: str) -> None:
    family, frame = family_from(name), rows_of(name)
    found = evaluated(frame, d=unit_deviance_expression(family, Y, MU))["d"].to_numpy()
    expected = family.unit_deviance(frame["y"].to_numpy(), frame["mu"].to_numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_variance_is_that_of_the_family(name: str) -> None:
    family, frame = family_from(name), rows_of(name)
    found = evaluated(frame, v=family.variance_expression(MU))["v"].to_numpy()
    np.testing.assert_allclose(found, family.variance(frame["mu"].to_numpy()), rtol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_null_deviance_is_the_smallest_a_constant_rate_can_have(name: str) -> None:
    family, frame = family_from(name), rows_of(name)
    exposure = Literal(1.0) if family.binary else E
    e = np.ones(len(frame)) if family.binary else frame["e"].to_numpy()
    terms = evaluated(frame, **family.null_sums(Y, exposure, W))
    sums = {key: float(terms[key].sum()) for key in ("null_saturated", "null_amount", "null_volume")}
    best = sums["null_amount"] / sums["null_volume"]

    def deviance(rate: float) -> float:
        return float(np.sum(frame["w"] * family.unit_deviance(frame["y"].to_numpy(), e * rate)))

    saturated, fitted = family.null_parts(sums)
    assert saturated - fitted == pytest.approx(deviance(best), rel=1e-10)
    assert deviance(best) < min(deviance(best * 1.01), deviance(best * 0.99))


@pytest.mark.parametrize(
    ("name", "mean", "spread"),
    [
        ("gaussian", 1e9, 1.0),
        ("gaussian", 0.0, 1e-9),
        ("gamma", 3e4, 1e-6),
        ("poisson", 1e10, 1e-5),
        ("tweedie(1.5)", 1e8, 1e-6),
        ("inverse_gaussian", 5.0, 1e-6),
        ("binomial", 0.4, 1e-7),
        ("gamma", 1e-12, 1.0),
    ],
)
def test_the_null_deviance_keeps_its_digits_where_targets_vary_little_beside_their_size(
    name: str, mean: float, spread: float
) -> None:
    family, draw, counted = family_from(name), np.random.default_rng(5), PandasEngine()
    size = np.exp(spread * draw.normal(size=300)) if name != "gaussian" else 1.0
    y = mean * size if name != "gaussian" else mean + spread * draw.normal(size=300)
    frame = pd.DataFrame({"y": y, "m": np.full(300, mean or 1e-9), "s": np.repeat(["train", "holdout"], [200, 100])})
    table = validation_report(counted, frame, target="y", prediction="m", family=name, sample="s").summary
    for line, rows in zip(table.itertuples(), (frame[:200], frame[200:]), strict=True):
        own = rows["y"].to_numpy()
        wide = own.astype(np.longdouble)
        excess = (wide - wide.mean()) / wide.mean() if name != "gaussian" else wide
        expected = float(np.sum(family.unit_deviance(own, np.full(len(own), float(wide.mean())))))
        if spread < 1e-3 and name != "gaussian":  # d(y, mu) = (y - mu)^2 / V(mu) there, to a millionth
            expected = float(np.sum(excess**2) * wide.mean() ** 2 / family.variance(np.array([float(wide.mean())]))[0])
        assert line.null_deviance == pytest.approx(expected, rel=3e-5 if spread < 1e-3 else 1e-10)
        assert line.null_deviance > 0
    assert counted.passes.raw == (2 if spread < 1e-4 * max(mean, 1e-300) else 1)


def test_a_value_outside_the_family_has_no_deviance() -> None:
    cases = {
        "poisson": [(-1, 1), (1, 0), (1, -1)],
        "gamma": [(0, 1), (1, 0)],
        "tweedie(1.5)": [(-0.1, 1)],
        "tweedie(2.5)": [(0, 1)],
        "binomial": [(1.1, 0.5), (-0.1, 0.5), (1, 0), (0, 1), (0.5, 1.2)],
    }
    for name, pairs in cases.items():
        family = family_from(name)
        frame = pd.DataFrame(pairs, columns=["y", "mu"], dtype=float)
        found = evaluated(frame, d=unit_deviance_expression(family, Y, MU))["d"]
        assert found.isna().all(), name


def test_a_certain_prediction_that_came_true_has_deviance_zero() -> None:
    frame = pd.DataFrame({"y": [0.0, 1.0], "mu": [0.0, 1.0]})
    assert evaluated(frame, d=unit_deviance_expression("binomial", Y, MU))["d"].tolist() == [0.0, 0.0]


def test_zero_claims_cost_twice_their_prediction() -> None:
    frame = pd.DataFrame({"y": [0.0], "mu": [0.3]})
    assert evaluated(frame, d=unit_deviance_expression("poisson", Y, MU))["d"].tolist() == [0.6]


def test_a_sample_without_anything_observed_has_no_null_deviance() -> None:
    assert math.isnan(
        family_from("poisson").null_parts({"null_saturated": 0.0, "null_amount": 0.0, "null_volume": 5.0})[1]
    )


def test_a_variance_power_between_zero_and_one_is_refused() -> None:
    with pytest.raises(SpecError, match="variance power"):
        unit_deviance_expression("tweedie(0.5)", Y, MU)
