"""The verdict: what the tables say about the model, in plain words."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, Protocol

import pandas as pd

from glm_local.drawing.svg import level_text
from glm_local.drawing.tables import ValidationTables, summary_with_gini
from glm_local.reports.content import FITTED_ON, CoefficientRow
from glm_local.texts.level_warnings import thin_sentence
from glm_local.texts.number_format import amount_text, count_text, ratio_text, share_text

FAR = 3.0

Line = dict[Hashable, Any]


class Judged(Protocol):
    """What a verdict is written from: a run's or a study's content."""

    @property
    def validation(self) -> ValidationTables | None:
        """The tables, if there are any."""
        ...

    @property
    def evidence(self) -> ValidationTables | None:
        """The tables that hold the judged sample."""
        ...

    @property
    def judged_sample(self) -> str:
        """The sample to judge by."""
        ...

    @property
    def coefficients(self) -> Sequence[CoefficientRow]:
        """The model's lines: thin levels are named."""
        ...

    @property
    def converged(self) -> bool:
        """Whether the fit ended where it should."""
        ...

    @property
    def second_opinion_status(self) -> Literal["agrees", "differs", "not verifiable", "not asked"]:
        """What an independent solver said."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """Sentences a reader must know."""
        ...


def plain_verdict(content: Judged) -> str:
    """A paragraph: level, share explained and Gini on the judged sample, levels off, thin levels, second opinion.

    Rows the model was fitted on are no evidence: where there are no others, the paragraph says so and gives no figure.
    """
    tables, name = content.evidence, content.judged_sample
    lines = {
        str(line["sample"]): line
        for one in (content.validation, tables)
        if one is not None
        for line in summary_with_gini(one).to_dict("records")
    }
    thin = [one for one in content.coefficients if one.thin]
    sentences: list[str] = []
    if name in FITTED_ON and name in lines:
        sentences = [_nothing_unseen(name, lines[name])]
    elif name in lines:
        sentences = [_level(name, lines[name]), _strength(name, lines), _off_levels(tables, name, thin)]
    sentences.append(thin_sentence({f"{one.factor} = {one.level}": one.thin for one in thin}))
    if not content.converged:
        sentences.insert(0, "The fit did not converge: nothing below should be used.")
    sentences.append(
        {
            "agrees": "A second, independent solver gives the same coefficients.",
            "differs": "A second, independent solver gives other coefficients: look into this before using the model.",
            "not verifiable": "A second opinion was asked for and could not be given.",
            "not asked": "No second opinion was asked for.",
        }[content.second_opinion_status]
    )
    if content.warnings:
        number = len(content.warnings)
        sentences.append(f"There {'is 1 warning' if number == 1 else f'are {number} warnings'} below.")
    return " ".join(sentence for sentence in sentences if sentence)


def _nothing_unseen(name: str, line: Line) -> str:
    rows = count_text(float(line["rows"]))
    return (
        f"Nothing here tells how the model does on new rows: the only ones looked at are {rows} it was fitted on "
        f"({_named(name)}). Their A/E, deviance and Gini show how closely it was fitted, not how well it predicts."
    )


def _level(name: str, line: Line) -> str:
    rate, lower, upper = (float(line[key]) for key in ("actual_to_predicted", "lower", "upper"))
    where = f"On {_named(name)} ({count_text(float(line['rows']))} rows)"
    found = f"{amount_text(float(line['actual']))} were observed and {amount_text(float(line['predicted']))} predicted"
    verdict = f"{where} {found}: A/E {ratio_text(rate)}"
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return f"{verdict}."
    if lower <= 1 <= upper:
        return f"{verdict}, within chance (interval {ratio_text(lower)} to {ratio_text(upper)})."
    side = "too low" if rate > 1 else "too high"
    return f"{verdict}; the interval {ratio_text(lower)} to {ratio_text(upper)} leaves out 1, so the level is {side}."


def _strength(name: str, lines: Mapping[str, Line]) -> str:
    line = lines[name]
    explained, gini = float(line["deviance_explained"]), float(line["gini"])
    parts = []
    if math.isfinite(explained):
        parts.append(f"explains {share_text(explained)} of the deviance of a constant rate")
    if math.isfinite(gini):
        parts.append(f"ranks with a Gini of {ratio_text(gini)}")
    if not parts:
        return ""
    sentence = f"There the model {' and '.join(parts)}"
    train = lines.get("train") if name != "train" else None
    if train is not None and math.isfinite(float(train["gini"])) and math.isfinite(gini):
        sentence += f" (train: {share_text(float(train['deviance_explained']))} and {ratio_text(float(train['gini']))})"
    return f"{sentence}."


def _off_levels(validation: ValidationTables | None, sample: str, thin: Sequence[CoefficientRow]) -> str:
    """Levels that are off; thin ones are only named for it, never counted among those that are not."""
    if validation is None or not validation.actual_expected:
        return ""
    every = pd.concat([table[table["sample"] == sample] for table in validation.actual_expected.values()])
    judged = every[every["deviation"].notna()]
    far = judged[judged["deviation"].abs() > FAR].sort_values("deviation", key=lambda one: -one.abs())
    if judged.empty:
        return ""
    own = {(one.factor, one.level) for one in thin}
    known = sum((factor, level_text(level)) not in own for factor, level in judged[["factor", "level"]].to_numpy())
    if far.empty:
        which = f"{known} factor levels that hold enough to tell" if known < len(judged) else f"{known} factor levels"
        return f"None of the {which} is off by more than {FAR:g} standard deviations." if known else ""
    named = ", ".join(
        f"{line['factor']} = {line['level']} (A/E {ratio_text(float(line['actual_to_predicted']))})"
        for line in far.head(3).to_dict("records")
    )
    verb = "is" if len(far) == 1 else "are"
    worst = "first of all " if len(far) > 3 else ""
    off = f"{len(far)} of {len(judged)} factor levels {verb} off by more than {FAR:g} standard deviations"
    return f"{off}: {worst}{named}."


def _named(sample: str) -> str:
    return {
        "holdout": "the holdout",
        "validation": "the validation sample",
        "train": "the training sample",
        "all": "all rows",
    }.get(sample, f"sample {sample!r}")
