"""A ranking of candidates: one line each, what the columns mean, a picture.

A candidate has up to three p-values: of all its levels, of five bands, of its best single cut (the last two where its
levels have an order). The smallest times their number is one p-value, which decisions tell; q is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from glm_local.drawing.figure import Figure
from glm_local.drawing.svg import FITTED, GRID, INK, OBSERVED, Svg, clean, nice_ticks, shortened, tick_text
from glm_local.drawing.tables import Column, PrintedTable, printed
from glm_local.inference.key_inference import dispersion_text
from glm_local.reports.study_tables import SCREENING
from glm_local.screening.score_test import TESTS_OF_A_FACTOR
from glm_local.texts.number_format import amount_text, probability_text, share_text

DEFINITIONS: Mapping[str, str] = {
    "levels": "levels tested: bands of equal exposure, categories of enough rows, missing apart; never by response",
    "statistic": "Rao's score statistic of the levels net of the current model's columns, over the dispersion (by key: "
    "over what the levels' scores spread by key, Rao and Scott's correction)",
    "df": "its degrees of freedom: rank of the levels' information net of the model; 0 when the model has them",
    "p_value": "of the score test: F by key; else chi-square, or F where the dispersion is estimated",
    "coarse_p_value": "of the same test of an ordered candidate in 5 bands, where a step or a trend is plainer",
    "cut_p_value": "of the best single cut of an ordered candidate between its bands, corrected for their number "
    "(Worsley's bound): where a step or a trend is plainest",
    "q_value": "Benjamini and Hochberg of p_value, or of the smallest of p_value, coarse_p_value and cut_p_value times "
    "how many of them there are: keeping all up to q keeps the share of false discoveries at q",
    "lr_statistic": "deviance gain of the joint fit with the levels over the same; lr_df, lr_p_value likewise",
    "train_gain": "fall of the training deviance with each level at its best shift, the current model held as offset",
    "cv_gain": "the same out of fold: shifts learned on the other folds, not shrunk; negative means worse than without",
    "cv_gain_se": "standard error of cv_gain, from the spread between folds",
    "cv_gain_share": "cv_gain over the training deviance of the current model",
    "folds_better": "folds whose deviance falls",
    "validation_gain": "fall of the validation deviance with shifts learned on the training rows",
    "gini": "of the levels as the only predictor, ordered by their rates on the other folds (2 AUC - 1 if binary)",
    "information_value": "binary targets: sum of (share of events - share of others) ln of their ratio",
    "coverage": "share of exposure with a value whose category stands on its own",
    "cardinality": "pre-bins with training rows",
    "psi_validation": "population stability index of validation against training rows, over the tested levels",
    "psi_folds": "largest population stability index of a fold against the others",
    "flags": "what to look at before accepting",
    "error": "why a candidate was not tested",
}

OF_SEVERAL_TESTS = (
    "Ordered candidates are tested by all their levels, in 5 bands and by their best single cut; the smallest of these "
    "p-values, times how many there are, makes q."
)

PRINTED = (
    *SCREENING,
    Column("lr_statistic", "Likelihood ratio", amount_text),
    Column("lr_p_value", "p", probability_text),
    Column("error", "Not tested because"),
)


@dataclass(frozen=True)
class Ranking:
    """What `rank_factors` returns.

    Parameters
    ----------
    table
        One line per candidate, by falling cross-validated gain, then by name; candidates without a test last.
        Columns: see `definitions`.
    tested_against
        Fingerprint of the current model; empty for the intercept alone.
    definitions
        One sentence per column that needs one.
    dispersion
        By row and by key beside the current model (`glm_local.inference.key_inference`); None where rows have no key.
    """

    table: pd.DataFrame
    tested_against: str = ""
    definitions: Mapping[str, str] = field(default_factory=lambda: dict(DEFINITIONS), repr=False)
    dispersion: tuple[float, float] | None = None

    def discoveries(self, q: float = 0.05) -> list[str]:
        """Candidates whose q-value is at most `q`, best first."""
        return [str(name) for name in self.table.loc[self.table["q_value"] <= q, "factor"]]

    def summary(self) -> str:
        """The ranking in sentences."""
        table = self.table
        tested = table[table["p_value"].notna()]
        found = self.discoveries()
        text = [f"{len(tested)} of {len(table)} candidates tested, {len(found)} with a q-value of at most 0.05."]
        if table[list(TESTS_OF_A_FACTOR[1:])].notna().any(axis=None):
            text.append(OF_SEVERAL_TESTS)
        if self.dispersion is not None:
            text.append(f"Beside the current model the {dispersion_text(*self.dispersion)}.")
        better = tested[tested["cv_gain"] > tested["cv_gain_se"]]
        if len(better):
            first = better.iloc[0]
            text.append(
                f"{first['factor']} takes {share_text(first['cv_gain_share'])} off the deviance out of fold; "
                f"{len(better)} candidates gain more than their standard error."
            )
        else:
            text.append("None gains more than its standard error out of fold.")
        text += [f"{name}: {flags}." for name, flags in zip(table["factor"], table["flags"], strict=True) if flags]
        text += [
            f"{name} was not tested: {why}" for name, why in zip(table["factor"], table["error"], strict=True) if why
        ]
        return "\n".join(text)

    def plot(self, most: int = 40) -> Figure:
        """Gain out of fold with its standard error, best first."""
        # Leakage suspects would dwarf all others.
        known = self.table[self.table["cv_gain"].notna()]
        suspect = known["flags"].str.contains("leakage?", regex=False)
        shown = known[~suspect].head(most) if not suspect.all() else known.head(most)
        left_out = int(suspect.sum()) if not suspect.all() else 0
        note = f"; {left_out} leakage suspects not shown" if left_out else ""
        return gain_chart(
            [str(one) for one in shown["factor"]],
            shown["cv_gain"].tolist(),
            shown["cv_gain_se"].tolist(),
            f"Deviance gain out of fold, ± one standard error{note}",
        )

    def _repr_html_(self) -> str:
        empty = {name for name in self.table if self.table[name].isna().all() or (self.table[name] == "").all()}
        shown = [column for column in PRINTED if column.source not in empty]
        return html_table(printed(self.table, shown), "Candidates against the current model")


def by_gain(table: pd.DataFrame, ties: list[str]) -> pd.DataFrame:
    """Lines by falling gain out of fold, then by `ties`, lines without a gain last; `rank` numbers them.

    Gains that differ by rounding alone (the same column twice, sums added in another order) count as equal.
    """
    scale = table["cv_gain"].abs().max()
    key = (table["cv_gain"] / scale).round(9) if scale > 0 else table["cv_gain"]
    order = table.assign(cv_gain=-key).sort_values(["cv_gain", *ties], na_position="last", kind="stable").index
    placed = table.loc[order].reset_index(drop=True)
    placed["rank"] = np.arange(1, len(placed) + 1)
    return placed


def html_table(table: PrintedTable, title: str) -> str:
    """A table as HTML; every text from the data is escaped."""
    left, right = (f' style="padding:2px 8px;text-align:{side}"' for side in ("left", "right"))
    side = [right if number else left for number in table.numeric]
    head = "".join(f"<th{one}>{clean(text)}</th>" for one, text in zip(side, table.headings, strict=True))
    rows = ["".join(f"<td{one}>{clean(cell)}</td>" for one, cell in zip(side, row, strict=True)) for row in table.rows]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    caption = f"<caption>{clean(title)}</caption>"
    return f'<table class="glm">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def gain_chart(names: Sequence[str], gains: Sequence[float], errors: Sequence[float], title: str) -> Figure:
    """Bars with whiskers, one line each."""
    left, width, line = 190.0, 470.0, 22.0
    top = 34.0
    svg = Svg(left + width + 30, top + line * max(len(names), 1) + 34, title)
    svg.text((12, 20), title, size=13, colour=INK, bold=True)
    spread = [(gain, error if error == error else 0.0) for gain, error in zip(gains, errors, strict=True)]
    low = min([0.0, *(gain - error for gain, error in spread)])
    high = max([0.0, *(gain + error for gain, error in spread)])
    ticks = nice_ticks(low, high)
    scale = width / (ticks[-1] - ticks[0])

    def x(value: float) -> float:
        return left + (value - ticks[0]) * scale

    bottom = top + line * len(names)
    for tick in ticks:
        svg.line((x(tick), top - 4), (x(tick), bottom), GRID)
        svg.text((x(tick), bottom + 16), tick_text(tick, ticks), anchor="middle", size=10)
    for at, (name, (gain, error)) in enumerate(zip(names, spread, strict=True)):
        y = top + line * at
        svg.text((left - 8, y + 13), shortened(name, 28), anchor="end", colour=INK, title=name)
        colour = OBSERVED if gain > 0 else FITTED
        svg.rectangle(min(x(0), x(gain)), y + 3, abs(x(gain) - x(0)), line - 8, colour, f"{name}: {gain:,.1f}")
        svg.line((x(gain - error), y + line / 2 - 1), (x(gain + error), y + line / 2 - 1), INK, 1.4)
    svg.line((x(0), top - 4), (x(0), bottom), INK)
    return Figure(svg.render())
