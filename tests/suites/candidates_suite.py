"""What a study's rows must do on every engine; a test class gives `engine` and `frame_of`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local.binning.shifts import at_samples, best_shift, deviance_change
from glm_local.candidates.cross_validation import cross_validate
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.measured_model import sample_deviances
from glm_local.candidates.open_rows import open_rows
from glm_local.candidates.study_rows import StudyRows
from glm_local.errors import DataError
from glm_local.factors.factors import categorical, interaction, linear, numeric
from glm_local.families.families import family_from
from glm_local.glm.fit import fit
from glm_local.glm.request import FitRequest
from glm_local.models.fit_frame import LOCAL_REFERENCES
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import Split, fold_expression

ROWS = 4_000
SPLIT = Split("hash", (0.6, 0.2, 0.2), ("id",), seed=3)
CANDIDATES = ("age", "town", "power", "noise")


def motor(rows: int = ROWS, seed: int = 5) -> pd.DataFrame:
    """Made policies: a mass point in age, missing towns, counts and amounts that depend on both."""
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(rows) < 0.2, 18.0, np.round(rng.uniform(17, 90, rows), 1))
    town = rng.choice(["a", "b", "c", "d", None], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    power = rng.integers(4, 16, rows)
    exposure = rng.uniform(0.1, 1.0, rows)
    rate = 0.3 * np.exp(0.5 * (age < 30) + 0.4 * (town == "c") - 0.02 * power)
    claims = rng.poisson(rate * exposure)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": np.where(rng.random(rows) < 0.03, np.nan, age),
            "town": town,
            "power": power,
            "noise": rng.integers(0, 5, rows),
            "exposure": exposure,
            "claims": claims,
            "paid": rng.gamma(2.0, 200 * np.exp(0.3 * (age < 30)), rows),
            "lapsed": (rng.random(rows) < 0.3).astype(int),
        }
    )


class StudyRowsSuite:
    """Inherit, give `engine` and `frame_of(pandas frame)`."""

    engine: Any

    def frame_of(self, rows: pd.DataFrame) -> Any:
        """The rows as a frame of the engine."""
        raise NotImplementedError

    def opened(self, request: FitRequest | None = None, **options: Any) -> StudyRows[Any]:
        """A study's rows on the made policies."""
        asked = request or FitRequest(target="claims", factors=(), family="poisson", exposure="exposure")
        frame = self.frame_of(motor())
        rows, refused = open_rows(self.engine, frame, asked, list(CANDIDATES), SPLIT, ["id"], **options)
        assert not refused
        return rows

    @pytest.fixture
    def rows(self) -> Any:
        opened = self.opened()
        yield opened
        opened.close()

    def test_a_joint_fit_on_packed_rows_is_the_fit_on_the_training_rows_themselves(self, rows: StudyRows[Any]) -> None:
        edges = [one for one in rows.candidates["age"].compiled.code.edges if one > 18]
        factors = [
            numeric("age", edges=[18, *edges[40:120:40]], missing="own_level"),
            categorical("town", missing="own_level", unseen="base"),
            numeric("power", edges=[6, 9, 12], missing="refuse", source="integer"),
            interaction("age × power", ["age", "power"], unseen="base"),
        ]
        packed = rows.fit(factors)
        request = FitRequest(
            target="claims", factors=factors, exposure="exposure", where=rows.flag("train"), solver="blocks"
        )
        raw = fit(self.engine, rows.frame, request, LOCAL_REFERENCES)
        assert packed.convergence.raw_passes == 0
        assert [one.term for one in packed.coefficients] == [one.term for one in raw.coefficients]
        for ours, theirs in zip(packed.coefficients, raw.coefficients, strict=True):
            assert ours.estimate == pytest.approx(theirs.estimate, abs=1e-10)
            assert ours.std_error == (theirs.std_error and pytest.approx(theirs.std_error, rel=1e-8))
        assert packed.statistics.deviance == pytest.approx(raw.statistics.deviance, rel=1e-12)
        assert packed.statistics.log_likelihood == pytest.approx(raw.statistics.log_likelihood, rel=1e-12)

    def test_opening_takes_three_passes_and_fits_sums_and_validation_take_none(self) -> None:
        before = self.engine.passes.raw
        rows = self.opened()
        assert self.engine.passes.raw == before + 3  # values, cut points, packing
        model = rows.fit([categorical("town", missing="own_level", unseen="base")])
        candidate_sums(rows, model)
        cross_validate(rows, model)
        sample_deviances(rows, model)
        rows.fit([numeric("power", edges=[8], missing="base", source="integer")])
        assert self.engine.passes.raw == before + 3
        rows.close()

    def test_a_factor_that_divides_fine_codes_is_packed_beside_them_once(self) -> None:
        rows = self.opened(pre_bins=4)
        rows.fit(())
        before = self.engine.passes.raw
        factors = [numeric("age", edges=[33.3], missing="own_level"), linear("power", missing="refuse")]
        first = rows.fit(factors)
        assert self.engine.passes.raw == before + 1
        second = rows.fit(factors)
        assert self.engine.passes.raw == before + 1
        assert first.fingerprint == second.fingerprint
        request = FitRequest(target="claims", factors=factors, exposure="exposure", where=rows.flag("train"))
        raw = fit(self.engine, rows.frame, request, LOCAL_REFERENCES)
        for ours, theirs in zip(first.coefficients, raw.coefficients, strict=True):
            assert ours.estimate == pytest.approx(theirs.estimate, abs=1e-10)
        rows.close()

    def test_a_factor_that_cannot_be_packed_leaves_the_study_as_it_was(self, rows: StudyRows[Any]) -> None:
        with pytest.raises(DataError):
            rows.fit([linear("age", missing="refuse")])
        assert rows.fit(()).statistics.rows == rows.sample_rows("train")

    def test_sums_by_fine_code_are_what_a_group_by_gives(self, rows: StudyRows[Any]) -> None:
        sums = candidate_sums(rows, None, ["town"])["town"]
        policies = motor()
        assert sums.rows.shape == (len(sums.labels), rows.folds + 1)
        codes = rows.sample_rows("train") + rows.sample_rows("validation")
        assert sums.rows.sum() == codes
        assert rows.sample_rows("train") + rows.sample_rows("validation") + rows.sample_rows("holdout") == len(policies)
        assert sums.labels[:4] == ("a", "b", "c", "d")
        missing = sums.labels.index("missing")
        assert 0 < sums.rows[missing].sum() <= policies["town"].isna().sum()
        assert sums.fitted[:, : rows.folds].sum() == pytest.approx(sums.amount[:, : rows.folds].sum(), rel=1e-9)
        assert sums.gain.a.sum() == pytest.approx(sums.amount.sum())  # type: ignore[union-attr]

    def test_a_mass_point_lies_alone_in_its_pre_bin(self, rows: StudyRows[Any]) -> None:
        edges = rows.candidates["age"].compiled.code.edges
        assert 18.0 in edges
        at = edges.index(18.0)
        policies = motor()
        own = policies["age"].between(edges[at - 1] if at else -np.inf, 18.0, inclusive="right")
        assert set(policies["age"][own]) == {18.0}

    def test_cross_validation_is_close_to_fitting_every_fold_to_the_end(self, rows: StudyRows[Any]) -> None:
        factors = [categorical("town", missing="own_level", unseen="base")]
        found = cross_validate(rows, rows.fit(factors))
        local = PandasEngine()
        kinds = local.columns(motor())
        added = {"sample": SPLIT.sample(kinds), "fold": fold_expression(["id"], kinds, rows.folds, 0)}
        policies = local.with_columns(motor(), added)
        sample, fold = policies["sample"], policies["fold"]
        town = policies["town"].fillna("missing")
        family = family_from("poisson")
        for k in range(rows.folds):
            inside, out = (sample == "train") & (fold != k), (sample == "train") & (fold == k)
            rate = policies[inside].groupby(town[inside])[["claims", "exposure"]].sum()
            mean = town[out].map(rate["claims"] / rate["exposure"])
            d = family.unit_deviance((policies["claims"] / policies["exposure"])[out].to_numpy(), mean.to_numpy())
            exact = float((policies["exposure"][out] * d).sum())
            assert found.deviance[k] == pytest.approx(exact, rel=2e-4)

    @pytest.mark.parametrize(("family", "target"), [("gamma", "paid"), ("gaussian", "paid"), ("binomial", "lapsed")])
    def test_the_gain_of_a_shift_is_the_change_in_deviance_of_the_refitted_model(
        self, family: str, target: str
    ) -> None:
        rows = self.opened(FitRequest(target=target, factors=(), family=family))
        base = rows.fit([categorical("town", missing="own_level", unseen="base")])
        sums = candidate_sums(rows, base, ["power"])["power"]
        before = sample_deviances(rows, base, ("train",))["train"]
        assert sums.deviance[: rows.folds].sum() == pytest.approx(before.deviance, rel=1e-10)
        assert sums.amount[:, : rows.folds].sum() == pytest.approx(before.actual, rel=1e-12)
        assert sums.fitted[:, : rows.folds].sum() == pytest.approx(before.predicted, rel=1e-10)
        bare = candidate_sums(rows, None, ["power"])["power"]
        training = at_samples(bare.gain, (np.arange(bare.rows.shape[1]) < rows.folds).astype(float)[:, None])
        gained = deviance_change(training, best_shift(training)).sum()
        refitted = rows.fit([rows.candidates["power"].fine]).statistics.deviance
        assert gained < 0
        assert sample_deviances(rows, None, ("train",))["train"].deviance + gained == pytest.approx(refitted, rel=1e-10)
        rows.close()
