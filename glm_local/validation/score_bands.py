"""Score bands: how scores are ranked by sums alone, one by one while they are few enough, else on a stated grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glm_local.errors import ConfigError
from glm_local.expressions.arithmetic import multiply
from glm_local.expressions.expression import Arithmetic, Expression, Literal
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.validation.scored_rows import ScoredRows

DOUBLE_BITS = 53
EXACT_BITS = 44
TIED = 2.0**-40
"""Rates that differ by less than this share are one rate: what is left of rounding when m is divided by e."""
EXACT = "exact scores"


@dataclass(frozen=True)
class ScoreBands:
    """Every distinct rate while there are at most `most_exact`, else rates rounded to `significant_bits` binary digits.

    Equal rates (to 12 decimal digits) are tied. Beyond `most_exact`, rates that round alike are one band, and tied.
    With 12 bits a band is 1/4096 to 1/2048 of its rate wide (2,048 bands from any rate to its double), so a curve or
    a Gini differs from the ranking of all rows by less than it would by any sampling of them; two scores further apart
    than that are always told apart. 53 bits keep every distinct rate a band of its own: then ranks are exact, and a
    model with many distinct rates may exceed `limit`.

    The rounding takes one product and two differences (Veltkamp's split), so every engine makes the same bands.

    Parameters
    ----------
    significant_bits
        From 2 to 53.
    limit
        The most bands over all samples; more is an engine's error.
    most_exact
        The most distinct rates over all samples that are ranked one by one; 0 ranks on the grid always.
    """

    significant_bits: int = 12
    limit: int = 1_000_000
    most_exact: int = 100_000

    def __post_init__(self) -> None:
        if not 2 <= self.significant_bits <= DOUBLE_BITS:
            raise ConfigError.because(
                f"significant_bits is {self.significant_bits}.",
                "Score bands keep 2 to 53 binary digits.",
                "Leave it out for 12, or give 53 to rank every distinct score.",
                path="significant_bits",
            )

    def band(self, rate: Expression) -> Expression:
        """The rate rounded to nearest on the grid, a ``number``; missing stays missing."""
        return rate if self.significant_bits == DOUBLE_BITS else _rounded(rate, self.significant_bits)

    def requests(self, rows: ScoredRows) -> list[CellRequest]:
        """Sums per sample and band; and per sample and distinct rate, which fails without harm where they are many."""
        keys = {"sample": rows.sample, "band": self.band(rows.predicted_rate)}
        banded = CellRequest("score bands", keys, rows.level_sums, rows.usable, limit=self.limit)
        if self.significant_bits == DOUBLE_BITS or self.most_exact < 1:
            return [banded]
        keys = {"sample": rows.sample, "band": _rounded(rows.predicted_rate, EXACT_BITS)}
        return [banded, replace(banded, name=EXACT, by=keys, limit=self.most_exact, overflow="none")]

    def ranked(self, answers: Mapping[str, DesignTable | None], of: str = "") -> tuple[DesignTable, str]:
        """The cells to rank by and how they rank; `of` is what the requests' names were lengthened by."""
        exact, banded = answers.get(EXACT + of), answers["score bands" + of]
        assert banded is not None
        if exact is not None:
            return _tied(exact), "every score"
        every = self.significant_bits == DOUBLE_BITS
        return banded, "every score" if every else f"scores to {self.significant_bits} binary digits"

    def definition(self, ranking: str) -> str:
        """One sentence for a report, from what `ranked` said."""
        if ranking == "every score":
            return "Rows are ranked by predicted rate; equal rates are tied, and each pair of them counts one half."
        return (
            f"There are more than {self.most_exact:,} predicted rates: rows are ranked by {ranking}, and Gini and ROC "
            "AUC are right to about four digits; equal rounded rates are tied, and each pair of them counts one half."
        )


def _rounded(rate: Expression, bits: int) -> Expression:
    spread = multiply(rate, Literal(2.0 ** (DOUBLE_BITS - bits) + 1.0))
    return Arithmetic("-", spread, Arithmetic("-", spread, rate))


def _tied(table: DesignTable) -> DesignTable:
    """Cells of rates that differ by rounding only put together, by sample."""
    rates, at = np.unique(table.keys["band"].astype(np.float64), return_inverse=True)
    apart = np.diff(rates, prepend=-np.inf) > TIED * np.abs(rates)
    names, sample = np.unique(table.keys["sample"].astype(str), return_inverse=True)
    group = np.cumsum(apart)[at.reshape(-1)] - 1
    cells, to = np.unique(sample.reshape(-1) * np.int64(len(rates) + 1) + group, return_inverse=True)
    to = to.reshape(-1)
    keys = {"sample": names.astype(object)[cells // (len(rates) + 1)], "band": rates[apart][cells % (len(rates) + 1)]}

    def total(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.bincount(to, weights=values.astype(np.float64), minlength=len(cells)).astype(np.float64)

    return DesignTable(
        keys,
        {name: np.zeros(len(cells), dtype=np.bool_) for name in keys},
        total(table.rows).astype(np.int64),
        {name: total(sums) for name, sums in table.sums.items()},
    )


def samples_of(table: DesignTable) -> list[str]:
    """Samples present, in the order train, validation, holdout, then by name."""
    usual = ("train", "validation", "holdout")
    names = sorted({str(name) for name in table.keys["sample"].tolist()})
    return [name for name in usual if name in names] + [name for name in names if name not in usual]


def of_sample(table: DesignTable, sample: str) -> DesignTable:
    """The cells of one sample, in the table's order."""
    return take(table, np.flatnonzero(table.keys["sample"] == sample))


def take(table: DesignTable, cells: NDArray[np.int64] | list[int]) -> DesignTable:
    """Some cells of a table, by position."""
    return DesignTable(
        {name: key[cells] for name, key in table.keys.items()},
        {name: mask[cells] for name, mask in table.missing.items()},
        table.rows[cells],
        {name: total[cells] for name, total in table.sums.items()},
    )
