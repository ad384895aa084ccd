"""Which columns are aliased is the same by the library's factor and by the loop, whatever the number of columns."""

from __future__ import annotations

import numpy as np
import pytest

from glm_local.glm import information
from glm_local.glm.information import inverse_diagonal, inverse_information, ordered_factor


def unit_diagonal(columns: np.ndarray) -> np.ndarray:
    product = columns.T @ columns
    scale = 1 / np.sqrt(np.diag(product))
    return np.asarray(product * scale[:, None] * scale[None, :])


@pytest.mark.parametrize("dependent", [False, True])
def test_both_ways_keep_the_same_columns(dependent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.random.default_rng(3).normal(size=(400, 90))
    if dependent:
        columns[:, 70] = columns[:, 3] - 2 * columns[:, 8]
    scaled, order, tolerance = unit_diagonal(columns), np.arange(90), np.full(90, 1e-10)
    by_library = ordered_factor(scaled, order, tolerance)
    monkeypatch.setattr(information, "MANY_COLUMNS", 1_000)
    by_loop = ordered_factor(scaled, order, tolerance)
    assert by_library.pivots.tolist() == by_loop.pivots.tolist() == [j for j in range(90) if not dependent or j != 70]
    np.testing.assert_allclose(by_library.left, by_loop.left, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(by_library.explained(70), by_loop.explained(70), rtol=1e-8, atol=1e-12)


def test_the_diagonal_of_an_inverse_is_that_of_the_inverse() -> None:
    matrix = unit_diagonal(np.random.default_rng(4).normal(size=(50, 12))) * 1e8
    np.testing.assert_allclose(inverse_diagonal(matrix), np.diag(inverse_information(matrix)), rtol=1e-12)
