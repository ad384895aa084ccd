from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from glm_local import BinningRules, ConfigError, DataError, GlmError, GLMStudy, aggregate_table, fit_glm, read_factors
from tests.suites.plain_mistakes import CROSS, FILTERS, REFUSED, ROWS, X, levels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_told_in_three_parts(name: str) -> None:
    asked, said = REFUSED[name]
    with pytest.raises(GlmError, match=said) as told:
        fit_glm(ROWS, **{"target": "y", "factors": [X], **asked})
    assert all(one.found and one.rule and one.way_out for one in told.value.problems)


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_as_text_fits_the_rows_it_means(text: str) -> None:
    meant = fit_glm(ROWS[FILTERS[text](ROWS)], target="y", factors=[levels("a")] if "a ==" not in text else [X])
    found = fit_glm(ROWS, target="y", factors=[levels("a")] if "a ==" not in text else [X], where=text)
    assert found.statistics.rows == meant.statistics.rows == FILTERS[text](ROWS).sum()
    assert found.statistics.deviance == pytest.approx(meant.statistics.deviance)


def test_a_table_by_group_takes_the_same_filters() -> None:
    table = aggregate_table(ROWS, "a", sums={"claims": ("y", "sum")}, where="x > 0")
    assert table["claims"].sum() == ROWS.y[ROWS.x > 0].sum()


def test_missing_of_a_text_column_is_missing_text() -> None:
    rows = ROWS.assign(a=[None, *ROWS.a[1:]])
    assert fit_glm(rows, target="y", factors=[X], where="a.isna() or a == 'q'").statistics.rows == 17


@pytest.mark.parametrize("coding", ["net_of_margins", "cells"])
def test_a_crossing_may_stand_before_what_it_crosses(coding: str) -> None:
    cross = {**CROSS, "coding": coding}
    before = fit_glm(ROWS, target="y", factors=[cross, levels("a"), levels("b")])
    after = fit_glm(ROWS, target="y", factors=[levels("a"), levels("b"), cross])
    assert before.fingerprint == after.fingerprint
    np.testing.assert_array_equal(before.predict(ROWS)["prediction"], after.predict(ROWS)["prediction"])


@pytest.mark.parametrize(
    "held", [tuple, iter, lambda one: np.array(one, dtype=object), pd.Series, lambda one: (f for f in one)]
)
def test_factors_come_in_anything_that_has_an_order(held: Any) -> None:
    assert fit_glm(ROWS, target="y", factors=held([X])).document.factors == read_factors(held([X]))


def test_a_whole_number_is_a_ridge() -> None:
    one, same = (fit_glm(ROWS, target="y", factors=[X], ridge=ridge, solver="blocks") for ridge in (1, 1.0))
    assert one.fingerprint == same.fingerprint


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".csv.gz", ","), (".tsv", "\t"), (".CSV", ",")])
def test_the_path_of_a_csv_file_is_read(suffix: str, separator: str, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / f"rows{suffix}", index=False, sep=separator)
    model = fit_glm(tmp_path / f"rows{suffix}", target="y", factors=[X, levels("a")])
    assert model.fingerprint == fit_glm(ROWS, target="y", factors=[X, levels("a")]).fingerprint


@pytest.mark.parametrize("values", [[1, "a"], [b"a", "a"], [True, 2], [pd.Timestamp("2020-01-01"), "a"]])
def test_a_column_of_several_kinds_is_called_mixed(values: list[Any]) -> None:
    rows = ROWS.assign(a=pd.Series(values * 16, dtype=object))
    with pytest.raises(DataError, match=r"several kinds \(mixed"):
        fit_glm(rows, target="y", factors=[levels("a")])


def test_half_a_character_in_a_column_is_told() -> None:
    rows = ROWS.assign(a=pd.Series(["\ud800", "p"] * 16, dtype=object))
    with pytest.raises(DataError, match="half a character"):
        fit_glm(rows, target="y", factors=[{**levels("a"), "base": "largest_exposure"}])


def test_rules_and_options_of_a_study_are_named() -> None:
    with pytest.raises(ConfigError, match="Nearest: 'max_bins'"):
        BinningRules(max_bin=4)  # type: ignore[call-arg]
    rows = pd.DataFrame({"y": np.arange(600) % 3, "age": np.arange(600) * 7 % 61, "id": range(600)})
    study = GLMStudy(rows, target="y", key="id")
    for ask, said in (
        (lambda: study.factor("age").optimize(max_bin=4), "'max_bin' is not an argument.*Nearest: 'max_bins'"),
        (lambda: study.rank_candidates(foo=1), "'foo' is not an argument of rank_candidates"),
        (lambda: study.rank_candidates("age"), "names is 'age'. It is a list or None"),
        (lambda: study.factor("age").coarse_bins("5"), "bins is '5'. It is a whole number"),
    ):
        with pytest.raises(ConfigError, match=said):
            ask()
