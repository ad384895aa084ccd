"""What a density that counts a row as often as its weight needs of rows, summed while they are packed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from glm_local.rows.domain import Domain


def repeated_density(domain: Domain, response: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Sum of w c(y): c is log y in a positive domain, the log density of a count y at mean y in a nonnegative one.

    NaN where a count is not whole; 0 in other domains.

    Examples
    --------
    >>> round(repeated_density("nonnegative", np.array([0.0, 1.0]), np.array([3.0, 2.0])), 12)
    -2.0
    """
    if domain == "positive":
        return float(weight @ np.log(response))
    if domain != "nonnegative":
        return 0.0
    if not np.array_equal(response, np.rint(response)):
        return math.nan
    some = response > 0
    counts, at = np.unique(response[some], return_inverse=True)
    density = [count * math.log(count) - count - math.lgamma(count + 1) for count in counts.tolist()]
    return float(np.bincount(at.reshape(-1), weight[some], len(counts)) @ np.array(density))
