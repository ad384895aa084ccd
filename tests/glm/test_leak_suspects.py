from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import FitError, GLMStudy, fit_glm
from glm_local.cli.commands import run_app
from tests.suites.leak_suite import BAD, COUNT, DRAW, HONEST, NOISE, TOLD, Case, X, levels, linear, rows, suspects


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("solver", ["auto", "blocks"])
def test_a_column_that_tells_the_target_is_a_suspect_in_every_family(name: str, solver: str) -> None:
    found = suspects(fit_glm, rows(TOLD[name]), TOLD[name], solver=solver)
    assert len(found) == 1
    assert f"{told_name(TOLD[name][5])} alone" in found[0]
    assert "of the target" in found[0]


@pytest.mark.parametrize("name", ["gaussian, levels", "gamma, identity", "poisson, levels", "inverse gaussian"])
def test_it_is_one_without_an_intercept_too(name: str) -> None:
    found = suspects(fit_glm, rows(TOLD[name]), TOLD[name], intercept=False)
    assert len(found) == 1
    assert f"{told_name(TOLD[name][5])} alone" in found[0]


def test_a_penalty_and_an_exposure_do_not_hide_a_term_that_is_proportional_to_the_target() -> None:
    frame = pd.DataFrame({"y": COUNT, "t": 250.0 * COUNT, "x": X, "e": DRAW.uniform(0.1, 1, len(X))})
    asked: dict[str, Any] = {"target": "y", "family": "poisson", "exposure": "e", "factors": [linear("x"), linear("t")]}
    assert [one[:14] for one in fit_glm(frame, **asked, ridge=100.0).warnings] == ["factor 't_term"]
    no_constant = fit_glm(
        frame.assign(y=5 + NOISE, t=NOISE), **{**asked, "family": "gaussian", "exposure": None}, intercept=False
    )
    assert any("'t_term' alone explains 100.0%" in one for one in no_constant.warnings)


def told_name(name: str) -> str:
    return f"factors {name}" if " and " in name else f"factor {name!r}"


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_strong_factor_is_none(name: str) -> None:
    assert suspects(fit_glm, rows(HONEST[name]), HONEST[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_a_perfect_fit_of_few_rows_is_none(name: str) -> None:
    assert suspects(fit_glm, rows(TOLD[name], 19), TOLD[name]) == []


def test_a_saturated_design_is_none() -> None:
    frame = pd.DataFrame({"y": NOISE[:60], "t": np.arange(60) // 2, "x": X[:60]})
    case = ("gaussian", None, None, None, [levels("t"), linear("x")], "")
    assert suspects(fit_glm, frame.assign(y=frame.y.round(9)), case) == []
    every = {**levels("t"), "levels": list(range(60))}
    assert suspects(fit_glm, frame.assign(t=np.arange(60)), (*case[:4], [every], "")) == []


def test_the_error_of_a_separated_fit_names_the_suspect() -> None:
    claims = pd.DataFrame({"y": COUNT, "any": np.minimum(COUNT, 1), "x": X})
    with pytest.raises(FitError, match=r"separation.*'any_levels' alone explains 9\d.\d% of the target"):
        fit_glm(claims, target="y", family="poisson", factors=[levels("any"), linear("x")])
    with pytest.raises(FitError, match=r"did not converge.*'t_term' alone explains 100.0% of the target"):
        fit_glm(pd.DataFrame({"y": BAD, "t": BAD * 3 + X}), target="y", family="binomial", factors=[linear("t")])


def test_levels_under_an_offset_are_judged_with_it() -> None:
    frame = pd.DataFrame({"y": COUNT + 0.01 * NOISE + 10 * X, "t": COUNT, "o": 10 * X})
    asked: dict[str, Any] = {"target": "y", "family": "gaussian", "factors": [levels("t")], "offset": "o"}
    assert any("'t_levels' alone explains" in one for one in fit_glm(frame, **asked).warnings)
    assert fit_glm(frame.assign(y=frame.y + NOISE), **asked).warnings == ()


def test_an_honest_fit_makes_no_pass_for_it() -> None:
    def passes(case: Case) -> float:
        model = fit_glm(rows(case), target="y", family="gaussian", factors=case[4])
        return model.document.convergence.packed_passes

    told = TOLD["gaussian, linear"]
    strong = (*told[:3], told[3] + 0.1 * DRAW.normal(0, 1, len(X)), *told[4:])
    weak = (*told[:3], DRAW.normal(0, 1, len(X)), *told[4:])
    assert passes(weak) == passes(strong) < passes(told)


def test_a_job_says_it_in_its_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(TOLD["gamma, the log of the target"]).assign(id=range(len(X))).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "job.toml").write_text(
        f'[job]\nname = "a"\n[data]\npath = "{tmp_path}/rows.parquet"\n[roles]\ntarget = "y"\nkey = "id"\n'
        '[split]\nmethod = "hash"\n[model]\nfamily = "gamma"\nlink = "log"\n[second_opinion]\nenabled = false\n'
        '[[factors]]\nkind = "linear"\nname = "paid"\ncolumn = "t"\nmissing = "refuse"\n'
    )
    assert run_app(["run", str(tmp_path / "job.toml"), "--out", str(tmp_path), "--quiet"]) == 0
    assert "warning: factor 'paid' alone explains 100.0% of the target: leakage?" in capsys.readouterr().out


def test_a_study_whose_factor_is_linear_says_it_in_its_final_model() -> None:
    frame = rows(TOLD["gaussian, linear"]).assign(id=range(len(X)))
    study = GLMStudy(frame, target="y", family="gaussian", candidates=["t", "x"], key="id")
    study.accept("t", {**linear("t"), "name": "t"}, reason="by hand")
    assert any("'t' alone explains" in one for one in study.finalize(verify=False).model.warnings)
