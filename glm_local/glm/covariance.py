"""Covariance and condition of the coefficients where a fit ended, on the scale of the given numerics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glm_local.glm.arrowhead import Arrowhead
from glm_local.glm.basis import Basis
from glm_local.glm.condition import condition_by_elimination, condition_number
from glm_local.glm.information import inverse_root, kept_part

Array = NDArray[np.float64]


def covariance_and_condition(
    basis: Basis, kept: NDArray[np.intp], information: Array, penalty: Array | None
) -> tuple[Array, float | None]:
    """Covariance at dispersion 1, NaN for columns left out, and the condition number of the design.

    Parameters
    ----------
    kept
        Columns that are not aliased.
    information
        Of all inner columns, without the penalty.
    penalty
        Of a ridge, for inner coefficients.
    """
    own = kept_part(information, kept)
    curved = own if penalty is None else own + kept_part(penalty, kept)
    arrow = Arrowhead.of(curved)
    if arrow is not None and _is_apart(arrow, basis, kept, own):
        found, condition = _by_elimination(basis, kept, own, arrow, penalty is not None)
    else:
        found, condition = _by_root(basis, kept, own, curved, penalty is not None)
    if len(kept) == len(information):
        return found, condition
    covariance = np.full(information.shape, np.nan)
    covariance[np.ix_(kept, kept)] = found
    return covariance, condition


def _is_apart(arrow: Arrowhead, basis: Basis, kept: NDArray[np.intp], information: Array) -> bool:
    """Whether the block's columns are given ones, and have nothing in common without the penalty either."""
    if np.isin(kept[arrow.own], basis.columns.numerics).any():
        return False
    block = slice(arrow.own[0], arrow.own[-1] + 1)  # a run of columns, which a slice does not copy
    return bool(np.count_nonzero(information[block, block]) <= len(arrow.own))


def _by_root(
    basis: Basis, kept: NDArray[np.intp], information: Array, curved: Array, ridge: bool
) -> tuple[Array, float | None]:
    inner = inverse_root(curved)
    root = kept_part(basis.square(), kept) @ inner if len(basis.columns.numerics) else inner
    covariance = root @ (inner.T @ information @ inner) @ root.T if ridge else root @ root.T
    return covariance, condition_number(basis, kept, information, root)


def _by_elimination(
    basis: Basis, kept: NDArray[np.intp], information: Array, arrow: Arrowhead, ridge: bool
) -> tuple[Array, float | None]:
    """The inverse is a diagonal and a thin product; the sandwich around the information under a ridge likewise."""
    thin, unit = arrow.thin(), arrow.unit()
    given = basis.outer_of(kept, thin)
    condition = condition_by_elimination(basis, kept, information, arrow, given)
    if not ridge:
        covariance: Array = given @ given.T
        covariance[arrow.own, arrow.own] += unit
        return covariance, condition
    pushed = information @ thin
    half = 0.5 * given @ (thin.T @ pushed)
    half[arrow.own] += unit[:, None] * pushed[arrow.own]
    covariance = half @ given.T
    covariance += covariance.T.copy()
    covariance[arrow.own, arrow.own] += unit**2 * np.diag(information)[arrow.own]
    return covariance, condition
