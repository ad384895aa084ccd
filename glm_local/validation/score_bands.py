"""Score bands: the stated grid on which scores are ranked, so that ranking needs sums and no rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.contract.cells import CellRequest, DesignTable
from glm_local.contract.expression import Arithmetic, Expression, Literal
from glm_local.errors import ConfigError
from glm_local.validation.arithmetic import multiply
from glm_local.validation.scored_rows import ScoredRows

DOUBLE_BITS = 53


@dataclass(frozen=True)
class ScoreBands:
    """Rates rounded to `significant_bits` binary digits; rates that round alike are one band, and tied.

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
    """

    significant_bits: int = 12
    limit: int = 1_000_000

    def __post_init__(self) -> None:
        if not 2 <= self.significant_bits <= DOUBLE_BITS:
            raise ConfigError.because(
                f"significant_bits is {self.significant_bits}.", "Score bands keep 2 to 53 binary digits.",
                "Leave it out for 12, or give 53 to rank every distinct score.", path="significant_bits",
            )

    def band(self, rate: Expression) -> Expression:
        """The rate rounded to nearest on the grid, a ``number``; missing stays missing."""
        if self.significant_bits == DOUBLE_BITS:
            return rate
        spread = multiply(rate, Literal(2.0 ** (DOUBLE_BITS - self.significant_bits) + 1.0))
        return Arithmetic("-", spread, Arithmetic("-", spread, rate))

    def request(self, rows: ScoredRows) -> CellRequest:
        """Sums per sample and band."""
        keys = {"sample": rows.sample, "band": self.band(rows.predicted_rate)}
        return CellRequest("score bands", keys, rows.level_sums, rows.usable, limit=self.limit)

    @property
    def definition(self) -> str:
        """One sentence for a report."""
        if self.significant_bits == DOUBLE_BITS:
            return "Rows are ranked by predicted rate; equal rates are tied and share their average rank."
        return (
            f"Rows are ranked by predicted rate, rounded to {self.significant_bits} binary digits; "
            "equal rounded rates are tied and share their average rank."
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
