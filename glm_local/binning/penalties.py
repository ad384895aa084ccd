"""Penalties on bins, in units of mean deviance per row: the five of the field, and any function of the context.

What adds up over bins or over neighbours is minimised inside the program, with the deviance; anything else judges the
best partition of each size. A penalty that fails is an error with its name: no trial is quietly made hopeless.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.errors import ConfigError, SpecError

Array = NDArray[np.float64]
SMALLEST = 1e-9


@dataclass(frozen=True)
class PenaltyContext:
    """What a penalty is told of one way to cut a factor.

    Parameters
    ----------
    factor, kind
        Name and kind of the candidate.
    bins
        Number of levels, those of their own included.
    bin_table
        One row per level in order, levels of their own last: ``level``, ``rows``, ``bin_size`` (exposure, else weight,
        else rows), ``actual``, ``predicted`` (before the factor), ``relativity``; training.
    train_deviance, validation_deviance
        Mean deviance per row with the factor; validation is the cross-validated deviance when there is no such sample.
    groups
        Fine codes of the ordered levels.
    labels
        Of the fine codes.
    """

    factor: str
    kind: str
    bins: int
    bin_table: pd.DataFrame
    train_deviance: float
    validation_deviance: float
    groups: tuple[tuple[int, ...], ...] = ()
    labels: tuple[str, ...] = ()


Penalty = Callable[[PenaltyContext], float]


@runtime_checkable
class BinPenalty(Protocol):
    """A penalty that adds up over bins."""

    def __call__(self, context: PenaltyContext) -> float:
        """Of one way to cut."""
        ...

    def of_bins(self, size: Array, actual: Array) -> Array:
        """Of bins by their size and actual total."""
        ...


@runtime_checkable
class NeighbourPenalty(Protocol):
    """A penalty that adds up over pairs of neighbours."""

    def __call__(self, context: PenaltyContext) -> float:
        """Of one way to cut."""
        ...

    def of_neighbours(self, left: Array, right: Array) -> Array:
        """Of pairs, by the logarithm of actual / size of each."""
        ...


@dataclass(frozen=True)
class _BinCount:
    per_bin: float
    max_bins: int | None
    excess: float

    def __call__(self, context: PenaltyContext) -> float:
        beyond = 0 if self.max_bins is None else max(context.bins - self.max_bins, 0)
        return context.bins * self.per_bin + beyond * self.excess


@dataclass(frozen=True)
class _Small:
    column: str
    least: float
    penalty: float

    def __call__(self, context: PenaltyContext) -> float:
        if self.column not in context.bin_table:
            raise KeyError(f"the bin table has no column {self.column!r}")
        return float((context.bin_table[self.column].to_numpy(dtype=float) < self.least).sum()) * self.penalty


@dataclass(frozen=True)
class _SmallSize(_Small):
    def of_bins(self, size: Array, actual: Array) -> Array:
        return np.where(size < self.least, self.penalty, 0.0)


@dataclass(frozen=True)
class _SmallCount(_Small):
    def of_bins(self, size: Array, actual: Array) -> Array:
        return np.where(actual < self.least, self.penalty, 0.0)


@dataclass(frozen=True)
class _Gap:
    tolerance: float
    scale: float

    def __call__(self, context: PenaltyContext) -> float:
        return max(context.validation_deviance - context.train_deviance - self.tolerance, 0.0) * self.scale


@dataclass(frozen=True)
class _Unstable:
    largest: float
    penalty: float

    def __call__(self, context: PenaltyContext) -> float:
        level = log_level(*(context.bin_table[name].to_numpy(dtype=float) for name in ("bin_size", "actual")))
        return float(self.of_neighbours(level[:-1], level[1:]).sum())

    def of_neighbours(self, left: Array, right: Array) -> Array:
        return np.maximum(np.abs(right - left) - self.largest, 0.0) * self.penalty


def log_level(size: Array, actual: Array) -> Array:
    """Logarithm of a bin's actual per size, finite also without actuals."""
    level: Array = np.log(np.maximum(actual, 0.0) / np.where(size > 0, size, 1.0) + SMALLEST)
    return level


def bin_count_penalty(
    per_bin: float = 0.001, max_bins: int | None = None, excess_penalty: float | None = None
) -> Penalty:
    """Levels times `per_bin`, and `excess_penalty` (default `per_bin`) for each beyond `max_bins`."""
    return _BinCount(per_bin, max_bins, excess_penalty or per_bin)


def small_bin_size_penalty(min_size: float, penalty: float = 0.01, size_column: str = "bin_size") -> Penalty:
    """`penalty` for every level smaller than `min_size` (exposure, else weight, else rows)."""
    return (_SmallSize if size_column == "bin_size" else _Small)(size_column, min_size, penalty)


def small_count_penalty(min_count: float, penalty: float = 0.01, count_column: str = "actual") -> Penalty:
    """`penalty` for every level whose actual total is below `min_count`."""
    return (_SmallCount if count_column == "actual" else _Small)(count_column, min_count, penalty)


def train_validation_gap_penalty(tolerance: float = 0.0, scale: float = 1.0) -> Penalty:
    """`scale` times what validation deviance exceeds training deviance by, beyond a tolerance."""
    return _Gap(tolerance, scale)


def unstable_relativity_penalty(max_ratio: float = 3.0, penalty: float = 0.01) -> Penalty:
    """`penalty` per unit of log ratio by which neighbouring levels' actual per size differ beyond `max_ratio`.

    Raises
    ------
    SpecError
        When `max_ratio` is not above 1.
    """
    if not max_ratio > 1:
        raise SpecError.because(
            f"max_ratio {max_ratio!r} was given.", "Neighbours differ by a ratio above 1.", "Write 3.", path="max_ratio"
        )
    return _Unstable(math.log(max_ratio), penalty)


_NAMES: dict[type, str] = {
    _BinCount: "bin_count",
    _SmallSize: "small_bin_size",
    _SmallCount: "small_count",
    _Small: "small",
    _Gap: "train_validation_gap",
    _Unstable: "unstable_relativity",
}


def looks_at_validation(text: str) -> bool:
    """Whether a penalty, as the history names it, may read validation rows: functions of one's own may.

    Examples
    --------
    >>> looks_at_validation(repr(bin_count_penalty())), looks_at_validation(repr(train_validation_gap_penalty()))
    (False, True)
    """
    blind = (_BinCount, _SmallSize, _SmallCount, _Small, _Unstable)
    return not any(text.startswith(f"{one.__name__}(") for one in blind)


def named_penalties(penalties: Mapping[str, Penalty] | Sequence[Penalty]) -> dict[str, Penalty]:
    """Penalties by name: a mapping as it is; others by what they are called, numbered where that repeats.

    Raises
    ------
    ConfigError
        When one cannot be called.
    """
    if isinstance(penalties, Mapping):
        named = dict(penalties)
    else:
        named = {}
        for at, one in enumerate(penalties):
            name = _NAMES.get(type(one)) or str(getattr(one, "__name__", "")).strip("<>") or f"penalty_{at + 1}"
            named[name if name not in named else f"{name}_{at + 1}"] = one
    for name, one in named.items():
        if not callable(one):
            raise ConfigError.because(
                f"penalty {name!r} is {one!r}.",
                "A penalty is a function of a context.",
                "Give bin_count_penalty(), or a function that returns a number.",
                path=f"penalties/{name}",
            )
    return named


def penalty_value(name: str, penalty: Penalty, context: PenaltyContext) -> float:
    """The penalty of one way to cut.

    Raises
    ------
    ConfigError
        When it raises, or returns no finite number; the error names the penalty.
    """
    try:
        value: Any = penalty(context)
    except Exception as error:
        raise ConfigError.because(
            f"penalty {name!r} raised {type(error).__name__} on {context.bins} levels of {context.factor!r}: {error}.",
            "A penalty returns a number for every way to cut.",
            "Mend it, or leave it out.",
            path=f"penalties/{name}",
        ) from error
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise ConfigError.because(
            f"penalty {name!r} returned {value!r} on {context.bins} levels of {context.factor!r}.",
            "A penalty is a finite number.",
            "Mend it, or leave it out.",
            path=f"penalties/{name}",
        )
    return float(cast(float, value))


def inside_the_program(penalty: Penalty) -> bool:
    """Whether the program minimises it together with the deviance."""
    return isinstance(penalty, _BinCount | BinPenalty | NeighbourPenalty)
