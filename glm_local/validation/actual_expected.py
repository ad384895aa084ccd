"""Actual against expected by factor level, for every sample, in the factor's own order of levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.errors import ConfigError
from glm_local.expressions.category_key import key_text
from glm_local.expressions.expression import Expression
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.validation.factor_codes import MOST_CELLS
from glm_local.validation.group_columns import key_values, value_ranks
from glm_local.validation.intervals import IntervalRule, ratio
from glm_local.validation.score_bands import of_sample, samples_of
from glm_local.validation.scored_rows import ScoredRows


@dataclass(frozen=True)
class FactorCodes:
    """A factor as validation sees it: an integer expression and the label of every code, in the factor's order.

    Without labels the expression is read as it is, and its values are the levels.
    """

    name: str
    code: Expression
    labels: tuple[str, ...] | None

    def request(self, rows: ScoredRows) -> CellRequest:
        """Sums per sample and level."""
        keys = {"sample": rows.sample, "code": self.code}
        return CellRequest(f"factor {self.name}", keys, rows.level_sums, rows.usable)


def actual_expected_table(table: DesignTable, factor: FactorCodes, rule: IntervalRule) -> pd.DataFrame:
    """A/E and deviance by level and sample; a level without rows is shown, with zeros.

    Columns
    -------
    factor, level, code, sample
        Levels keep the factor's order; rows without a code come last as level "(no level)", code -1.
    rows, exposure, exposure_share, actual, predicted, actual_rate, predicted_rate
        Weighted totals, the share in the sample's exposure, totals per exposure.
    actual_to_predicted, lower, upper, deviation
        A/E, its interval, and (A - E) in standard deviations of A under the model.
    deviance, mean_deviance
        Sum of w d(y, m), and the same per weight.
    dispersion_by_key
        What the levels' totals spread by key, where keys are known: intervals and deviations are made with it.
    """
    table, labels = _by_values(table, factor.name) if factor.labels is None else (table, factor.labels)
    factor = replace(factor, labels=labels)
    by_key = rule.by_sample is not None
    parts = [_one_sample(of_sample(table, one), factor, rule.of(one), one, by_key) for one in samples_of(table)]
    return pd.concat(parts, ignore_index=True)


def _one_sample(table: DesignTable, factor: FactorCodes, rule: IntervalRule, sample: str, by_key: bool) -> pd.DataFrame:
    assert factor.labels is not None
    levels = len(factor.labels)
    missing = table.missing["code"]
    codes = np.where(missing, levels, np.where(missing, 0, table.keys["code"]).astype(np.int64))
    size = levels + int(missing.any())
    rows = _at_codes(table.rows, codes, size)
    sums = {name: _at_codes(total, codes, size) for name, total in table.sums.items()}
    lower, upper = rule.bounds(sums["actual"], sums["predicted"], sums["variance"])
    return pd.DataFrame(
        {
            "factor": factor.name,
            "level": _labels(factor.labels, size),
            "code": [code if code < levels else -1 for code in range(size)],
            "sample": sample,
            "rows": rows.astype(np.int64),
            "exposure": sums["exposure"],
            "exposure_share": ratio(sums["exposure"], np.full(size, sums["exposure"].sum())),
            "actual": sums["actual"],
            "predicted": sums["predicted"],
            "actual_rate": ratio(sums["actual"], sums["exposure"]),
            "predicted_rate": ratio(sums["predicted"], sums["exposure"]),
            "actual_to_predicted": ratio(sums["actual"], sums["predicted"]),
            "lower": lower,
            "upper": upper,
            "deviation": rule.deviation(sums["actual"], sums["predicted"], sums["variance"]),
            "deviance": sums["deviance"],
            "mean_deviance": ratio(sums["deviance"], sums["weight"]),
            **({"dispersion_by_key": rule.dispersion} if by_key else {}),
        }
    )


def _by_values(table: DesignTable, name: str) -> tuple[DesignTable, tuple[str, ...]]:
    """A table keyed by values as one keyed by codes, and their labels in the order of the values."""
    _, first, codes = np.unique(value_ranks(table, "code"), return_index=True, return_inverse=True)
    shown = key_values(table, "code")
    labels = tuple(key_text(shown[at]) for at in first.tolist() if shown[at] is not None)
    if len(labels) > MOST_CELLS:
        raise ConfigError.because(
            f"column {name!r} has {len(labels):,} values.",
            f"A report shows at most {MOST_CELLS} levels.",
            'Give a factor that bins it: {"kind": "numeric", "name": ..., "column": ..., "edges": ...}.',
            path="factor",
        )
    return replace(table, keys={**table.keys, "code": codes.reshape(-1).astype(np.int64)}), labels


def _at_codes(values: NDArray[np.generic], codes: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.bincount(codes, weights=values.astype(np.float64), minlength=size).astype(np.float64)


def _labels(labels: Sequence[str], size: int) -> list[str]:
    return [*labels, "(no level)"][:size]
