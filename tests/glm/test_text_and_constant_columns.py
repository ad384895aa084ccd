"""Text where numbers are read is called text, with the factor or role it is read for; a constant target is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import DataError, FitError, GlmError, GLMStudy, fit_glm
from glm_local.cli.commands import run_app

DRAW = np.random.default_rng(3)
N = 1_200
ROWS = pd.DataFrame(
    {
        "id": range(N),
        "y": DRAW.poisson(1, N),
        "t": DRAW.choice(["a", "b"], N),
        "x": DRAW.normal(size=N),
        "good": DRAW.choice(["good", "bad"], N),
        "digits": [str(one) for one in DRAW.integers(0, 9, N)],
    }
)
X: dict[str, Any] = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
BINS: dict[str, Any] = {"kind": "numeric", "name": "f", "column": "t", "edges": [1, 2]}
LINEAR: dict[str, Any] = {"kind": "linear", "name": "f", "column": "t"}
VALUES: dict[str, Any] = {"kind": "categorical", "name": "f", "column": "t", "unseen": "base"}
FACTORS: dict[str, dict[str, Any]] = {
    "linear, refuse": {**LINEAR, "missing": "refuse"},
    "linear, mean": {**LINEAR, "missing": "mean"},
    "linear, 0": {**LINEAR, "missing": 0},
    "linear, standardised": {**LINEAR, "missing": 0, "centre": "mean", "scale": "sd"},
    "an expression": {"kind": "linear", "name": "f", "expression": {"log": "t"}, "missing": "refuse"},
    "bins, refuse": {**BINS, "missing": "refuse"},
    "bins, a level of their own": {**BINS, "missing": "own_level"},
    "bins, base": {**BINS, "missing": "base"},
    "bins to learn": {**BINS, "edges": {"method": "quantile", "bins": 4}, "missing": "own_level"},
    "dates": {**BINS, "source": "date", "edges": ["2020-01-01"], "missing": "base"},
    "whole numbers": {**VALUES, "source": "integer", "missing": "own_level"},
    "flags": {**VALUES, "source": "boolean", "levels": [True, False], "missing": "refuse"},
}


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_that_reads_numbers_from_text_is_told_so(name: str) -> None:
    with pytest.raises(
        DataError, match=r"/factors/1/\w+  column 't' of factor 'f' is text, which is no .* on 1,200 rows"
    ):
        fit_glm(ROWS, target="y", factors=[X, FACTORS[name]])


def test_numbers_in_texts_are_numbers_and_what_is_none_among_them_is_missing() -> None:
    read = {**BINS, "column": "digits", "missing": "refuse"}
    assert fit_glm(ROWS, target="y", factors=[read]).warnings == ()
    some = ROWS.assign(digits=np.where(ROWS.id < 7, "none", ROWS.digits))
    with pytest.raises(
        DataError, match=r"factor 'f'  column 'digits' is text; 7 rows hold none of what the factor reads"
    ):
        fit_glm(some, target="y", factors=[read])
    assert fit_glm(some, target="y", factors=[{**read, "missing": "own_level"}]).statistics.rows == N


def test_a_column_without_any_value_is_missing_and_not_text() -> None:
    with pytest.raises(DataError) as told:
        fit_glm(ROWS.assign(t=pd.Series([None] * N, dtype="str")), target="y", factors=[FACTORS["bins, refuse"]])
    assert "is text, which" not in str(told.value)


def test_a_study_tells_text_too(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"key": "id", "candidates": ["x"]}
    with pytest.raises(DataError, match=r"target 'good' is text, which is no number on 1,200 rows"):
        GLMStudy(ROWS, target="good", family="binomial", **asked).rank_candidates()
    for role in ("exposure", "weight", "offset"):
        with pytest.raises(DataError, match=f"{role} 't' is text, which is no number"):
            GLMStudy(ROWS, target="y", **asked, **{role: "t"}).rank_candidates()
    study = GLMStudy(ROWS, target="y", **asked)
    for name in ("linear, refuse", "bins, base"):
        with pytest.raises(DataError, match="column 't' of factor 'f' is text"):
            study.accept("f", FACTORS[name], reason="by hand")
    bins = {name: one for name, one in FACTORS["bins to learn"].items() if name != "edges"}
    study = GLMStudy(ROWS, target="y", key="id", candidates=["x", bins])
    assert study.rank_candidates() is not None
    assert "is text, which is no number" in study.bench.learned["refused"]["f"]


CONSTANT = [
    ("gaussian", 3),
    ("gaussian", 0),
    ("gaussian", 1e9),
    ("poisson", 3),
    ("gamma", 0.1),
    ("binomial", 0.5),
    ("tweedie(1.5)", 1),
]


@pytest.mark.parametrize(("family", "value"), CONSTANT)
@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_a_constant_target_is_told(family: str, value: float, solver: str) -> None:
    levels = {**VALUES, "missing": "refuse"}
    rows = ROWS.assign(y=value * 1.0)
    said = fit_glm(rows, target="y", family=family, factors=[levels], solver=solver).warnings
    assert any(one.startswith(f"The target is {value:.12g} on every row") for one in said)


@pytest.mark.parametrize("value", [3.0, 0.1, 7e5, 3e11])
@pytest.mark.parametrize("link", ["log", "identity", "inverse"])
@pytest.mark.parametrize("family", ["gaussian", "gamma", "inverse_gaussian", "poisson", "tweedie(1.5)"])
def test_a_constant_target_is_what_its_model_predicts(family: str, link: str, value: float) -> None:
    rows = ROWS[:200].assign(y=value, x=np.arange(200) % 7)
    model = fit_glm(rows, target="y", family=family, link=link, factors=[X])
    assert model.predict(rows)["prediction"].to_numpy() == pytest.approx(np.full(200, value), rel=1e-12)


@pytest.mark.parametrize(("family", "value"), [("poisson", 0), ("binomial", 0), ("binomial", 1), ("tweedie(1.5)", 0)])
def test_a_constant_target_at_the_end_of_the_means_is_refused(family: str, value: float) -> None:
    rows = ROWS.assign(y=value)
    for factors in ([], [X], [{**VALUES, "missing": "refuse"}]):
        with pytest.raises(FitError, match=f"/target  the target is {value} on every row"):
            fit_glm(rows, target="y", family=family, factors=factors)
    with pytest.raises(DataError, match=f"the target is {value} on every row"):
        GLMStudy(rows, target="y", family=family, key="id", candidates=["x"]).rank_candidates()


def test_a_target_outside_the_family_is_refused() -> None:
    with pytest.raises(DataError, match="binomial family takes targets from 0 to 1"):
        fit_glm(ROWS.assign(y=3), target="y", family="binomial", factors=[X])


def test_a_target_that_varies_little_is_not_constant() -> None:
    rows = ROWS.assign(y=1e9 + ROWS.x)
    assert fit_glm(rows, target="y", family="gaussian", factors=[{**VALUES, "missing": "refuse"}]).warnings == ()


def test_exposure_makes_a_constant_target_a_rate_that_varies() -> None:
    rows = ROWS.assign(y=1, years=DRAW.uniform(0.2, 1, N))
    assert fit_glm(rows, target="y", factors=[X], exposure="years").warnings == ()
    rows = rows.assign(y=2 * rows.years)
    said = fit_glm(rows, target="y", factors=[X], exposure="years").warnings
    assert any(one.startswith("The target per unit of exposure is 2 on every row") for one in said)


def test_studies_and_jobs_warn_of_a_constant_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ROWS.assign(y=3)
    study = GLMStudy(rows, target="y", key="id", candidates=["x"])
    with pytest.warns(UserWarning, match="The target is 3 on every row"):
        study.rank_candidates()
    assert any("The target is 3" in one for one in study.bench.warnings)
    rows.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "job.toml").write_text(
        f'[job]\nname = "a"\n[data]\npath = "{tmp_path}/rows.parquet"\n[roles]\ntarget = "y"\nkey = "id"\n'
        '[split]\nmethod = "hash"\n[model]\nfamily = "poisson"\n[second_opinion]\nenabled = false\n'
        '[[factors]]\nkind = "linear"\nname = "x"\ncolumn = "x"\nmissing = "refuse"\n'
    )
    assert run_app(["run", str(tmp_path / "job.toml"), "--out", str(tmp_path), "--quiet"]) == 0
    assert "warning: The target is 3 on every row" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["good", {"multiply": ["good", 2]}])
def test_a_text_target_of_a_fit_is_text(target: Any) -> None:
    with pytest.raises(GlmError, match="target 'good' is text"):
        fit_glm(ROWS, target=target, family="gaussian", factors=[X])
