"""A fit in 60 decimal digits: what a right answer is where columns nearly depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

DIGITS = 60
R_TOLERANCE = Decimal("1e-11")


def exact_fit(
    columns: Sequence[np.ndarray], response: np.ndarray, weight: np.ndarray | None = None, log: bool = False
) -> tuple[list[Decimal], list[Decimal], list[Decimal]]:
    """Coefficients, standard errors at dispersion 1 and means: poisson with the log link, or least squares."""
    with localcontext() as context:
        context.prec = DIGITS
        rows = _decimals(np.column_stack(columns))
        y, w = _decimals([response])[0], _decimals([np.ones(len(response)) if weight is None else weight])[0]
        mean = sum((a * b for a, b in zip(w, y, strict=True)), Decimal(0)) / sum(w)
        eta = [mean.ln() if log else mean] * len(y)
        found: list[Decimal] = [Decimal(0)] * len(columns)
        for _ in range(60):
            mu = [one.exp() for one in eta] if log else eta
            working = [e + (a - m) / m for e, a, m in zip(eta, y, mu, strict=True)] if log else y
            inner = [a * m for a, m in zip(w, mu, strict=True)] if log else w
            inverse, last = _inverse(rows, inner), found
            right = [
                _sum(v * z * r[j] for v, z, r in zip(inner, working, rows, strict=True)) for j in range(len(found))
            ]
            found = [_sum(a * b for a, b in zip(line, right, strict=True)) for line in inverse]
            eta = [_sum(a * b for a, b in zip(row, found, strict=True)) for row in rows]
            errors = [inverse[j][j].sqrt() for j in range(len(found))]
            if all(abs(a - b) < e * Decimal("1e-22") for a, b, e in zip(found, last, errors, strict=True)):
                break
        return found, errors, [one.exp() for one in eta] if log else eta


def kept_by_r(columns: Sequence[tuple[str, np.ndarray]]) -> list[str]:
    """Columns R keeps: those of which sweeping by the ones before leaves more than 1e-11 of their length."""
    kept: list[str] = []
    units: list[list[Decimal]] = []
    with localcontext() as context:
        context.prec = DIGITS
        for name, values in columns:
            (left,) = _decimals([values])
            length = _sum(v * v for v in left).sqrt()
            for unit in units:
                share = _sum(a * b for a, b in zip(unit, left, strict=True))
                left = [a - share * b for a, b in zip(left, unit, strict=True)]
            rest = _sum(v * v for v in left).sqrt()
            if rest > R_TOLERANCE * length:
                kept.append(name)
                units.append([v / rest for v in left])
    return kept


def _decimals(rows: Any) -> list[list[Decimal]]:
    return [[Decimal(float(value)) for value in row] for row in rows]


def _sum(values: Any) -> Decimal:
    return sum(values, Decimal(0))


def _inverse(rows: list[list[Decimal]], weight: list[Decimal]) -> list[list[Decimal]]:
    p = len(rows[0])
    matrix = [
        [_sum(w * row[i] * row[j] for w, row in zip(weight, rows, strict=True)) for j in range(p)]
        + [Decimal(int(i == j)) for j in range(p)]
        for i in range(p)
    ]
    for k in range(p):
        top = matrix[k] = [value / matrix[k][k] for value in matrix[k]]
        for i in range(p):
            if i != k:
                factor = matrix[i][k]
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], top, strict=True)]
    return [line[p:] for line in matrix]
