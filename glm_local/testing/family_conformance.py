"""What every family must keep, as a test suite a family's test class inherits.

A subclass says how the family is written, and how to draw responses of given means:

    class TestPoisson(FamilyConformance):
        family = "poisson"
        def responses(self, random: np.random.Generator, mean: Array) -> Array:
            return random.poisson(mean).astype(float)

The suite tries the family in every place that uses one: its own formulas, as numpy and as expressions; fits by both
routes and by an independent solver; screening, binning, validation, a whole study with its page, and SQL.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import minimize

from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.expression import Read
from glm_local.families.families import family_from, resolve_link
from glm_local.families.family import Family
from glm_local.models.model import Model
from glm_local.on_pandas.fitting import fit_glm
from glm_local.on_pandas.studies import GLMStudy

Array = NDArray[np.float64]

AREA: dict[str, Any] = {
    "kind": "categorical",
    "name": "area",
    "column": "area",
    "missing": "refuse",
    "unseen": "refuse",
    "base": {"level": "A"},
}
SLOPE: dict[str, Any] = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}


class FamilyConformance:
    """The suite; see the module's documentation."""

    family: ClassVar[Any]
    link: ClassVar[str | None] = None
    rows: ClassVar[int] = 3_000

    def responses(self, random: np.random.Generator, mean: Array) -> Array:
        """Draw one response per mean."""
        raise NotImplementedError

    @property
    def own(self) -> Family:
        """The family as it is read."""
        return family_from(self.family)

    def means(self) -> Array:
        """Some means inside the family's range, far from its ends and near them."""
        if self.own.domain == "unit":
            return np.array([1e-3, 0.2, 0.5, 0.9, 0.999])
        positive = np.array([1e-3, 0.4, 1.0, 7.5, 300.0])
        return np.concatenate([-positive, positive]) if self.own.domain == "real" else positive

    def pairs(self) -> tuple[Array, Array]:
        """Responses and means, each with each; responses on the border of the domain among them."""
        border = {"unit": [0.0, 1.0], "nonnegative": [0.0]}.get(self.own.domain, [])
        response = np.concatenate([self.means(), border])
        y, mu = np.meshgrid(response, self.means())
        return y.reshape(-1), mu.reshape(-1)

    def frame(self, seed: int = 1) -> pd.DataFrame:
        """Rows with one factor that matters, a slope and noise."""
        random = np.random.default_rng(seed)
        area, x = random.choice(list("ABCD"), self.rows), random.normal(size=self.rows)
        eta = np.select([area == "B", area == "C"], [0.5, -0.4], 0.0) + 0.3 * x
        link = resolve_link(self.own, self.link)
        predictor = eta if link.name in ("log", "logit", "probit", "cloglog") else 4 + eta
        noise = random.choice(list("xyz"), self.rows)
        mean = np.asarray(link.mean(predictor), dtype=np.float64)
        columns = {"row": np.arange(self.rows), "y": self.responses(random, mean), "area": area, "x": x, "noise": noise}
        return pd.DataFrame(columns)

    def fitted(self, frame: pd.DataFrame, *factors: Any, **asked: Any) -> Model[Any]:
        """A fit of the family on some rows."""
        return fit_glm(frame, target="y", factors=list(factors), family=self.family, link=self.link, **asked)

    # -- formulas -------------------------------------------------------------------------------------------------

    def test_the_document_reads_back_as_the_same_family(self) -> None:
        assert family_from(self.own.to_document()) == self.own
        assert family_from(str(self.own)) == self.own

    def test_the_deviance_is_the_integral_of_the_residual_over_the_variance(self) -> None:
        for y, mu in zip(*self.pairs(), strict=True):
            if mu > 0 and self.own.valid_mean(np.array([y]))[0]:
                whole, _ = quad(lambda t, y=y: (y - t) / self.own.variance(np.array([t]))[0], mu, y, epsrel=1e-11)
                assert np.isclose(self._deviance(y, mu), 2 * whole, rtol=1e-7, atol=1e-10)

    def _deviance(self, y: float, mu: float) -> float:
        return float(self.own.unit_deviance(np.array([y]), np.array([mu]))[0])

    def test_the_deviance_is_what_the_objective_lacks_of_the_saturated_one(self) -> None:
        y, mu = self.pairs()
        with np.errstate(all="ignore"):
            lacking = 2 * (self.own.saturated(y) - self.own.objective(y, mu))
        scale = 1 + np.abs(self.own.saturated(y)) + np.abs(self.own.objective(y, mu))
        assert np.all(np.abs(self.own.unit_deviance(y, mu) - lacking) <= 1e-12 * scale)

    def test_the_variance_rises_as_its_derivative_says(self) -> None:
        mu = self.means()
        step = 1e-6 * np.abs(mu) * (1 - np.abs(mu) if self.own.binary else 1)
        rise = (self.own.variance(mu + step) - self.own.variance(mu - step)) / (2 * step)
        assert np.allclose(rise, self.own.variance_derivative(mu), rtol=1e-6, atol=1e-6)

    def test_expressions_say_what_arrays_say(self) -> None:
        y, mu = self.pairs()
        columns = ArrayColumns({"y": y, "mu": mu})
        deviance = evaluate(self.own.deviance_expression(Read("y"), Read("mu")), columns).data
        variance = evaluate(self.own.variance_expression(Read("mu")), columns).data
        assert np.allclose(deviance, self.own.unit_deviance(y, mu), rtol=1e-10, atol=1e-13)
        assert np.allclose(variance, self.own.variance(mu), rtol=1e-14)

    # -- fits -----------------------------------------------------------------------------------------------------

    def test_both_routes_find_the_maximum_and_keep_the_likelihood_of_rows(self) -> None:
        frame = self.frame()
        cells, blocks = (self.fitted(frame, AREA, solver=route) for route in ("cells", "blocks"))
        link = resolve_link(self.own, self.link)
        y = frame["y"].to_numpy(np.float64)
        design = np.column_stack([np.ones(len(frame)), *(frame["area"] == one for one in "BCD")]).astype(float)

        def loss(beta: Array) -> float:
            mean = np.asarray(link.mean(design @ beta))
            if not self.own.valid_mean(mean).all():
                return 1e300
            return -float(np.sum(self.own.objective(y, mean)))

        found = np.array([one.estimate for one in cells.document.coefficients if one.status == "fitted"])
        best = minimize(loss, found, method="Nelder-Mead", options={"maxiter": 4_000, "xatol": 1e-9, "fatol": 1e-12})
        assert loss(found) <= best.fun + 1e-9 * abs(best.fun)
        for model in (cells, blocks):
            statistics = model.document.statistics
            mean = np.asarray(model.predict(frame)["prediction"], dtype=np.float64)
            deviance = float(np.sum(self.own.unit_deviance(y, mean)))
            assert np.isclose(statistics.deviance, deviance, rtol=1e-10)
            dispersion = self.own.likelihood_dispersion(deviance, len(y))
            density = float(np.sum(self.own.log_density(y, 1.0, mean, dispersion)))
            assert statistics.log_likelihood is not None
            assert np.isclose(statistics.log_likelihood, density, rtol=1e-10, atol=1e-8)
            alone = np.full(len(y), y.mean())
            assert statistics.null_deviance is not None
            assert np.isclose(statistics.null_deviance, np.sum(self.own.unit_deviance(y, alone)), rtol=1e-8)

    def test_an_independent_solver_agrees(self) -> None:
        frame = self.frame()
        ours, theirs = (self.fitted(frame, AREA, solver=solver) for solver in ("auto", "statsmodels"))
        first, second = (
            np.array([one.estimate for one in model.document.coefficients], dtype=np.float64)
            for model in (ours, theirs)
        )
        errors = [one.std_error for one in ours.document.coefficients if one.std_error]
        assert np.max(np.abs(first - second)) <= 1e-5 * min(errors)

    def test_text_for_a_database_scores_as_python_does(self) -> None:
        import duckdb

        frame = self.frame()
        model = self.fitted(frame, AREA, SLOPE)
        with duckdb.connect() as connection:
            connection.register("rows_of_test", frame)
            text = model.to_sql(dialect="duckdb")
            scored = connection.sql(f"SELECT {text} AS m FROM rows_of_test").fetchnumpy()["m"]
        assert np.allclose(np.asarray(scored), np.asarray(model.predict(frame)["prediction"]), rtol=1e-12)

    # -- designing ------------------------------------------------------------------------------------------------

    def test_screening_gains_what_a_fit_gains(self) -> None:
        study = self._study(self.frame())
        ranking = study.rank_candidates(["area", "noise"]).table.set_index("factor")[["train_gain", "p_value"]]
        gains, chances = ranking.astype(float).to_dict().values()
        rows = study.bench.rows
        alone, with_area = rows.fit([]).statistics, rows.fit([AREA]).statistics
        assert 0 < gains["area"] <= alone.deviance
        assert np.isclose(gains["area"], alone.deviance - with_area.deviance, rtol=1e-6)
        assert chances["area"] < 1e-3 < chances["noise"]

    def test_bins_are_counted_with_the_deviance_a_fit_takes(self) -> None:
        study = self._study(self.frame())
        bins = study.factor("area").optimize().result
        assert bins is not None
        assert bins.spec is not None
        rows = study.bench.rows
        alone, model = rows.fit([]).statistics, rows.fit([bins.spec]).statistics
        trials = bins.trials.set_index("bins")["train_deviance"].astype(float)
        assert np.isclose(trials[bins.bins] * alone.weight, model.deviance, rtol=1e-6)
        assert np.isclose(bins.levels["predicted"].sum(), bins.levels["actual"].sum(), rtol=1e-6)

    def test_validation_loses_no_row_and_measures_the_fit(self) -> None:
        frame = self.frame()
        model = self.fitted(frame, AREA)
        line = model.validation(frame).summary.iloc[0]
        statistics = model.document.statistics
        assert int(line["rows"]) == len(frame)
        assert np.isclose(line["deviance"], statistics.deviance, rtol=1e-9)
        assert statistics.null_deviance is not None
        assert np.isclose(line["null_deviance"], statistics.null_deviance, rtol=1e-7)
        assert np.isclose(line["actual"], frame["y"].sum())

    def test_a_study_ends_with_a_page_and_a_second_opinion_that_agrees(self) -> None:
        study = self._study(self.frame())
        study.accept("area", AREA, reason="by hand")
        done = study.finalize(reason="agreed")
        assert done.opinion is not None
        assert done.opinion.verdict == "agrees"
        assert "area" in study.report()

    def _study(self, frame: pd.DataFrame) -> GLMStudy:
        return GLMStudy(frame, target="y", family=self.family, link=self.link, key="row")
