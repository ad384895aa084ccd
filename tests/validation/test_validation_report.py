"""Summary, A/E by level, calibration and lift: totals, weights, missing rows, order of levels, passes."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import glm_local
from glm_local.errors import ConfigError, DataError, SpecError
from glm_local.expressions.expression import Arithmetic, Function, Literal, Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.validation import ValidationReport, validation_report
from glm_local.validation.intervals import IntervalRule

LABELS = tuple(f"bin_{i}" for i in range(1, 13))


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    draw = np.random.default_rng(11)
    n = 12_000
    e, code = draw.uniform(0.05, 1, n), draw.integers(0, 11, n)
    rate = 0.05 + 0.02 * code
    return pd.DataFrame(
        {
            "y": draw.poisson(rate * e).astype(float),
            "m": rate * e,
            "e": e,
            "w": draw.uniform(0.5, 2, n),
            "code": code,
            "sample": draw.choice(["train", "validation", "holdout"], n, p=[0.6, 0.2, 0.2]),
        }
    )


def report_of(frame: pd.DataFrame, engine: PandasEngine | None = None, **options: object) -> ValidationReport:
    roles: dict[str, object] = {
        "target": "y",
        "prediction": "m",
        "family": "poisson",
        "exposure": "e",
        "sample": "sample",
        "factors": {"age": (Read("code", "integer"), LABELS)},
    }
    return validation_report(engine or PandasEngine(), frame, **(roles | options))  # type: ignore[arg-type]


def test_all_tables_of_all_samples_and_factors_take_one_pass(scored: pd.DataFrame) -> None:
    engine = PandasEngine()
    report_of(scored, engine)
    assert engine.passes.raw == 1


def test_samples_come_in_the_order_of_their_use(scored: pd.DataFrame) -> None:
    report = report_of(scored)
    assert report.samples == ("train", "validation", "holdout")
    assert list(report.gini["sample"]) == list(report.samples)


def test_the_summary_is_the_brute_force_one(scored: pd.DataFrame) -> None:
    line = report_of(scored, weight="w").summary.set_index("sample").loc["validation"]
    part = scored[scored["sample"] == "validation"]
    y, m, e, w = (part[name].to_numpy() for name in ("y", "m", "e", "w"))
    entropy = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / m), 0)
    unit = 2 * (entropy - (y - m))
    null = (w * y).sum() / (w * e).sum() * e
    null_unit = 2 * (np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / null), 0) - (y - null))
    expected = {
        "rows": len(part),
        "weight": w.sum(),
        "exposure": (w * e).sum(),
        "actual": (w * y).sum(),
        "predicted": (w * m).sum(),
        "actual_to_predicted": (w * y).sum() / (w * m).sum(),
        "actual_rate": (w * y).sum() / (w * e).sum(),
        "deviance": (w * unit).sum(),
        "mean_deviance": np.average(unit, weights=w),
        "null_deviance": (w * null_unit).sum(),
        "deviance_explained": 1 - (w * unit).sum() / (w * null_unit).sum(),
        "pearson_dispersion": (w * (y - m) ** 2 / m).sum() / len(part),
        "mean_absolute_error": np.average(abs(y - m), weights=w),
        "root_mean_squared_error": math.sqrt(np.average((y - m) ** 2, weights=w)),
    }
    for name, value in expected.items():
        assert line[name] == pytest.approx(value, rel=1e-12), name


def test_a_row_of_weight_two_counts_as_two_rows_everywhere(scored: pd.DataFrame) -> None:
    frame = scored.head(3_000)
    twice = report_of(pd.concat([frame, frame])).tables()
    weighted = report_of(frame.assign(w=2.0), weight="w").tables()
    for name, table in twice.items():
        other = weighted[name]
        for column in ("exposure", "actual", "predicted", "deviance", "actual_rate", "gini", "actual_lift"):
            if column in table:
                np.testing.assert_allclose(other[column], table[column], rtol=1e-12, err_msg=f"{name}.{column}")


def test_counts_with_exposure_and_frequencies_weighted_by_it_are_the_same_validation(scored: pd.DataFrame) -> None:
    counts = report_of(scored)
    rates = scored.assign(y=scored["y"] / scored["e"], m=scored["m"] / scored["e"])
    frequencies = report_of(rates, exposure=None, weight="e")
    for name in ("exposure", "actual", "predicted", "actual_rate", "deviance", "deviance_explained"):
        np.testing.assert_allclose(frequencies.summary[name], counts.summary[name], rtol=1e-11)
    np.testing.assert_allclose(frequencies.gini["gini"], counts.gini["gini"], rtol=1e-10)


def test_levels_keep_the_order_of_the_factor_and_not_of_their_names(scored: pd.DataFrame) -> None:
    table = report_of(scored).actual_expected["age"]
    train = table[table["sample"] == "train"]
    assert tuple(train["level"]) == LABELS
    assert train["rows"].iloc[-1] == 0
    assert math.isnan(train["actual_to_predicted"].iloc[-1])


def test_levels_add_up_to_the_summary(scored: pd.DataFrame) -> None:
    report = report_of(scored, weight="w")
    table = report.actual_expected["age"].groupby("sample")
    for name in ("rows", "exposure", "actual", "predicted", "deviance"):
        expected = report.summary.set_index("sample")[name]
        np.testing.assert_allclose(table[name].sum().loc[expected.index], expected, rtol=1e-12)


def test_a_row_without_a_level_is_shown_as_such() -> None:
    frame = pd.DataFrame({"y": [1.0, 0.0], "m": [0.5, 0.5], "code": [0.0, np.nan]})
    report = report_of(frame, exposure=None, sample=None)
    assert report.actual_expected["age"]["level"].tolist()[-1] == "(no level)"
    assert report.actual_expected["age"]["rows"].sum() == 2


def test_rows_that_cannot_be_judged_are_counted_by_reason_and_never_taken_as_zero() -> None:
    frame = pd.DataFrame(
        {
            "y": [1.0, np.nan, 1.0, -1.0, 1.0, 1.0, 1.0, np.inf, 1.0, 1.0],
            "m": [0.5, 0.5, np.nan, 0.5, 0.5, 0.0, 0.5, 0.5, 0.5, 0.5],
            "e": [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, np.nan, 1.0, 1.0, 1.0],
            "w": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, -1.0],
            "sample": ["train"] * 9 + [None],
        }
    )
    report = report_of(frame, weight="w", factors=None)
    assert report.summary["rows"].tolist() == [1]
    assert report.summary["actual"].tolist() == [1.0]
    found = {(line["sample"], line["reason"]): line["rows"] for line in report.excluded.to_dict("records")}
    assert found == {
        ("train", "target missing"): 2,
        ("train", "prediction missing"): 1,
        ("train", "target outside the family"): 1,
        ("train", "exposure not positive"): 1,
        ("train", "prediction outside the family"): 1,
        ("train", "exposure missing"): 1,
        ("train", "weight zero"): 1,
        (None, "sample missing"): 1,
    }


def test_a_table_without_usable_rows_is_an_error_that_says_why() -> None:
    frame = pd.DataFrame({"y": [np.nan, np.nan], "m": [1.0, 1.0]})
    with pytest.raises(DataError, match="target missing: 2"):
        report_of(frame, exposure=None, sample=None, factors=None)


def test_a_column_that_is_not_there_is_named_with_the_nearest(scored: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match="'exposre' is not a column"):
        report_of(scored, exposure="exposre")


def test_options_out_of_range_are_refused(scored: pd.DataFrame) -> None:
    for options in ({"bands": 1}, {"level": 95}, {"dispersion": 0.0}):
        with pytest.raises(ConfigError):
            report_of(scored, **options)


def test_calibration_bands_hold_about_equal_exposure_and_everything(scored: pd.DataFrame) -> None:
    draw = np.random.default_rng(3)
    frame = scored.assign(m=scored["m"] * draw.gamma(20, 1 / 20, len(scored)))
    report = report_of(frame, weight="w")
    for sample, part in report.calibration.groupby("sample"):
        whole = report.summary.set_index("sample").loc[sample]
        assert len(part) == 10
        assert (abs(part["exposure"] / whole["exposure"] - 0.1) < 0.005).all()
        assert part["actual"].sum() == pytest.approx(whole["actual"])
        assert part["predicted_rate"].is_monotonic_increasing
        assert (part["highest_rate"].iloc[:-1].to_numpy() < part["lowest_rate"].iloc[1:].to_numpy()).all()


def test_few_distinct_rates_give_few_bands_and_cut_no_tie(scored: pd.DataFrame) -> None:
    frame = scored.assign(m=np.where(scored["code"] > 8, 0.3, 0.1) * scored["e"])
    report = report_of(frame, factors=None)
    assert report.calibration.groupby("sample").size().tolist() == [2, 2, 2]


def test_lift_is_the_band_rate_over_the_sample_rate(scored: pd.DataFrame) -> None:
    report = report_of(scored)
    both = report.calibration.merge(report.lift, on=["sample", "band"]).merge(report.summary, on="sample")
    np.testing.assert_allclose(both["actual_lift"], both["actual_rate_x"] / both["actual_rate_y"], rtol=1e-12)
    first = report.lift[report.lift["band"] == 1]
    np.testing.assert_allclose(first["captured_actual"], 1.0)


def test_the_prediction_may_be_the_model_itself(scored: pd.DataFrame) -> None:
    rate = Arithmetic("+", Literal(0.05), Arithmetic("*", Literal(0.02), Read("code")))
    model = Function("exp", Function("log", Arithmetic("*", rate, Read("e"))))
    by_model, by_column = report_of(scored, prediction=model), report_of(scored)
    np.testing.assert_allclose(by_model.summary["deviance"], by_column.summary["deviance"], rtol=1e-12)


def test_poisson_counts_get_exact_intervals() -> None:
    rule = IntervalRule(1.0, counts=True)
    lower, upper = rule.bounds(np.array([0.0, 3.0]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    # Garwood (1936), as printed in many tables: 0 -> 3.689, 3 -> (0.619, 8.767).
    np.testing.assert_allclose(np.round([*lower, *upper], 3), [0.0, 0.619, 3.689, 8.767])


def test_intervals_are_left_out_where_noise_exceeds_a_third() -> None:
    lower, upper = IntervalRule(1.0, counts=False).bounds(
        np.array([100.0, 4.0, 1.0]), np.array([100.0, 4.0, 0.0]), np.array([100.0, 4.0, 0.0])
    )
    assert lower[0] == pytest.approx(1 - 0.19599640)
    assert np.isnan([lower[1], upper[1], lower[2], upper[2]]).all()


def test_an_exact_model_is_covered_by_its_intervals_as_often_as_they_say(scored: pd.DataFrame) -> None:
    draw = np.random.default_rng(0)
    covered = []
    for _ in range(40):
        frame = scored.assign(y=draw.poisson(scored["m"]).astype(float))
        table = report_of(frame, sample=None).actual_expected["age"].query("rows > 0")
        covered += ((table["lower"] <= 1) & (table["upper"] >= 1)).tolist()
    assert 0.92 <= np.mean(covered) <= 0.985


def test_money_takes_the_training_samples_dispersion_unless_one_is_given() -> None:
    draw = np.random.default_rng(5)
    frame = pd.DataFrame({"m": np.full(4_000, 100.0), "sample": ["train", "holdout"] * 2_000})
    frame["y"] = 100 * draw.gamma(0.5, 2.0, 4_000)
    options = {"family": "gamma", "exposure": None, "factors": None}
    report, given = report_of(frame, **options), report_of(frame, dispersion=2.0, **options)
    train = report.summary.iloc[0]
    width = 1.959963985 * math.sqrt(train["pearson_dispersion"] / 2_000)
    assert train["upper"] - train["actual_to_predicted"] == pytest.approx(width, rel=1e-9)
    assert given.summary["upper"].iloc[0] - given.summary["actual_to_predicted"].iloc[0] == pytest.approx(
        1.959963985 * math.sqrt(2.0 / 2_000), rel=1e-9
    )


def test_a_report_comes_back_from_its_json(scored: pd.DataFrame) -> None:
    report = report_of(scored, factors={"b": (Read("code", "integer"), LABELS), "a": (Read("code", "integer"), LABELS)})
    text = report.to_json()
    again = ValidationReport.from_json(text)
    assert again.to_json() == text
    assert list(again.actual_expected) == ["b", "a"]
    assert "NaN" not in text
    assert json.loads(text)["definitions"]["gini"].startswith("Gini")
    for name, table in report.tables().items():
        pd.testing.assert_frame_equal(again.tables()[name], table, check_dtype=False)


def test_a_report_shows_itself_in_a_notebook(scored: pd.DataFrame) -> None:
    report = report_of(scored)
    html = report._repr_html_()
    assert html.count("<table") == 2
    assert "<svg" in report.plot()._repr_svg_()  # type: ignore[attr-defined]


def test_the_published_mean_model_of_motor_claims_is_reproduced(request: pytest.FixtureRequest) -> None:
    """Scikit-learn's gallery: a constant frequency has mean deviance .625, MAE .189, MSE .564 on its test rows."""
    path = request.config.rootpath.parent / "shared" / "data" / "freMTPL2freq.parquet"
    if not path.exists():
        pytest.skip("freMTPL2 is too large for the repository and does not lie in ../shared/data")
    motor = pd.read_parquet(path, columns=["ClaimNb", "Exposure"])
    order = np.random.RandomState(0).permutation(len(motor))
    test = math.ceil(0.33 * len(motor))
    train, held_out = motor.iloc[order[test:]], motor.iloc[order[:test]]
    frequency = train["ClaimNb"].sum() / train["Exposure"].sum()
    frame = pd.DataFrame({"y": held_out["ClaimNb"] / held_out["Exposure"], "m": frequency, "e": held_out["Exposure"]})
    line = report_of(frame, exposure=None, weight="e", sample=None, factors=None).summary.iloc[0]
    assert line["mean_deviance"] == pytest.approx(0.625429, abs=5e-7)
    assert line["mean_absolute_error"] == pytest.approx(0.189, abs=5e-4)
    assert line["root_mean_squared_error"] ** 2 == pytest.approx(0.564, abs=5e-4)


AGE = {
    "kind": "numeric",
    "name": "band",
    "column": "age",
    "edges": {"method": "quantile", "bins": 3},
    "missing": "refuse",
}
PUBLIC = {"target": "y", "prediction": "m", "family": "poisson"}


def test_the_public_report_needs_no_engine_and_takes_columns_factors_and_expressions() -> None:
    frame = pd.DataFrame(
        {
            "area": ["bin_10", "bin_2", None, "bin_2"] * 10,
            "age": range(40),
            "flag": [True, False] * 20,
            "y": [1.0, 0.0, 2.0, 1.0] * 10,
            "m": [0.5, 0.5, 1.5, 1.0] * 10,
        }
    )
    report = glm_local.validation_report(frame, **PUBLIC, factors=["area", AGE, "flag"])
    assert list(report.actual_expected) == ["area", "band", "flag"]
    area = report.actual_expected["area"]
    assert area[["level", "rows", "actual", "predicted"]].to_numpy().tolist() == [
        ["bin_2", 20, 10.0, 15.0],
        ["bin_10", 10, 10.0, 5.0],
        ["(no level)", 10, 20.0, 15.0],
    ]
    assert report.actual_expected["band"]["rows"].tolist() == [14, 13, 13, 0]
    assert report.actual_expected["flag"]["level"].tolist() == ["false", "true"]
    alone = glm_local.validation_report(frame, **PUBLIC, factors="area").actual_expected["area"]
    pd.testing.assert_frame_equal(alone, area)
    own = glm_local.validation_report(
        PandasEngine(), frame, **PUBLIC, factors={"a": "area", "late": {"multiply": ["age", 2]}}
    )
    assert own.actual_expected["a"]["actual"].tolist() == area["actual"].tolist()
    assert len(own.actual_expected["late"]) == 40


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"factors": ["aera"]}, ConfigError, "Nearest: 'area'"),
        ({"factors": ["y"]}, ConfigError, "at most 400 levels"),
        ({"factors": [{**AGE, "edges": [3, 1]}]}, SpecError, "not increasing"),
        ({"factors": 3}, ConfigError, "columns, factors, or expressions"),
        ({"target": "z"}, ConfigError, "'z' is not a column"),
    ],
)
def test_a_wrong_question_to_the_public_report_is_told(
    asked: dict[str, object], error: type[Exception], said: str
) -> None:
    frame = pd.DataFrame({"area": ["a"] * 500, "age": range(500), "y": np.arange(500.0), "m": 1.0})
    with pytest.raises(error, match=said):
        glm_local.validation_report(frame, **(PUBLIC | asked))
