"""An edge is the shortest number between two neighbouring values, whatever their scale or sign."""

from __future__ import annotations

import math
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glm_local.candidates.pre_bins import learn_candidates
from glm_local.expressions.evaluate import evaluate
from glm_local.factors.compile_factor import compile_factor
from glm_local.factors.factors import numeric
from glm_local.factors.learn_factors import learn_factors
from glm_local.factors.level_names import level_names
from glm_local.numbers.short_edges import short_between, uniform_edges
from glm_local.pandas_rows.pandas_columns import FrameColumns
from glm_local.pandas_rows.pandas_engine import PandasEngine

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def digits(number: float) -> int:
    decimal = Decimal(repr(number)).normalize()
    return 0 if decimal == 0 else len(decimal.as_tuple().digits)


def fewest_digits(low: float, high: float) -> int:
    """By trying the neighbours of both ends at every number of digits."""
    if low <= 0 < high:
        return 0
    for count in range(1, 18):
        for text in (f"{low:.{count - 1}e}", f"{high:.{count - 1}e}"):
            step = Decimal(1).scaleb(int(text.split("e")[1]) - count + 1)
            tried = [float(Decimal(text) + at * step) for at in range(-2, 3)]
            if any(low <= one < high for one in tried if math.isfinite(one)):
                return count
    return 17


@settings(max_examples=400)
@given(FINITE, FINITE, st.booleans(), st.floats(0, 1))
def test_the_edge_lies_between_its_neighbours_and_no_number_with_fewer_digits_does(
    one: float, other: float, adjacent: bool, share: float
) -> None:
    low = min(one, other)
    high = math.nextafter(low, math.inf) if adjacent or one == other else max(one, other)
    if not math.isfinite(high):
        return
    edge = short_between(low, high, low + (high - low) * share)
    assert low <= edge < high
    assert digits(edge) <= fewest_digits(low, high)


@pytest.mark.parametrize(
    ("low", "high", "near", "edge"),
    [
        (43.7, 43.9, 43.758634939000004, 43.8),
        (0, 1, 0.5, 0),
        (1, 2, None, 1),
        (18, 21, 19.4, 20),
        (99, 999, None, 100),
        (-17.25, -17, None, -17.2),
        (-3, 4, None, 0),
        (-1, 0, None, -1),
        (0.0001, 5, None, 1),
        (2.5e-7, 3.1e-7, None, 3e-7),
        (150_000.5, 3e6, 150_000.5, 200_000),
        (1.7e308, 1.79e308, None, 1.7e308),
        (5e-324, 1e-323, None, 5e-324),
        (0.1, math.nextafter(0.1, 1), None, 0.1),
        (2.0**53, 2.0**53 + 2, None, 2.0**53),
        (7, math.inf, None, sys.float_info.max),
    ],
)
def test_edges_are_the_numbers_a_person_would_write(low: float, high: float, near: float | None, edge: float) -> None:
    assert short_between(low, high, near) == edge


def test_equal_widths_stay_equal_to_a_hundredth() -> None:
    edges = uniform_edges(0.123456, 987.654321, 7)
    width = (987.654321 - 0.123456) / 7
    assert np.abs(np.diff([0.123456, *edges, 987.654321]) / width - 1).max() < 0.021
    assert all(digits(edge) <= 3 for edge in edges)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e7])
@pytest.mark.parametrize("spread", [40, 4_000])
def test_learned_edges_are_short_and_put_every_row_where_the_long_ones_did(scale: float, spread: int) -> None:
    draw = np.random.default_rng(spread)
    values = np.sort(draw.choice(draw.lognormal(3, 1, spread), 5_000)) * scale
    frame = pd.DataFrame({"x": values})
    for bins in (2, 5, 12):
        rule = {"method": "quantile", "bins": bins}
        spec = learn_factors(PandasEngine(), frame, [numeric("x", edges=rule, missing="refuse")])[0]
        edges = list(spec.learned.edges)  # type: ignore[union-attr]
        long = np.unique(np.quantile(values, [at / bins for at in range(1, bins)]))
        np.testing.assert_array_equal(np.searchsorted(edges, values), np.searchsorted(long, values))
        for edge in edges:
            low, high = values[values <= edge].max(), values[values > edge].min()
            assert digits(edge) <= fewest_digits(float(low), float(high))


@pytest.mark.parametrize("spread", [30, 4_000])
def test_pre_bins_are_cut_at_short_numbers_and_mass_points_stay_alone(spread: int) -> None:
    draw = np.random.default_rng(spread)
    values = draw.choice(draw.normal(50, 20, spread), 6_000)
    values[:900] = 43.758634939000004
    found = learn_candidates(PandasEngine(), pd.DataFrame({"x": values}), ["x"], pre_bins=100).candidates[0]
    edges = np.array(found.fine.edges)  # type: ignore[union-attr]
    held = np.sort(values)
    for edge in edges.tolist():
        assert digits(edge) <= fewest_digits(float(held[held <= edge].max()), float(held[held > edge].min()))
    codes = np.searchsorted(edges, values)
    assert set(values[codes == np.searchsorted(edges, 43.758634939000004)]) == {43.758634939000004}


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([0, 1], ["0", "1"]),
        ([0.0, 1.0], ["0", "1"]),
        ([-1.5, 2.25], ["-1.5", "2.25"]),
        ([10, 20], ["10", "20"]),
        (["2020-01-01", "2021-06-30"], ["2020-01-01", "2021-06-30"]),
    ],
)
def test_a_column_of_two_values_has_levels_by_its_values(values: list[object], names: list[str]) -> None:
    dates = isinstance(values[0], str)
    column = pd.to_datetime(pd.Series(values * 50)).dt.date if dates else pd.Series(values * 50)
    frame = pd.DataFrame({"x": column})
    candidate = learn_candidates(PandasEngine(), frame, ["x"]).candidates[0]
    assert list(candidate.labels[: candidate.ordered]) == names
    kept = candidate.spec([[0], [1]], missing="refuse")
    source = "date" if dates else "integer" if isinstance(values[0], int) else "number"
    asked = numeric("x", edges={"method": "quantile", "bins": 4}, source=source, missing="refuse")
    learned = learn_factors(PandasEngine(), frame, [asked])[0]
    for spec in (kept, learned):
        assert level_names(spec.document()) == names
        codes = evaluate(compile_factor(spec).code, FrameColumns(frame)).data  # type: ignore[union-attr]
        assert [names[code] for code in codes[:2]] == names
    merged = candidate.spec([[0, 1]], missing="own_level")
    assert (level_names(merged.document()) or [])[0] == "(-inf, inf)"


def test_a_special_value_keeps_its_own_bin_exactly() -> None:
    frame = pd.DataFrame({"x": [-1.0, 3.0, 7.5, 9.0] * 30})
    asked = {"kind": "numeric", "name": "x", "column": "x", "special": [-1]}
    edges = learn_candidates(PandasEngine(), frame, [asked]).candidates[0].fine.edges  # type: ignore[union-attr]
    assert list(edges) == [math.nextafter(-1, -math.inf), -1, 3, 8]
