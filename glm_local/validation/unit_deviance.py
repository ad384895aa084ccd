"""Unit deviances as expressions: what a family says of one row."""

from __future__ import annotations

from collections.abc import Mapping

from glm_local.expressions.expression import Expression
from glm_local.families.families import family_from
from glm_local.families.family import Family


def unit_deviance_expression(family: Family | str | Mapping[str, object], y: Expression, mu: Expression) -> Expression:
    """Unit deviance d(y, mu) of one row, so that a sample's deviance is the sum of ``weight * d``.

    Parameters
    ----------
    family
        "poisson", "tweedie(1.5)", ... as `fit_glm` takes it.
    y, mu
        ``number`` expressions: what was observed and its predicted mean, on one scale.

    Returns
    -------
    Expression
        A ``number``, never negative but for rounding; missing where y or mu is missing or not possible in the family.

    Raises
    ------
    SpecError
        For an unknown family, or a variance power that no distribution has.
    """
    return family_from(family).deviance_expression(y, mu)
