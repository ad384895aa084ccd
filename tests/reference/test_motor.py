"""Published results on freMTPL2 (Noll et al. 2018, Wüthrich & Merz 2023, Lorentzen's tutorial), cells and blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm
from tests.reference import motor


@pytest.fixture(scope="module")
def policies() -> pd.DataFrame:
    return motor.frequency_rows()


@pytest.mark.parametrize(
    ("dropped", "parameters", "learn", "test"),
    [
        ((), 49, 31.26738, 32.17123),
        (("Area",), 48, 31.26742, 32.17196),
        (("Area", "VehBrand"), 38, 31.27852, 32.18196),
    ],
)
def test_losses_equal_noll_salzmann_wuethrich(
    policies: pd.DataFrame, dropped: tuple[str, ...], parameters: int, learn: float, test: float
) -> None:
    sample = policies[policies["noll2018_learn"]]
    rest = policies[~policies["noll2018_learn"]]
    model = fit_glm(
        sample, target="ClaimNb", factors=motor.without(motor.GLM1, *dropped), exposure="Exposure", solver="blocks"
    )
    assert model.statistics.parameters == parameters
    assert motor.poisson_loss(sample["ClaimNb"], model.predict(sample)["prediction"]) == pytest.approx(learn, abs=5e-6)
    assert motor.poisson_loss(rest["ClaimNb"], model.predict(rest)["prediction"]) == pytest.approx(test, abs=5e-6)
    assert 100 * model.statistics.deviance / len(sample) == pytest.approx(learn, abs=5e-6)


def test_aic_and_losses_equal_wuethrich_merz(policies: pd.DataFrame) -> None:
    cleaned = policies[policies["n_sev"] <= 5].assign(ClaimNb=lambda rows: rows["n_sev"])
    learned = cleaned["wm2023_learn"].astype(bool)
    model = fit_glm(cleaned[learned], target="ClaimNb", factors=motor.GLM1_2023, exposure="Exposure")
    assert model.statistics.aic == pytest.approx(192_818.3333, abs=5e-5)
    for rows, loss in ((cleaned[learned], 24.101494), (cleaned[~learned], 24.146297)):
        assert motor.poisson_loss(rows["ClaimNb"], model.predict(rows)["prediction"]) == pytest.approx(loss, abs=5e-7)


def test_badly_conditioned_powers_of_age_reach_the_published_aic(policies: pd.DataFrame) -> None:
    cleaned = policies[policies["n_sev"] <= 5].assign(ClaimNb=lambda rows: rows["n_sev"])
    sample = cleaned[cleaned["wm2023_learn"].astype(bool)]
    powers: list[dict[str, Any]] = [
        {"kind": "linear", "name": f"age^{k}", "expression": {"power": ["DrivAge", k]}, "missing": "refuse"}
        for k in (1, 2, 3, 4)
    ]
    powers.append({"kind": "linear", "name": "log age", "expression": {"log": "DrivAge"}, "missing": "refuse"})
    glm2 = [*motor.without(motor.GLM1_2023, "DrivAge"), *powers]
    bonus_age: list[dict[str, Any]] = [
        {
            "kind": "linear",
            "name": f"bonus age^{k}",
            "missing": "refuse",
            "expression": {"multiply": [{"clip": {"of": "BonusMalus", "upper": 150}}, {"power": ["DrivAge", k]}]},
        }
        for k in (1, 2)
    ]
    for factors, aic in ((glm2, 192_752.6197), ([*glm2, *bonus_age], 192_715.9764)):
        model = fit_glm(sample, target="ClaimNb", factors=factors, exposure="Exposure")
        assert model.statistics.aic == pytest.approx(aic, abs=2e-4)


LORENTZEN = """-3.986930 .188244 .220693 .132438 -.072986 .213207 1.166332 -.203323 .045951 -.306058 -.428591 -.291938 -.070489
.002002 .023053 .008159 .089607 .123134 .057073 -.131843 .001143 .000475 .000390 .071721 .008099 .068172 .031376 -.123744
.050801 -.010052 -.138875 -.052147 -.080072 -.179036 -.307017 -.109714 -.176509 -.078491 .021570 -.114601 -.155723 -.193659
.120426 .008535 -.378174 -.125696 -.086263 .060789 .015613"""


@pytest.mark.parametrize("solver", ["blocks", "cells"])
def test_coefficients_equal_lorentzens_tutorial_to_six_decimals(policies: pd.DataFrame, solver: Any) -> None:
    model = fit_glm(
        policies, target={"divide": ["ClaimNb", "Exposure"]}, weight="Exposure", factors=motor.GLM1, solver=solver
    )
    estimates = [one.estimate for one in model.document.coefficients if one.status == "fitted"]
    expected = [float(one) for one in LORENTZEN.split()]
    assert len(estimates) == 49
    np.testing.assert_allclose(estimates, expected, atol=5.1e-7)


def test_gamma_severity_equals_lorentzens_tutorial() -> None:
    rows = motor.frequency_rows()
    claims = pd.read_parquet(motor.DATA / "freMTPL2sev.parquet")
    claims["ClaimAmountCut"] = claims["ClaimAmount"].clip(upper=100_000)
    rows = rows.merge(claims.groupby("IDpol")["ClaimAmountCut"].sum(), on="IDpol", how="left")
    rows["ClaimNb_pos"] = np.where(rows["ClaimAmountCut"] > 0, rows["ClaimNb"], 0)
    generator = np.random.RandomState(42)  # scikit-learn's ShuffleSplit(n_splits=1, test_size=.1, random_state=42)
    permuted = generator.permutation(len(rows))
    tested = np.zeros(len(rows), dtype=bool)
    tested[permuted[: int(np.ceil(0.1 * len(rows)))]] = True
    positive = rows["ClaimNb_pos"] > 0
    train, test = rows[positive & ~tested], rows[positive & tested]
    model = fit_glm(
        train,
        target={"divide": ["ClaimAmountCut", "ClaimNb_pos"]},
        weight="ClaimNb_pos",
        factors=motor.GLM1,
        family="gamma",
    )
    estimates = {one.term: one.estimate for one in model.document.coefficients}
    assert estimates["(Intercept)"] == pytest.approx(7.2117, abs=6e-5)
    assert estimates["DrivAge=18-20"] == pytest.approx(0.5023, abs=6e-5)
    assert estimates["DrivAge=71+"] == pytest.approx(0.3354, abs=6e-5)
    for sample, deviance in ((train, 1.291611779507), (test, 1.299756435)):
        mean = model.predict(sample)["prediction"]
        y = sample["ClaimAmountCut"] / sample["ClaimNb_pos"]
        unit = 2 * ((y - mean) / mean - np.log(y / mean))
        assert np.average(unit, weights=sample["ClaimNb_pos"]) == pytest.approx(deviance, abs=5e-9)
