"""Allocation: the least rows first, the rest by the largest remainder; never more than a stratum has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glm_local.errors import ConfigError
from glm_local.sampling import allocate_fraction, allocate_size

STRATA = st.lists(st.integers(1, 10_000), min_size=1, max_size=30)


def test_the_predecessors_fixture_is_met() -> None:
    assert allocate_size([10, 20, 30], 12, 2).tolist() == [3, 4, 5]


def test_a_tenth_of_thirty_rows_is_three_rows_whatever_binary_fractions_say() -> None:
    assert allocate_fraction([10, 20, 30, 31], 0.1).tolist() == [1, 2, 3, 4]
    assert allocate_fraction([3, 7, 100], 1.0).tolist() == [3, 7, 100]


def test_a_stratum_that_runs_out_passes_its_share_on() -> None:
    assert allocate_size([1, 1, 100], 50, 1).tolist() == [1, 1, 48]
    assert allocate_size([2, 1_000_000], 999_000, 2).sum() == 999_000


def test_more_rows_than_there_are_means_all() -> None:
    assert allocate_size([3, 4], 100).tolist() == [3, 4]


def test_a_size_below_the_least_rows_is_an_error_that_says_how_many_are_needed() -> None:
    with pytest.raises(ConfigError, match="3 strata with at least 2 rows each need 5"):
        allocate_size([1, 5, 9], 4, 2)


@given(STRATA, st.integers(0, 20), st.data())
def test_sizes_add_up_and_keep_every_bound(rows: list[int], least: int, data: st.DataObject) -> None:
    held = np.array(rows)
    needed = int(np.minimum(held, least).sum())
    size = data.draw(st.integers(max(needed, 1), int(held.sum()) + 10))
    given_rows = allocate_size(rows, size, least)
    assert given_rows.sum() == min(size, held.sum())
    assert (given_rows <= held).all()
    assert (given_rows >= np.minimum(held, least)).all()


@given(STRATA, st.integers(1, 5_000))
def test_without_a_least_no_stratum_is_a_whole_row_off_its_share(rows: list[int], size: int) -> None:
    held = np.array(rows)
    size = min(size, int(held.sum()))
    assert (np.abs(allocate_size(rows, size, 0) - size * held / held.sum()) < 1 + 1e-9).all()


@given(STRATA, st.integers(1, 2_000))
def test_a_larger_stratum_never_gives_fewer_rows(rows: list[int], size: int) -> None:
    size = max(size, len(rows))
    given_rows = allocate_size(rows, size, 1)
    order = np.lexsort((given_rows, rows))
    assert (np.diff(given_rows[order]) >= 0).all()


@given(STRATA, st.floats(0.0001, 1.0), st.integers(0, 20))
def test_fractions_keep_every_bound(rows: list[int], fraction: float, least: int) -> None:
    held, found = np.array(rows), allocate_fraction(rows, fraction, least)
    assert (found <= held).all()
    assert (found >= np.minimum(held, least)).all()
    assert (found >= np.minimum(held, fraction * held * (1 - 1e-9))).all()
    assert (found <= np.maximum(fraction * held + 1, np.minimum(held, least))).all()
