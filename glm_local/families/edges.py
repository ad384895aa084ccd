"""Sums of responses at an edge of their family: where all of a level's are, its estimate runs away (separation)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glm_local.families.families import Family
from glm_local.families.links import Link

ENDLESS_AT_ZERO = ("log", "logit", "probit", "cloglog")
ENDLESS_AT_ONE = ("logit", "probit", "cloglog")


def at_edge(family: Family, link: Link, weight: ArrayLike, amount: ArrayLike) -> NDArray[np.bool_]:
    """Whether a sum of responses is 0, or all of its weight for shares, where the link has no end there.

    Examples
    --------
    >>> from glm_local.families.families import family_from
    >>> from glm_local.families.links import link_from
    >>> at_edge(family_from("binomial"), link_from("logit"), [5.0, 5.0, 5.0], [0.0, 5.0, 1.0]).tolist()
    [True, True, False]
    """
    held, found = np.asarray(weight, dtype=np.float64), np.asarray(amount, dtype=np.float64)
    below = family.domain in ("nonnegative", "unit") and link.name in ENDLESS_AT_ZERO
    above = family.domain == "unit" and link.name in ENDLESS_AT_ONE
    flags: NDArray[np.bool_] = (below & (found == 0)) | (above & (found == held))
    return flags
