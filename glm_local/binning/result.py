"""What binning answers: the specification, its levels, every size tried, and what is proven."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from glm_local.binning.floors import NO_FLOORS, Floors
from glm_local.binning.proof import Proof
from glm_local.binning.searched import Searched
from glm_local.candidates.candidate import Kind
from glm_local.drawing.figure import Figure
from glm_local.drawing.svg import clean
from glm_local.factors.factor_spec import FactorSpec
from glm_local.reports.bin_path_chart import bin_path_figure
from glm_local.reports.factor_figure import factor_figure
from glm_local.texts.number_format import amount_text, count_text, deviance_text, ratio_text


@dataclass(frozen=True)
class BinningResult:
    """Bins of one candidate.

    Parameters
    ----------
    factor, kind
        Of the candidate.
    spec
        None when no factor at all was chosen.
    groups
        Fine codes of the ordered levels.
    levels
        One row per level, training: ``level``, ``rows``, ``exposure`` (else weight, else rows), ``actual``,
        ``predicted`` (before the factor), ``relativity`` (to the level with most exposure; a difference where the link
        has no ratios), ``shift`` (of the linear predictor from the current model).
    trials
        One row per size, no factor first: see `glm_local.binning.size.choose`.
    proof
        What is proven.
    ratio
        Whether relativities are ratios.
    searched
        What the search gains on rows it did not see; None where nothing was searched for or chosen.
    floors
        What every level was made to hold at least in training.
    """

    factor: str
    kind: Kind
    spec: FactorSpec | None
    groups: tuple[tuple[int, ...], ...]
    levels: pd.DataFrame
    trials: pd.DataFrame
    proof: Proof
    ratio: bool = True
    searched: Searched | None = None
    floors: Floors = NO_FLOORS

    @property
    def bins(self) -> int:
        """Number of ordered levels; 0 without a factor."""
        return len(self.groups)

    def summary(self) -> str:
        """A few lines of text: the choice, its levels, the proof."""
        head = f"{self.factor}: {'no factor at all' if self.spec is None else f'{len(self.levels)} levels'}"
        chosen = self.trials[self.trials["chosen"]].iloc[0]
        none = self.trials.iloc[0]
        measures = [name for name in ("train_deviance", "cv_deviance", "validation_deviance") if name in chosen]
        lines = [
            f"  {name.replace('_', ' ')} {deviance_text(float(chosen[name]))} "
            f"(without the factor {deviance_text(float(none[name]))})"
            for name in measures
        ]
        return "\n".join([f"{head} ({self.proof.status})", *lines, *self._level_lines(), f"  {self.proof.guarantee}"])

    def plot(self) -> Figure:
        """Deviance by number of bins on every sample."""
        return bin_path_figure(self.trials)

    def plot_levels(self) -> Figure:
        """The chosen levels in training: exposure, observed rates, and rates fitted before the factor."""
        exposure = self.levels["exposure"].replace(0.0, math.nan)
        table = pd.DataFrame(
            {
                "level": self.levels["level"],
                "rows": self.levels["rows"],
                "exposure": self.levels["exposure"],
                "exposure_share": self.levels["exposure"] / (self.levels["exposure"].sum() or 1.0),
                "actual_rate": self.levels["actual"] / exposure,
                "predicted_rate": self.levels["predicted"] / exposure,
                "actual_to_predicted": self.levels["actual"] / self.levels["predicted"].replace(0.0, math.nan),
                "lower": math.nan,
                "upper": math.nan,
            }
        )
        return factor_figure(table, title=f"{self.factor}: training, fitted before it")

    def _level_lines(self) -> list[str]:
        if self.spec is None:
            return []
        names = [str(name) for name in self.levels["level"]]
        width = min(max(map(len, names)), 40)
        return [
            f"  {name[:40]:<{width}}  {ratio_text(relativity):>8}  exposure {amount_text(exposure)}"
            for name, relativity, exposure in zip(
                names, self.levels["relativity"].tolist(), self.levels["exposure"].tolist(), strict=True
            )
        ]

    def _repr_html_(self) -> str:
        title = "no factor at all" if self.spec is None else f"{len(self.levels)} levels"
        return (
            f"<div><p><b>{clean(self.factor)}</b>: {title} ({self.proof.status})</p>{self.plot().svg()}"
            f"{self.plot_levels().svg() if self.spec is not None else ''}"
            f"{_html_table(self.levels)}{_html_table(self.trials)}"
            f"<p>{clean(self.proof.guarantee)}</p></div>"
        )


def _html_table(table: pd.DataFrame) -> str:
    names = [name for name in table.columns if name != "shift"]
    head = "".join(f"<th>{clean(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_td(name, line[name]) for name in names)}</tr>" for line in table.to_dict("records"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _td(name: str, value: object) -> str:
    side = "left" if isinstance(value, str) else "right"
    return f'<td style="text-align:{side}">{clean(_cell(name, value))}</td>'


def _cell(name: str, value: object) -> str:
    if name == "chosen":
        return "✓" if value else ""
    if isinstance(value, str):
        return value
    number = float(str(value))
    if name in ("bins", "levels", "rows"):
        return count_text(number)
    if name == "relativity":
        return ratio_text(number)
    if name in ("exposure", "actual", "predicted"):
        return amount_text(number)
    return deviance_text(number)
