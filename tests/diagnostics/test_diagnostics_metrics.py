"""Measures on arrays: the predecessor's fixtures, weights everywhere, and never a silent 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.diagnostics import (
    binomial_deviance,
    gamma_deviance,
    gaussian_deviance,
    mean_deviance,
    poisson_deviance,
    tweedie_deviance,
    weighted_mae,
    weighted_rmse,
)
from glm_local.errors import ConfigError, DataError

MEASURES: list[Callable[..., float]] = [
    poisson_deviance,
    gamma_deviance,
    gaussian_deviance,
    binomial_deviance,
    weighted_mae,
    weighted_rmse,
    lambda y, m, w=None: tweedie_deviance(y, m, 1.5, w),
]
POSITIVE = st.lists(st.tuples(*[st.floats(0.01, 0.99)] * 2, st.integers(1, 4)), min_size=1, max_size=20)


def test_the_predecessors_fixtures_are_met() -> None:
    assert poisson_deviance([0, 1, 3], [0.5, 1, 2]) == pytest.approx(0.477597, abs=5e-7)
    assert poisson_deviance([0, 1, 3], [0.5, 1, 2], [1, 2, 3]) == pytest.approx(0.383062, abs=5e-7)
    assert gamma_deviance([1, 2], [2, 2]) == pytest.approx(0.193147, abs=5e-7)
    assert gaussian_deviance([1, 2], [2, 2]) == 0.5
    assert weighted_mae([1, 3], [2, 1], [1, 3]) == 1.75
    assert weighted_rmse([1, 3], [2, 1], [1, 3]) == pytest.approx(math.sqrt(3.25))


def test_a_right_prediction_has_deviance_zero_on_the_border_too() -> None:
    assert poisson_deviance([0.0, 1, 2.5], [0.0, 1, 2.5]) == 0
    assert binomial_deviance([0.0, 1, 0.25], [0.0, 1, 0.25]) == pytest.approx(0, abs=1e-15)
    assert tweedie_deviance([0.0, 2], [0.0, 2], 1.5) == 0


def test_a_prediction_on_the_border_that_failed_is_told_and_not_clipped() -> None:
    with pytest.raises(DataError, match="no mean of the poisson family in 1 rows, first in row 0"):
        poisson_deviance([1.0, 1.0], [0.0, 1.0])
    with pytest.raises(DataError, match="no mean of the gamma"):
        gamma_deviance([1.0], [0.0])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("bad", [[math.nan, 0.5], [0.5, math.inf], ["x", 0.5], [None, 0.5]])
def test_a_missing_or_unreadable_target_is_an_error_and_never_zero(measure: Callable[..., float], bad: Any) -> None:
    for rows in ((bad, [0.5, 0.5]), ([0.5, 0.5], bad), ([0.5, 0.5], [0.5, 0.5], bad)):
        with pytest.raises(DataError):
            measure(*rows)


@pytest.mark.parametrize("measure", MEASURES)
def test_rows_of_weight_zero_do_not_count_and_some_row_must(measure: Callable[..., float]) -> None:
    assert measure([0.5, 0.9], [0.4, 0.1], [1, 0]) == measure([0.5], [0.4])
    with pytest.raises(DataError, match="no row counts"):
        measure([0.5], [0.4], [0])
    with pytest.raises(DataError, match="weight is negative"):
        measure([0.5], [0.4], [-1])
    with pytest.raises(ConfigError, match="one length"):
        measure([0.5, 0.5], [0.4])


def test_a_target_outside_the_family_is_an_error() -> None:
    for family, target in (("poisson", -1.0), ("gamma", 0.0), ("binomial", 1.5), ("tweedie(1.5)", -0.1)):
        with pytest.raises(DataError, match="family in 1 rows, first in row 1"):
            mean_deviance(family, [0.5, target], [0.5, 0.5])


@given(POSITIVE)
def test_a_whole_weight_is_so_many_equal_rows(rows: list[tuple[float, float, int]]) -> None:
    y, m, w = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    times = w.astype(int)
    for measure in MEASURES:
        assert measure(y, m, w) == pytest.approx(measure(np.repeat(y, times), np.repeat(m, times)), rel=1e-9, abs=1e-12)


@given(POSITIVE, st.floats(0.01, 100))
def test_the_scale_of_weights_plays_no_part(rows: list[tuple[float, float, int]], scale: float) -> None:
    y, m, w = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    for measure in MEASURES:
        assert measure(y, m, scale * w) == pytest.approx(measure(y, m, w), rel=1e-9, abs=1e-12)
