"""Whether samples are alike: their rates of the target beside what chance allows.

Chance is judged twice. First as if every row came by itself: a sample's deviation T - R E of its total target T from
the common rate R times its exposure E has the variance (1 - share) sum (y - R e)^2, the larger of its own rows' at
their own rate and of its share of all rows' (draws without replacement; Cochran 1977, 2.5). Only where that says "not
by chance" keys are judged as they came, whole: a hash puts each in one of 2,048 parts, and the parts' deviations have
the variance. A few dozen keys cannot tell a target that made the key from groups that differ: below 30 parts rows
decide, below 200 they do where most of the variance lies between the parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.expression import Arithmetic, Expression, Literal
from glm_local.rows.cells import CellRequest, DesignTable

Floats = NDArray[np.float64]
Groups = Mapping[str, Sequence[tuple[str, Sequence[int]]]]
"""Name of a whole ("all rows") to its samples: their names, and the codes of the rows of each."""

PARTS, FEW_PARTS, MANY_PARTS = 2_048, 30, 200
MOST_BETWEEN = 0.5
CHANCE = 1e-6
"""Samples are unlike where chance alone makes them so different once in a million studies."""

SMALLEST_EFFECT = 0.05
"""And where a rate is off by a twentieth; less matters little, however sure it is."""

TOTAL, EXPOSURE, TOTAL_2, MIXED, EXPOSURE_2 = range(5)
MOMENTS = ("total", "exposure", "total^2", "total * exposure", "exposure^2")


@dataclass(frozen=True)
class RateRoles:
    """What a rate is made of: target by exposure, both times weight."""

    target: Expression
    exposure: Expression | None = None
    weight: Expression | None = None

    def sums(self) -> dict[str, Expression]:
        """The `MOMENTS` of a row, for a cell request."""
        one = Literal(1.0)
        total, exposure = _times(self.weight or one, self.target), _times(self.weight or one, self.exposure or one)
        moments = (total, exposure, _times(total, total), _times(total, exposure), _times(exposure, exposure))
        return dict(zip(MOMENTS, moments, strict=True))


def _times(left: Expression, right: Expression) -> Expression:
    if left == Literal(1.0) or right == Literal(1.0):
        return right if left == Literal(1.0) else left
    return Arithmetic("*", left, right)


@dataclass(frozen=True)
class Unlike:
    """A sample whose rate differs beyond chance from that of the samples it belongs to."""

    sample: str
    rate: float
    others: str
    common: float
    odds: float

    def __str__(self) -> str:
        odds = f"p = {self.odds:.0e}" if self.odds > 1e-99 else "p < 1e-99"
        return f"{self.sample} has a mean target of {self.rate:.4g}, {self.others} {self.common:.4g} ({odds})"


@dataclass(frozen=True)
class KeyParts:
    """Rows and moments by sample code and part of the key."""

    code: NDArray[np.int64]
    part: NDArray[np.int64]
    rows: NDArray[np.int64]
    moments: Floats

    @staticmethod
    def request(name: str, code: Expression, part: Expression, roles: RateRoles) -> CellRequest:
        """What to count."""
        return CellRequest(name, {"code": code, "part": part}, roles.sums(), limit=100 * PARTS)

    @classmethod
    def of(cls, table: DesignTable) -> KeyParts:
        """Read the answer; rows without a code count nowhere."""
        held = ~table.missing["code"]
        moments = np.array([table.sums[name][held] for name in MOMENTS], dtype=np.float64).reshape(len(MOMENTS), -1).T
        code, part = (table.keys[name][held].astype(np.int64) for name in ("code", "part"))
        return cls(code, part, table.rows[held], moments)

    def by_code(self, codes: int) -> Floats:
        """Moments of each code."""
        return np.array([np.bincount(self.code, one, codes) for one in self.moments.T], dtype=np.float64).T

    def decide(self, codes: Sequence[int]) -> bool:
        """Whether keys are numerous enough to judge by, or too little of the variance is between them to matter."""
        here = np.isin(self.code, list(codes))
        parts, at = np.unique(self.part[here], return_inverse=True)
        if not FEW_PARTS <= len(parts) < MANY_PARTS:
            return len(parts) >= MANY_PARTS
        moments = self.moments[here]
        all_rows = moments.sum(axis=0, keepdims=True)
        off = moments[:, TOTAL] - all_rows[0, TOTAL] / all_rows[0, EXPOSURE] * moments[:, EXPOSURE]
        between = float((np.bincount(at, off) ** 2 / np.bincount(at, self.rows[here])).sum())
        return between <= MOST_BETWEEN * float(_row_variance(all_rows)[0])

    def spread(self, codes: Sequence[int]) -> float:
        """Sum of squared deviations of the parts of some codes from the rate of all of them."""
        moments = self.moments[np.isin(self.code, list(codes))]
        total, exposure = moments[:, TOTAL], moments[:, EXPOSURE]
        if len(moments) < 2 or not exposure.sum() > 0:
            return 0.0
        off = total - total.sum() / exposure.sum() * exposure
        return float(off @ off) * len(moments) / (len(moments) - 1)


def unlike_samples(moments: Floats, groups: Groups, parts: KeyParts | None = None) -> list[Unlike]:
    """Samples that are not alike.

    Parameters
    ----------
    moments
        Shape (codes, 5): `MOMENTS` of the rows of each code.
    groups
        Which codes make which sample of which whole.
    parts
        The same rows by their key; None judges every row by itself.
    """
    moments = moments if parts is None else parts.by_code(len(moments))
    tests = max(sum(len(samples) for samples in groups.values()), 1)
    found: list[Unlike] = []
    for whole, samples in groups.items():
        found += _unlike(moments, whole, samples, parts, tests)
    return found


def _unlike(
    moments: Floats, whole: str, samples: Sequence[tuple[str, Sequence[int]]], parts: KeyParts | None, tests: int
) -> Iterator[Unlike]:
    codes = [codes for _, codes in samples]
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.array([moments[list(one)].sum(axis=0) for one in codes])
    total, exposure = sums[:, TOTAL], sums[:, EXPOSURE]
    if not np.isfinite(sums).all() or (exposure > 0).sum() < 2:
        return
    common, share = float(total.sum() / exposure.sum()), exposure / exposure.sum()
    every = [one for some in codes for one in some]
    own, pooled = _row_variance(sums), float(_row_variance(sums.sum(axis=0, keepdims=True))[0])
    if parts is not None and parts.decide(every):
        own, pooled = np.maximum(own, [parts.spread(one) for one in codes]), max(pooled, parts.spread(every))
    most = np.maximum(own, share * pooled) * (1 - share)
    size = abs(common) if (total >= 0).all() else math.sqrt(float(sums[:, TOTAL_2].sum() / sums[:, EXPOSURE_2].sum()))
    for at, (name, _) in enumerate(samples):
        off = float(total[at] - common * exposure[at])
        if not (exposure[at] > 0 and most[at] > 0) or abs(off) <= SMALLEST_EFFECT * size * exposure[at]:
            continue
        odds = math.erfc(abs(off) / math.sqrt(2 * most[at]))
        if odds * tests < CHANCE:
            yield Unlike(name, float(total[at] / exposure[at]), whole, common, odds)


def _row_variance(sums: Floats) -> Floats:
    """Sum of (y - r e)^2 over the rows of each sample at its own rate r."""
    total, exposure, squares, mixed, exposures = sums.T
    rate = np.divide(total, exposure, out=np.zeros_like(total), where=exposure > 0)
    return np.asarray(np.maximum(squares - 2 * rate * mixed + rate * rate * exposures, 0.0), dtype=np.float64)
