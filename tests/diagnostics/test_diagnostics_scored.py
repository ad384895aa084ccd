"""Summary, calibration, lift, factor reports and comparisons of scored frames: weighted, counted, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm
from glm_local.diagnostics import (
    by_factor_report,
    calibration,
    lift,
    model_version_comparison,
    poisson_deviance,
    summary,
    train_validation_comparison,
    weighted_mae,
    weighted_rmse,
)
from glm_local.errors import ConfigError, DataError, SpecError
from glm_local.expressions.expression import Arithmetic, Literal, Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import validation_report

ROLES: dict[str, Any] = {"target": "y", "prediction": "m", "exposure": "e"}
AGE: dict[str, Any] = {
    "kind": "numeric",
    "name": "age",
    "column": "age",
    "edges": [25, 40, 60, 90],
    "missing": "own_level",
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    draw, n = np.random.default_rng(2), 4_000
    held = pd.DataFrame(
        {
            "bin": [f"bin_{i}" for i in draw.integers(1, 13, n)],
            "age": draw.uniform(18, 80, n),
            "e": draw.uniform(0.1, 1, n),
            "w": draw.uniform(0.5, 2, n),
            "sample": draw.choice(["train", "validation", "holdout"], n, p=[0.6, 0.2, 0.2]),
            "area": draw.choice(list("abcd"), n),
        }
    )
    held["m"] = held["e"] * np.exp(draw.normal(-1, 0.5, n))
    held["m2"] = held["e"] * 0.4
    held["y"] = draw.poisson(held["m"]).astype(float)
    return held


def test_the_predecessors_summary_fixture_is_met() -> None:
    small = pd.DataFrame({"events": [0, 1, 2], "predicted": [0.2, 0.8, 1.7], "hours": [0.5, 1, 1.5]})
    line = summary(PandasEngine(), small, target="events", prediction="predicted", exposure="hours").iloc[0]
    assert (line["rows"], line["actual"], line["exposure"]) == (3, 3, 3)
    assert line["predicted"] == pytest.approx(2.7)
    assert line["actual_to_predicted"] == pytest.approx(1.1111, abs=5e-5)
    assert (line["actual_rate"], line["predicted_rate"]) == pytest.approx((1.0, 0.9))
    assert line["mean_deviance"] == pytest.approx(0.165454, abs=5e-7)


def test_a_weight_weighs_totals_means_and_bands_not_the_deviance_alone(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    line = summary(engine, frame, **ROLES, weight="w").iloc[0]
    y, m, e, w = (frame[name].to_numpy() for name in "ymew")
    assert line["actual"] == pytest.approx((w * y).sum())
    assert line["predicted"] == pytest.approx((w * m).sum())
    assert line["actual_rate"] == pytest.approx((w * y).sum() / (w * e).sum())
    assert line["mean_deviance"] == pytest.approx(poisson_deviance(y, m, w))
    assert line["mean_absolute_error"] == pytest.approx(weighted_mae(y, m, w))
    assert line["root_mean_squared_error"] == pytest.approx(weighted_rmse(y, m, w))
    for table in (calibration(engine, frame, **ROLES, weight="w"), lift(engine, frame, **ROLES, weight="w")):
        assert table["actual"].sum() == pytest.approx((w * y).sum())
        assert table["exposure"].sum() == pytest.approx((w * e).sum())
    assert engine.passes.raw == 3


def test_they_are_the_tables_of_the_validation_report(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    report = validation_report(engine, frame, **ROLES, family="poisson", sample="sample", bands=7)
    found = lift(engine, frame, **ROLES, sample="sample", bands=7)
    pd.testing.assert_frame_equal(found[report.lift.columns], report.lift)
    pd.testing.assert_frame_equal(calibration(engine, frame, **ROLES, sample="sample", bands=7), report.calibration)
    pd.testing.assert_frame_equal(summary(engine, frame, **ROLES, sample="sample").drop(columns="gini"), report.summary)


def test_rows_that_cannot_be_used_are_counted_and_never_zero(frame: pd.DataFrame) -> None:
    gone = frame.copy()
    gone.loc[:9, "y"] = np.nan
    gone.loc[10:14, "m"] = np.nan
    table = summary(PandasEngine(), gone, **ROLES)
    assert table.attrs["left_out"] == {"target missing": 10, "prediction missing": 5}
    pd.testing.assert_frame_equal(table, summary(PandasEngine(), gone.iloc[15:], **ROLES), check_exact=False)


def test_a_missing_prediction_or_an_empty_table_breaks_no_band(frame: pd.DataFrame) -> None:
    gone = frame.assign(m=np.where(frame.index < 7, np.nan, frame["m"]))
    for tool in (calibration, lift):
        table = tool(PandasEngine(), gone, **ROLES)
        assert table["rows"].sum() == len(frame) - 7
        assert table.attrs["left_out"] == {"prediction missing": 7}
        with pytest.raises(DataError, match="No row"):
            tool(PandasEngine(), frame.head(0), **ROLES)


def test_a_target_that_the_family_does_not_have_is_told(frame: pd.DataFrame) -> None:
    negative = frame.assign(y=frame["y"] - 1)
    for tool in (summary, calibration, lift):
        with pytest.raises(DataError, match=r"rows have a target that the poisson family does not have"):
            tool(PandasEngine(), negative, **ROLES)
    assert summary(PandasEngine(), negative, **ROLES, family="gaussian")["rows"].iloc[0] == len(frame)


@pytest.mark.parametrize("role", ["target", "prediction", "exposure", "weight", "sample"])
def test_a_role_that_is_no_column_is_told_with_the_nearest(role: str, frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=f"The {role} is made of"):
        summary(PandasEngine(), frame, **{**ROLES, role: "zz"})


def test_roles_may_be_expressions_or_their_documents(frame: pd.DataFrame) -> None:
    document = {"multiply": ["m", 2]}
    tree = Arithmetic("*", Read("m"), Literal(2.0))
    found = [summary(PandasEngine(), frame, target="y", prediction=one) for one in (document, tree)]
    pd.testing.assert_frame_equal(found[0], found[1])
    assert found[0]["predicted"].iloc[0] == pytest.approx(2 * frame["m"].sum())


def test_bins_of_a_factor_report_come_in_their_order_not_in_that_of_letters(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    report = by_factor_report(engine, frame, "bin", **ROLES, weight="w")
    assert engine.passes.raw == 1
    assert report["level"].tolist() == [f"bin_{i}" for i in range(1, 13)]
    part = frame[frame["bin"] == "bin_10"]
    line = report[report["level"] == "bin_10"].iloc[0]
    assert line["actual"] == pytest.approx((part["w"] * part["y"]).sum())
    assert line["exposure"] == pytest.approx((part["w"] * part["e"]).sum())
    assert report["code"].tolist() == list(range(12))


def test_a_factor_report_of_a_specification_shows_every_level_in_its_order(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    report = by_factor_report(engine, frame, AGE, **ROLES, sample="sample")
    assert engine.passes.raw == 1
    one = report[report["sample"] == "train"]
    assert len(one) == 6  # five bins, the last of them empty, and missing
    assert one["rows"].tolist()[-2:] == [0, 0]
    assert one["rows"].sum() == (frame["sample"] == "train").sum()
    same = validation_report(engine, frame, **ROLES, family="poisson", sample="sample")
    np.testing.assert_allclose(report.groupby("sample", sort=False)["deviance"].sum(), same.summary["deviance"])


def test_a_factor_with_something_to_learn_learns_it_first(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    quantiles = {**AGE, "edges": {"method": "quantile", "bins": 4}}
    report = by_factor_report(engine, frame, quantiles, **ROLES)
    assert engine.passes.raw == 2
    assert report["rows"].tolist()[:4] == [1_000] * 4


def test_columns_by_value_are_numbers_in_order_and_missing_last(frame: pd.DataFrame) -> None:
    years = frame.assign(year=np.where(np.arange(len(frame)) % 3 == 0, np.nan, 2.0 + np.arange(len(frame)) % 10))
    report = by_factor_report(PandasEngine(), years, "year", **ROLES)
    assert report["level"].tolist() == [*(str(i) for i in range(2, 12)), "(no level)"]
    with pytest.raises(ConfigError, match="4,000 values"):
        by_factor_report(PandasEngine(), frame, "age", **ROLES)
    with pytest.raises(ConfigError, match="one factor"):
        by_factor_report(PandasEngine(), frame, ["bin", "area"], **ROLES)
    linear = {"kind": "linear", "name": "age", "column": "age", "missing": "refuse"}
    with pytest.raises(SpecError, match="no levels to show"):
        by_factor_report(PandasEngine(), frame, linear, **ROLES)
    with pytest.raises(DataError, match="No row can be used"):
        by_factor_report(PandasEngine(), frame.assign(y=np.nan), "bin", **ROLES)


def test_train_and_validation_are_compared_with_their_gaps(frame: pd.DataFrame) -> None:
    engine = PandasEngine()
    table = train_validation_comparison(engine, frame, **ROLES, sample="sample", weight="w")
    assert engine.passes.raw == 1
    assert table["sample"].tolist() == ["train", "validation", "holdout"]
    parts = dict(list(frame.groupby("sample")))
    for _, line in table.iterrows():
        part = parts[line["sample"]]
        assert line["mean_deviance"] == pytest.approx(poisson_deviance(part["y"], part["m"], part["w"]))
        assert line["rmse"] == pytest.approx(weighted_rmse(part["y"], part["m"], part["w"]))
    assert table["mean_deviance_gap"].tolist() == (table["mean_deviance"] - table["mean_deviance"][0]).tolist()
    with pytest.raises(ConfigError, match="The samples are"):
        train_validation_comparison(engine, frame, **ROLES, sample="sample", reference="trian")


def test_versions_are_compared_on_the_same_rows_in_one_pass(frame: pd.DataFrame) -> None:
    gone = frame.copy()
    gone.loc[:99, "m2"] = np.nan
    engine = PandasEngine()
    table = model_version_comparison(
        engine, gone, {"v1": "m2", "v2": "m"}, target="y", family="poisson", exposure="e", sample="sample"
    )
    assert engine.passes.raw == 1
    assert table["version"].tolist() == ["v1", "v2"] * 3
    used = gone.iloc[100:]
    assert table.groupby("version")["rows"].sum().tolist() == [len(used)] * 2
    assert table.attrs["left_out"] == {"v1": {"prediction missing": 100}, "v2": {}}
    line = table[(table["version"] == "v2") & (table["sample"] == "train")].iloc[0]
    part = used[used["sample"] == "train"]
    assert line["mean_deviance"] == pytest.approx(poisson_deviance(part["y"], part["m"]))
    assert line["mae"] == pytest.approx(weighted_mae(part["y"], part["m"]))
    assert line["mean_deviance_change"] < 0
    assert line["gini"] > 0


def test_models_bring_their_roles(frame: pd.DataFrame) -> None:
    area = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base"}
    roles: dict[str, Any] = {"target": "y", "family": "poisson", "exposure": "e", "weight": "w"}
    versions = {
        "first": fit_glm(frame, factors=[area], **roles),
        "second": fit_glm(frame, factors=[area, AGE], **roles),
    }
    table = model_version_comparison(PandasEngine(), frame, versions)
    assert table["factors"].tolist() == [1, 2]
    assert table["mean_deviance"][0] == pytest.approx(versions["first"].statistics.deviance / frame["w"].sum())
    assert table["mean_deviance_change"][1] < 0
    documents = {name: one.document for name, one in versions.items()}
    pd.testing.assert_frame_equal(model_version_comparison(PandasEngine(), frame, documents), table)


@pytest.mark.parametrize(
    ("versions", "roles", "said"),
    [
        ({}, {"target": "y", "family": "poisson"}, "no version"),
        ({"a": "m"}, {"family": "poisson"}, "no target is given"),
        ({"a": "m"}, {"target": "y"}, "no family is given"),
        ({"a": "mm"}, {"target": "y", "family": "poisson"}, "'mm' is not a column"),
    ],
)
def test_a_wrong_comparison_is_told(versions: Any, roles: Any, said: str, frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=said):
        model_version_comparison(PandasEngine(), frame, versions, **roles)
