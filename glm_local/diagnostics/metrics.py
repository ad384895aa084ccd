"""Measures of predictions held in arrays: mean deviances and errors, weighted throughout.

Every measure is a weighted mean over rows, ``sum(w * d) / sum(w)``; without weights every row counts 1. Targets and
predictions are totals of a row, on one scale; an exposure plays no part (give it as weight to measure rates).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError, DataError
from glm_local.families.families import Family, family_from

Array = NDArray[np.float64]


@arguments_checked
def mean_deviance(
    family: Family | str | Mapping[str, object],
    target: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None = None,
) -> float:
    """Weighted mean of the family's unit deviance d(y, m).

    Parameters
    ----------
    family
        "poisson", "gamma", "gaussian", "inverse_gaussian", "binomial", "tweedie(1.5)", ...
    target, prediction
        Observed y and predicted mean m, shape (rows,).
    weight
        Precision w, not negative; rows of weight 0 do not count.

    Raises
    ------
    DataError
        Missing or infinite values, targets the family does not have, predictions it cannot have (a prediction on the
        border, 0 for poisson, is right where the target is there too), negative weights, no row.
    ConfigError
        Arrays of different length.

    Examples
    --------
    >>> round(mean_deviance("poisson", [0, 1, 3], [0.5, 1, 2]), 6)
    0.477597
    """
    chosen = family_from(family)
    y, m, w = _rows(target, prediction, weight)
    _refuse(_outside(chosen, y), "target", f"is not one of the {chosen} family")
    certain = ~chosen.valid_mean(m) & (y == m) & ~_outside(chosen, m)
    _refuse(~chosen.valid_mean(m) & ~certain, "prediction", f"is no mean of the {chosen} family")
    unit = np.zeros(len(y))
    unit[~certain] = chosen.unit_deviance(y[~certain], m[~certain])
    return _mean(unit, w)


@arguments_checked
def poisson_deviance(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted mean of 2 [y log(y / m) - (y - m)]; see `mean_deviance`.

    Examples
    --------
    >>> round(poisson_deviance([0, 1, 3], [0.5, 1, 2], [1, 2, 3]), 6)
    0.383062
    """
    return mean_deviance("poisson", target, prediction, weight)


@arguments_checked
def gamma_deviance(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted mean of 2 [(y - m) / m - log(y / m)], y > 0; see `mean_deviance`."""
    return mean_deviance("gamma", target, prediction, weight)


@arguments_checked
def gaussian_deviance(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted mean of (y - m)^2; see `mean_deviance`."""
    return mean_deviance("gaussian", target, prediction, weight)


@arguments_checked
def tweedie_deviance(target: ArrayLike, prediction: ArrayLike, power: float, weight: ArrayLike | None = None) -> float:
    """Weighted mean of the unit deviance of variance m^power; see `mean_deviance`."""
    return mean_deviance({"family": "tweedie", "power": power}, target, prediction, weight)


@arguments_checked
def binomial_deviance(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted mean of 2 [y log(y / m) + (1 - y) log((1 - y) / (1 - m))], y a share, w trials; see `mean_deviance`."""
    return mean_deviance("binomial", target, prediction, weight)


@arguments_checked
def weighted_mae(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Weighted mean of |y - m|.

    Examples
    --------
    >>> weighted_mae([1, 3], [2, 1], [1, 3])
    1.75
    """
    y, m, w = _rows(target, prediction, weight)
    return _mean(np.abs(y - m), w)


@arguments_checked
def weighted_rmse(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Square root of the weighted mean of (y - m)^2."""
    y, m, w = _rows(target, prediction, weight)
    return math.sqrt(_mean((y - m) ** 2, w))


def _rows(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None) -> tuple[Array, Array, Array]:
    y, m = _numbers(target, "target"), _numbers(prediction, "prediction")
    w = np.ones(len(y)) if weight is None else _numbers(weight, "weight")
    if not len(y) == len(m) == len(w):
        raise ConfigError.because(
            f"target has {len(y)} rows, prediction {len(m)}, weight {len(w)}.",
            "Arrays are of one length.",
            "Take them from the same rows.",
        )
    _refuse(w < 0, "weight", "is negative")
    counted = w > 0
    if not counted.any():
        raise DataError.because("no row counts.", "A mean needs a row of positive weight.", "Give rows.")
    y, m, w = y[counted], m[counted], w[counted]
    return y, m, w


def _numbers(values: ArrayLike, role: str) -> Array:
    try:
        numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise DataError.because(
            f"{role} is not numeric.",
            "Measures are taken of numbers; text is never read as 0.",
            "Convert it first.",
            path=role,
        ) from None
    _refuse(~np.isfinite(numbers), role, "is missing or infinite")
    return numbers


def _outside(family: Family, y: Array) -> NDArray[np.bool_]:
    if family.domain == "real":
        return np.zeros(len(y), dtype=np.bool_)
    below: NDArray[np.bool_] = y <= 0 if family.domain == "positive" else y < 0
    return below | (y > 1) if family.domain == "unit" else below


def _refuse(wrong: NDArray[np.bool_], role: str, what: str) -> None:
    if wrong.any():
        raise DataError.because(
            f"{role} {what} in {int(wrong.sum()):,} rows, first in row {int(np.argmax(wrong))}.",
            "A measure leaves no row out by itself.",
            "Choose the rows that count, or correct them.",
            path=role,
        )


def _mean(values: Array, weight: Array) -> float:
    return float(np.sum(weight * values) / np.sum(weight))
