"""The standard error of what is added up over folds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fold_error(amounts: NDArray[np.float64] | Sequence[float]) -> float:
    """Standard error of a total over folds: sqrt(folds) times the standard deviation between them, at any scale.

    Parameters
    ----------
    amounts
        Shape (folds,): what each fold adds to the total.

    Returns
    -------
    float
        NaN for a single fold, infinite where a fold's amount is.

    Examples
    --------
    >>> f"{fold_error([1.0, 3.0]):.6g} {fold_error([1e300, 3e300]):.6g} {fold_error([0.0, math.inf])}"
    '2 2e+300 inf'
    """
    given = np.asarray(amounts, dtype=np.float64)
    if len(given) < 2:
        return math.nan
    largest = float(np.abs(given).max())
    if not math.isfinite(largest):
        return math.inf
    # Squares of amounts beyond 1e154 are no doubles.
    scale = largest if largest > 1e100 else 1.0
    return scale * math.sqrt(len(given)) * float(np.std(given / scale, ddof=1))
