"""Cells of a pair: which have an effect of their own, and which follow the margins, and why.

Net of its margins, a pair leaves to them the cells without an effect of their own: the effect of a level is what those
of its cells say that have none. So a level whose cells without one are all thin would be fitted to them alone, and a
thin cell would have an effect of its own after all, under another name. Such a level keeps its largest cell with the
margins too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.edges import at_edge
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.screening.tested_levels import MOST_CELLS, ScreeningRules

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

OWN, BASE, THIN, MARGIN, SILENT = "own", "base", "thin", "margin", "no events"
"""What a cell is: an effect of its own; at a base level; too thin; kept with the margins of a level whose other cells
there are thin; without events (or nothing but events), so that an effect of its own would run away."""
POOLED = (THIN, MARGIN, SILENT)


@dataclass(frozen=True)
class PairCells:
    """Cells of two factors.

    Parameters
    ----------
    own
        Which have an effect of their own.
    thick
        Which hold enough to be looked at on their own; at most `MOST_CELLS`, the largest.
    base
        Which lie at the base level of a factor.

    Shapes (first levels, second levels).
    """

    own: Flags
    thick: Flags
    base: Flags

    @classmethod
    def of(cls, rows: Array, evidence: Array, bases: tuple[int, int], rules: ScreeningRules) -> PairCells:
        """Tell cells by their rows and evidence, never by their responses: tests stay calibrated.

        Parameters
        ----------
        rows, evidence
            Training sums per cell, shape (first levels, second levels).
        bases
            Position of each factor's base level.

        Examples
        --------
        >>> rows = np.array([[90.0, 80, 5], [70, 60, 50], [4, 40, 30]])
        >>> PairCells.of(rows, rows, (0, 0), ScreeningRules()).own.astype(int).tolist()
        [[0, 0, 0], [0, 1, 0], [0, 0, 1]]
        """
        thick = rules.thick(rows, evidence) & (rows > 0)
        if thick.sum() > MOST_CELLS:
            largest = np.argsort(-rows, axis=None, kind="stable")[:MOST_CELLS]
            thick &= np.isin(np.arange(rows.size), largest).reshape(rows.shape)
        base = np.zeros_like(thick)
        base[bases[0]], base[:, bases[1]] = True, True

        def held(own: Flags, axis: int) -> Flags:
            return rules.thick(_left(rows, own, axis), _left(evidence, own, axis))

        return cls(with_held_margins(thick & ~base, rows, held), thick, base)

    def fitted(self, family: Family, link: Link, rows: Array, weight: Array, amount: Array) -> Flags:
        """Those of its own cells whose effects exist: the others, and margins left without events, would run away."""

        def held(own: Flags, axis: int) -> Flags:
            return ~at_edge(family, link, _left(weight, own, axis), _left(amount, own, axis))

        return with_held_margins(self.own & ~at_edge(family, link, weight, amount), rows, held)

    def status(self, fitted: Flags, edge: Flags) -> NDArray[np.str_]:
        """What every cell is in a fit, one of the words above; cells without rows are "thin".

        Parameters
        ----------
        fitted
            Cells with an effect of their own in the fit.
        edge
            Cells whose responses are all at an edge of the family.
        """
        silent = self.own & ~fitted & edge
        words = np.where(fitted, OWN, np.where(silent, SILENT, np.where(self.base, BASE, MARGIN)))
        return np.where(self.thick, words, THIN)


def with_held_margins(own: Flags, rows: Array, held: Callable[[Flags, int], Flags]) -> Flags:
    """Give the largest cells of levels whose margins would hold too little back to the margins, until all hold enough.

    Parameters
    ----------
    held
        Takes cells with effects of their own and an axis, and answers which of its levels hold enough in the others.
    """
    kept, changed = own.copy(), True
    while changed:
        changed = False
        for axis, cells, sizes in ((0, kept, rows), (1, kept.T, rows.T)):
            for at in np.flatnonzero(~held(kept, axis) & cells.any(axis=1)):
                cells[at, np.argmax(np.where(cells[at], sizes[at], -1.0))] = False
                changed = True
    return kept


def _left(values: Array, own: Flags, axis: int) -> Array:
    """Sums of each level of an axis over its cells without an effect of their own."""
    left: Array = np.where(own, 0.0, values).sum(axis=1 - axis)
    return left
