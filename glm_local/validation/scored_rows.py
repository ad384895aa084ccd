"""Scored rows: which column or expression is target, prediction, exposure, weight and sample; which rows count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from glm_local.expressions.arithmetic import compare, divide, multiply, not_finite, subtract
from glm_local.expressions.expression import AllOf, AnyOf, Expression, Function, IsMissing, Literal, Not, When
from glm_local.families.families import Family

ONE = Literal(1.0)
ALL = Literal("all")

EXCLUSIONS = (
    "sample missing",
    "weight missing",
    "weight negative",
    "weight zero",
    "exposure missing",
    "exposure not positive",
    "target missing",
    "target outside the family",
    "prediction missing",
    "prediction outside the family",
)
"""Why a row is left out of every table, in the order in which the reasons are tried; each such row is counted."""


@dataclass(frozen=True)
class ScoredRows:
    """The roles of a scored table, as expressions of one row.

    Parameters
    ----------
    family
        Gives unit deviance, variance and the allowed targets.
    target
        What was observed, y, as a total over the exposure (claims of the policy year, not claims per year).
    prediction
        Its predicted mean, m, on the same scale.
    exposure
        Amount e that a rate is taken per; rates are y / e and m / e. 1 when absent.
    weight
        Precision weight w; every sum is weighted by it. 1 when absent.
    sample
        ``text`` expression naming the sample of a row; one sample "all" when absent.
    """

    family: Family
    target: Expression
    prediction: Expression
    exposure: Expression = ONE
    weight: Expression = ONE
    sample: Expression = ALL

    @cached_property
    def usable(self) -> Expression:
        """Flag: the row has everything the tables need."""
        return Not(self.excluded)

    @cached_property
    def excluded(self) -> Expression:
        """Flag: some reason of `EXCLUSIONS` holds."""
        return AnyOf(tuple(self._reasons.values()))

    @cached_property
    def exclusion(self) -> Expression:
        """Position in `EXCLUSIONS` of the first reason that holds, -1 where none does."""
        code: Expression = Literal(-1)
        for reason, flag in reversed(list(self._reasons.items())):
            code = When(flag, Literal(EXCLUSIONS.index(reason)), code)
        return code

    @cached_property
    def _reasons(self) -> Mapping[str, Expression]:
        flags: dict[str, Expression] = {}
        if not isinstance(self.sample, Literal):
            flags["sample missing"] = IsMissing(self.sample)
        if self.weight != ONE:
            flags["weight missing"] = not_finite(self.weight)
            flags["weight negative"] = compare(self.weight, "<", 0.0)
            flags["weight zero"] = compare(self.weight, "==", 0.0)
        if self.exposure != ONE:
            flags["exposure missing"] = not_finite(self.exposure)
            flags["exposure not positive"] = compare(self.exposure, "<=", 0.0)
        flags["target missing"] = not_finite(self.target)
        if self.family.domain != "real":
            flags["target outside the family"] = Not(self._in_domain)
        flags["prediction missing"] = not_finite(self.prediction)
        flags["prediction outside the family"] = Not(self.family.possible_pair(self.target, self.prediction))
        return flags

    @cached_property
    def _in_domain(self) -> Expression:
        y, domain = self.target, self.family.domain
        lowest = compare(y, ">", 0.0) if domain == "positive" else compare(y, ">=", 0.0)
        return AllOf((lowest, compare(y, "<=", 1.0))) if domain == "unit" else lowest

    @cached_property
    def unit_deviance(self) -> Expression:
        """d(y, m), missing where the family allows no such pair."""
        return self.family.deviance_expression(self.target, self.prediction)

    @cached_property
    def predicted_rate(self) -> Expression:
        """m / e: what rows are ranked by."""
        return divide(self.prediction, self.exposure)

    @cached_property
    def level_sums(self) -> dict[str, Expression]:
        """What is added up in every cell: exposure, weight, actual, predicted, deviance, model variance.

        exposure = w e, weight = w, actual = w y, predicted = w m, deviance = w d(y, m), variance = w V(m)
        (the variance of "actual" under the model, for dispersion 1).
        """
        w = self.weight
        return {
            "exposure": multiply(w, self.exposure),
            "weight": w,
            "actual": multiply(w, self.target),
            "predicted": multiply(w, self.prediction),
            "deviance": multiply(w, self.unit_deviance),
            "variance": multiply(w, self._variance),
        }

    @cached_property
    def sample_sums(self) -> dict[str, Expression]:
        """What is added up per sample only: errors, Pearson chi-square, the parts of the null deviance."""
        residual = subtract(self.target, self.prediction)
        square = multiply(residual, residual)
        return {
            **self.level_sums,
            "absolute_error": multiply(self.weight, Function("abs", residual)),
            "squared_error": multiply(self.weight, square),
            "pearson": multiply(self.weight, divide(square, self._variance)),
            **self.family.null_sums(self.target, self.exposure, self.weight),
        }

    @cached_property
    def _variance(self) -> Expression:
        return self.family.variance_expression(self.prediction)
