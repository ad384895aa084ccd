"""Screening: every candidate tested against the current model, from sums over packed rows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.study_rows import StudyRows
from glm_local.errors import GlmError, SpecError, nearest
from glm_local.scoring.model_spec import ModelDocument
from glm_local.screening.candidate_checks import CandidateChecks, FlagLimits, leakage
from glm_local.screening.candidate_levels import CandidateLevels
from glm_local.screening.concentration import cross_fitted_gini, information_value
from glm_local.screening.cut_test import cut_p_value
from glm_local.screening.level_gain import LevelGain, level_gain
from glm_local.screening.likelihood_ratio import closed_form, refitted
from glm_local.screening.ranking import Ranking, by_gain
from glm_local.screening.score_kernel import INFORMATION, SCORE, ScoreSums
from glm_local.screening.score_pass import CurrentModel, FieldLevels, field_of, score_pass
from glm_local.screening.score_test import TESTS_OF_A_FACTOR, Dispersion, Efficient, ScoreTest, q_values, smallest_of
from glm_local.screening.tested_levels import NO_FREEDOM, UNTESTED, ScreeningRules

ScreeningTest = Literal["score", "likelihood_ratio"]
TESTS: tuple[ScreeningTest, ...] = ("score", "likelihood_ratio")
SCORE_ONLY: tuple[ScreeningTest, ...] = ("score",)

COLUMNS = (
    "rank",
    "factor",
    "kind",
    "levels",
    "cv_gain",
    "cv_gain_se",
    "cv_gain_share",
    "folds_better",
    "train_gain",
    "validation_gain",
    "statistic",
    "df",
    *TESTS_OF_A_FACTOR,
    "q_value",
    "lr_statistic",
    "lr_df",
    "lr_p_value",
    "gini",
    "information_value",
    "cardinality",
    "missing_share",
    "validation_missing_share",
    "coverage",
    "thin_levels",
    "thin_share",
    "psi_validation",
    "psi_folds",
    "flags",
    "error",
)
COARSE_BANDS = 5
"""Bands of the second test of ordered candidates: a step or a trend spends few degrees of freedom there."""
COUNTS = ("rank", "levels", "df", "lr_df", "cardinality", "thin_levels", "folds_better")


@arguments_checked
class RankingOptions(TypedDict, total=False):
    """What `rank_factors` takes beside rows, model and names; see there."""

    tests: Collection[ScreeningTest]
    rules: ScreeningRules | None
    limits: FlagLimits | None


def rank_factors(
    rows: StudyRows[Any],
    model: ModelDocument | None = None,
    names: Sequence[str] | None = None,
    *,
    tests: Collection[ScreeningTest] = SCORE_ONLY,
    rules: ScreeningRules | None = None,
    limits: FlagLimits | None = None,
    refused: Mapping[str, str] | None = None,
) -> Ranking:
    """Test candidates against the current model and rank them by what they gain out of fold.

    Passes: two or three over packed rows whatever the number of candidates (three where the deviance has no closed form
    in a shift), none over source rows; likelihood ratios against a model with factors refit it once per candidate.

    Parameters
    ----------
    rows
        The study's packed rows.
    model
        The current model; None is the intercept alone.
    names
        Candidates; None is all of them. One that cannot be tested gets a line with the reason.
    tests
        "score" always; "likelihood_ratio" adds the joint fit with each candidate's tested levels.
    rules, limits
        How levels are formed, and what is flagged.
    refused
        Candidates without fine codes, and why.

    Raises
    ------
    SpecError
        For a test that does not exist.
    """
    unknown = [one for one in tests if one not in TESTS]
    if unknown:
        raise SpecError.because(
            f"{unknown[0]!r} is no test.", f"Tests are {', '.join(TESTS)}.", nearest(unknown[0], TESTS), "/tests"
        )
    refused = dict(refused or {})
    chosen = list(dict.fromkeys([*rows.candidates, *refused] if names is None else names))
    known = [name for name in chosen if name in rows.candidates]
    lines = [_refusal(name, refused.get(name) or _no_candidate(rows, name)) for name in chosen if name not in known]
    screening = _Screening(rows, model, rules or ScreeningRules(), limits or FlagLimits(), "likelihood_ratio" in tests)
    lines += screening.lines(known) if known else []
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    table["q_value"] = q_values(smallest_of(*(table[name] for name in TESTS_OF_A_FACTOR)))
    table = by_gain(table, ["factor"])
    counted = table.astype(dict.fromkeys(COUNTS, "int64"))
    return Ranking(counted, "" if model is None else model.fingerprint, dispersion=screening.spread)


def _no_candidate(rows: StudyRows[Any], name: str) -> str:
    return f"{name!r} is not a candidate. {nearest(name, list(rows.candidates))}"


def _refusal(name: str, why: str) -> dict[str, Any]:
    nothing = dict.fromkeys(COLUMNS, math.nan) | dict.fromkeys(COUNTS, 0)
    return nothing | {"factor": name, "kind": "", "flags": "", "error": why}


class _Screening:
    """One ranking in progress."""

    def __init__(
        self, rows: StudyRows[Any], model: ModelDocument | None, rules: ScreeningRules, limits: FlagLimits, ratio: bool
    ) -> None:
        self.rows, self.model, self.limits, self.ratio = rows, model, limits, ratio
        self.current = CurrentModel.of(rows, model)
        self.rules = rules.of_domain(self.current.domain)
        self.dispersion: Dispersion = self.current.dispersion
        self.spread: tuple[float, float] | None = None

    def lines(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """One line per candidate."""
        sums = candidate_sums(self.rows, self.model, names)
        prepared = {name: CandidateLevels.of(one, self.current, self.rules) for name, one in sums.items()}
        few = replace(self.rules, bands=COARSE_BANDS)
        coarse = {
            name: CandidateLevels.of(sums[name], self.current, few)
            for name, one in prepared.items()
            if one.sums.kind != "categorical" and one.tested.groups > COARSE_BANDS + 1
        }
        tested = [*prepared.items(), *coarse.items()]
        fields = [field_of(self.rows, self.current, FieldLevels(name, one.tested.group)) for name, one in tested]
        found = score_pass(self.rows, self.current, fields, "screening")
        self.spread = found.dispersion
        seconds = dict(zip(coarse, range(len(prepared), len(tested)), strict=True))
        lines = []
        for at, (name, one) in enumerate(prepared.items()):
            try:
                efficient = _efficient(found, at)
                line = self._line(name, one, efficient.test(self.dispersion))
                second = _efficient(found, seconds[name]).test(self.dispersion).p_value if name in seconds else math.nan
                cut = cut_p_value(efficient, one.bands, self.dispersion)
                lines.append(line | {"coarse_p_value": second, "cut_p_value": cut})
            except (GlmError, ArithmeticError, ValueError) as error:
                lines.append(_refusal(name, _reason(error)) | {"kind": one.sums.kind})
        return lines

    def _line(self, name: str, one: CandidateLevels, score: ScoreTest) -> dict[str, Any]:
        sums, tested = one.sums, one.tested
        gain = level_gain(sums, tested.group, tested.groups, self.dispersion.value)
        checks = CandidateChecks.of(one, self.rows.candidates[name].apart("missing"), self.rules)
        binary = self.rows.family.binary
        weight, amount = (one.by_level(values) for values in (sums.weight, sums.amount))
        gini = cross_fitted_gini(weight, amount, binary)
        total = float(sums.deviance[: sums.folds].sum())
        share = gain.train / total if total > 0 else math.nan
        flags = [
            *self._untested(one, score, checks),
            *checks.flags(sums.kind, self.limits),
            *leakage(sums, tested, share, gini, self.rows.family, self.limits),
        ]
        ratio = self._ratio(name, one, gain, score) if self.ratio else None
        events, others = amount.sum(axis=1), (weight - amount).sum(axis=1)
        return {
            "factor": name,
            "kind": sums.kind,
            "levels": tested.groups,
            "cv_gain": gain.cv,
            "cv_gain_se": gain.cv_se,
            "cv_gain_share": gain.cv / total if total > 0 else math.nan,
            "folds_better": int((gain.by_fold > 0).sum()),
            "train_gain": gain.train,
            "validation_gain": gain.validation,
            "statistic": score.statistic,
            "df": score.freedom,
            "p_value": score.p_value,
            "lr_statistic": math.nan if ratio is None else ratio.statistic,
            "lr_df": 0 if ratio is None else ratio.freedom,
            "lr_p_value": math.nan if ratio is None else ratio.p_value,
            "gini": gini,
            "information_value": information_value(events, others) if binary else math.nan,
            "cardinality": checks.cardinality,
            "missing_share": checks.missing_share,
            "validation_missing_share": checks.validation_missing_share,
            "coverage": checks.coverage,
            "thin_levels": checks.thin_levels,
            "thin_share": checks.thin_share,
            "psi_validation": checks.psi_validation,
            "psi_folds": checks.psi_folds,
            "flags": "; ".join(flags),
            "error": "",
        }

    def _untested(self, one: CandidateLevels, score: ScoreTest, checks: CandidateChecks) -> Iterator[str]:
        """Why a candidate that is not constant has no test."""
        if not math.isnan(score.p_value):
            return
        if score.freedom:
            yield NO_FREEDOM
        elif one.tested.groups > 1:
            yield f"{UNTESTED}: the model has its levels"
        elif checks.cardinality > 1:
            rows, known = checks.rows, float(one.evidence.sum())
            yield (
                f"{UNTESTED}: of its {rows:,.0f} rows ({known:,.0f} in evidence) no two levels hold "
                f"{self.current.floors_text(self.rules)} each"
            )

    def _ratio(self, name: str, one: CandidateLevels, gain: LevelGain, score: ScoreTest) -> ScoreTest | None:
        if self.model is None or not self.model.factors:
            return closed_form(one.sums, one.tested, gain, score, self.dispersion)
        if score.freedom == 0:
            return None
        return refitted(self.rows, self.current.fit.document, self.rows.candidates[name], one.tested, score)


def _efficient(found: ScoreSums, at: int) -> Efficient:
    """Score and information of one tested field net of the model."""
    total = found.levels[at].sum(axis=1)
    own, cross = np.diag(total[INFORMATION]), found.cross[at]
    return Efficient.of(total[SCORE], own, cross, found.model, found.by_key[at])


def _reason(error: Exception) -> str:
    if isinstance(error, GlmError) and error.problems:
        return error.problems[0].found
    return str(error) or type(error).__name__
