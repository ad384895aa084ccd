"""Unit deviances far from the mean and close to it, against 60 digits (mpmath); and what cells keep of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm, gamma_deviance, mean_deviance
from glm_local.expressions.expression import Read
from glm_local.families.families import family_from
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.sql.statement import print_sql
from glm_local.validation.unit_deviance import unit_deviance_expression

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CASES: list[tuple[float | str, float, float, float]] = [
    (2.0, 1e-12, 60000.0, 75.266241914265572),
    (2.0, 2.273181642920008e-14, 1.0, 60.830021693887891),
    (2.0, 1e-300, 1e100, 1840.0680743952365),
    (2.0, 3.0, 3.0000000030000002, 1.0000001641474152e-18),
    (1.9, 1e-20, 1000000.0, 79.399211888477256),
    (1.9, 1e-20, 3.0, 22.10024125845585),
    (1.9, 1000000000000.0, 0.001, 1113749408060262.3),
    (1.5, 1e-250, 1000.0, 126.49110640673517),
    (1.5, 1e-11, 1e-09, 0.00010245779618945549),
    (1.2, 1000000000.0, 1e-200, 9.9999999999997977e49),
    (1.0, 1e-12, 60000.0, 119999.99999999992),
    (1.0, 10000000000.0, 1e-300, 14256027576563.083),
    (1.0, 1e-300, 1e-10, 2.0000000000000001e-10),
    (1.0, 7.0, 6.9999999299999995, 7.0000001392177586e-16),
    (2.5, 1e-12, 1000.0, 2666666.5401755603),
    (2.5, 1000000.0, 0.0001, 1333333332933.3359),
    (3.0, 1e-12, 60000.0, 999999999999.99999),
    (3.0, 1000000.0, 1e-05, 9999999999799998.4),
    (1.001, 1e-09, 1.0, 2.0020019580791115),
    (1.999, 1e-09, 1.0, 39.059088272875172),
    (2.001, 1e-09, 1.0, 39.839128289070796),
    ("binomial", 0.5, 1e-308, 707.80991428104618),
    ("binomial", 1e-20, 0.3, 0.71334988787746473),
    ("binomial", 1e-09, 1.000001e-09, 9.999993341441954e-22),
]
LINE = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
LEVELS = {"kind": "categorical", "name": "g", "column": "g", "missing": "refuse", "unseen": "refuse"}


def named(power: float | str) -> Any:
    return power if isinstance(power, str) else {"family": "tweedie", "power": power}


@pytest.mark.parametrize(("power", "y", "mu", "exact"), CASES)
def test_a_unit_deviance_is_right_however_far_a_response_lies_from_its_mean(
    power: float | str, y: float, mu: float, exact: float
) -> None:
    family = family_from(named(power))
    assert mean_deviance(family, [y], [mu]) == pytest.approx(exact, rel=3e-13)
    frame = pd.DataFrame({"y": [y], "mu": [mu]})
    expression = unit_deviance_expression(family, Read("y"), Read("mu"))
    found = PandasEngine().with_columns(frame, {"d": expression})["d"]
    assert found[0] == pytest.approx(exact, rel=1e-11)


def test_a_unit_deviance_on_spark_is_right_however_far_a_response_lies_from_its_mean(spark: SparkSession) -> None:
    from glm_spark.spark_engine import SparkEngine

    frame = spark.createDataFrame([(str(power), y, mu) for power, y, mu, _ in CASES], "p string, y double, mu double")
    powers = sorted({str(power) for power, *_ in CASES})
    families = {one: family_from(named(one if one == "binomial" else float(one))) for one in powers}
    columns = {
        f"d{at}": unit_deviance_expression(families[one], Read("y"), Read("mu")) for at, one in enumerate(powers)
    }
    for row in SparkEngine(spark).with_columns(frame, columns).collect():
        exact = next(d for power, y, mu, d in CASES if (str(power), y, mu) == (row["p"], row["y"], row["mu"]))
        assert row[f"d{powers.index(row['p'])}"] == pytest.approx(exact, rel=1e-11)


def test_the_sql_of_a_deviance_stays_short() -> None:
    for family in ("poisson", "tweedie(1.5)", "gamma", "binomial", "negative_binomial(2)"):
        expression = unit_deviance_expression(family, Read("y"), Read("mu"))
        assert len(print_sql(expression, {"y": "float64", "mu": "float64"}, "spark")) < 12_000


def test_the_issue_s_gamma_deviance_is_finite() -> None:
    assert gamma_deviance([1e-12], [6e4]) == pytest.approx(75.2662, abs=5e-5)


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_a_gamma_fit_of_one_response_that_is_nearly_0_has_its_exact_deviance(solver: Any) -> None:
    y = np.append(np.array([1.0, 2, 3, 4, 2, 3, 5, 1]), 1000.1 - 1000 - 0.1)
    frame = pd.DataFrame({"y": y, "g": ["a", "b", "c"] * 3})
    model = fit_glm(frame, target="y", factors=[LEVELS], family="gamma", solver=solver)
    means = frame.groupby("g")["y"].transform("mean").to_numpy()
    np.testing.assert_allclose(model.predict(frame)["prediction"], means, rtol=1e-9)
    expected = 2 * np.sum((y - means) / means - np.log(y / means))
    assert model.statistics.deviance == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("family", ["gaussian", "gamma", "poisson", "inverse_gaussian", "tweedie(1.5)"])
def test_cells_keep_the_deviance_of_rows_that_differ_in_the_fifth_digit(family: str) -> None:
    draw = np.random.default_rng(2)
    group = np.tile(["a", "b", "c", "d"], 500)
    y = np.tile([1e6, 2e6, 3e6, 5e6], 500) * (1 + 1e-5 * draw.normal(size=2000))
    frame = pd.DataFrame({"y": y, "g": group, "w": draw.uniform(0.5, 2, 2000)})
    cells, blocks = (
        fit_glm(frame, target="y", factors=[LEVELS], family=family, link="log", weight="w", solver=solver).statistics
        for solver in ("cells", "blocks")
    )
    assert cells.deviance == pytest.approx(blocks.deviance, rel=1e-6)
    assert cells.pearson_chi2 == pytest.approx(blocks.pearson_chi2, rel=1e-6)
    assert cells.deviance > 0
