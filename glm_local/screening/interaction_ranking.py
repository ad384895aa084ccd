"""A ranking of pairs of factors: one line each, the cells of every pair, a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from glm_local.drawing.figure import Figure
from glm_local.drawing.tables import printed
from glm_local.errors import DataError, nearest
from glm_local.reports.study_tables import INTERACTIONS
from glm_local.screening.ranking import gain_chart, html_table

DEFINITIONS: Mapping[str, str] = {
    "cells": "cells with training rows",
    "thin_cells": "cells pooled with their margins: too few rows, too little evidence, no events, or needed there",
    "statistic": "score statistic of the cells net of both margins (and the model's columns), over the dispersion",
    "df": "its degrees of freedom: rank of the information, net of these, of the cells with an effect of their own",
    "p_value": "of the score test: F by key; else chi-square, or F where the dispersion is estimated",
    "q_value": "Benjamini and Hochberg over the pairs",
    "gain": "fall of the training deviance, to second order",
    "cv_gain": "the same out of fold: cell effects learned on the other folds, not shrunk",
    "stability": "share of folds whose cells lean the same way as those of the other folds together",
    "fold_correlation": "mean correlation of a fold's cell scores with those of the other folds; 0 by chance",
    "flags": "why a pair was not tested",
    "adjusted_for": "what the cells are net of: all columns of the model and both margins, or the margins alone",
}


@dataclass(frozen=True)
class InteractionRanking:
    """What `find_interactions` returns.

    Parameters
    ----------
    table
        One line per pair, by falling gain out of fold, then by p-value and name; pairs without a test last. The order
        says where to look first, `q_value` whether there is anything. Columns: see `definitions`.
    cells
        Pair to its cells: `row`, `column`, `rows`, `exposure`, `actual`, `predicted`, `actual_to_predicted`,
        `deviation` (in standard deviations, net of the margins), `status` (what the cell is in a fit), `pooled`.
    tested_against
        Fingerprint of the current model; empty for the intercept alone.
    """

    table: pd.DataFrame
    cells: Mapping[tuple[str, str], pd.DataFrame]
    tested_against: str = ""
    definitions: Mapping[str, str] = field(default_factory=lambda: dict(DEFINITIONS))

    def pair_cells(self, first: str, second: str) -> pd.DataFrame:
        """Cells of a pair, in either order of its factors.

        Raises
        ------
        DataError
            When the pair was not tested.
        """
        if (first, second) in self.cells:
            return self.cells[first, second]
        if (second, first) in self.cells:
            return self.cells[second, first].rename(columns={"row": "column", "column": "row"})
        asked, known = f"{first} × {second}", [f"{a} × {b}" for a, b in self.cells]
        raise DataError.because(f"{asked} was not tested.", "Cells are kept per tested pair.", nearest(asked, known))

    def top_cells(self, first: str, second: str, most: int = 10) -> pd.DataFrame:
        """Cells of a pair that deviate most from what the margins say."""
        cells = self.pair_cells(first, second)
        order = cells["deviation"].abs().sort_values(ascending=False, kind="stable", na_position="last").index
        return cells.loc[order[:most]].reset_index(drop=True)

    def discoveries(self, q: float = 0.05) -> list[tuple[str, str]]:
        """Pairs whose q-value is at most `q`, best first."""
        found = self.table[self.table["q_value"] <= q]
        return list(zip(found["first"].astype(str), found["second"].astype(str), strict=True))

    def summary(self) -> str:
        """The ranking in sentences."""
        table, found = self.table, self.discoveries()
        tested = int(table["p_value"].notna().sum())
        text = [f"{tested} of {len(table)} pairs tested, {len(found)} with a q-value of at most 0.05."]
        for first, second in found[:5]:
            line = table[(table["first"] == first) & (table["second"] == second)].iloc[0]
            text.append(
                f"{first} × {second}: {int(line['df'])} degrees of freedom, gain out of fold {line['cv_gain']:,.1f} "
                f"± {line['cv_gain_se']:,.1f}, {line['stability']:.0%} of folds agree."
            )
        untested = table[table["p_value"].isna()]
        text += [
            f"{first} × {second}: {why}."
            for first, second, why in zip(untested["first"], untested["second"], untested["flags"], strict=True)
        ]
        return "\n".join(text)

    def plot(self, most: int = 30) -> Figure:
        """Gain out of fold with its standard error, by rank."""
        shown = self.table[self.table["p_value"].notna()].head(most)
        names = [f"{a} × {b}" for a, b in zip(shown["first"], shown["second"], strict=True)]
        return gain_chart(
            names,
            shown["cv_gain"].tolist(),
            shown["cv_gain_se"].tolist(),
            "Deviance gain of pairs out of fold, ± one standard error",
        )

    def _repr_html_(self) -> str:
        empty = {name for name in self.table if self.table[name].isna().all()}
        shown = [column for column in INTERACTIONS if column.source not in empty]
        return html_table(printed(self.table, shown), "Pairs of factors, net of their margins")
