"""What can be wrong with what a fit is asked, before any row is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glm_local.errors import Problem, SpecError, nearest
from glm_local.expressions.expression import Expression
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.spec_values import whole_characters
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.request import FitRequest


def check_request(request: FitRequest, family: Family, link: Link) -> None:
    """Refuse what a request cannot mean, whatever the table.

    Raises
    ------
    SpecError
        With every problem.
    """
    problems: list[Problem] = []
    if request.exposure is not None and link.name != "log":
        problems.append(
            Problem(
                "/exposure",
                f"exposure is given with the {link.name} link.",
                "Exposure is an amount that multiplies the mean, which only a log link can do.",
                "Use link='log', or give weight= (precision) or offset= (a number on the link scale).",
            )
        )
    if not 0 < request.confidence < 1:
        problems.append(
            Problem("/confidence", f"confidence is {request.confidence!r}.", "It lies between 0 and 1.", "Use 0.95.")
        )
    if not (np.isfinite(request.ridge) and request.ridge >= 0):
        problems.append(
            Problem("/ridge", f"ridge is {request.ridge!r}.", "A penalty is a number of 0 or more.", "Use 0 for none.")
        )
    problems += whole_characters(request.name, "/name")
    if not request.factors and not request.intercept:
        problems.append(
            Problem(
                "/factors", "there is neither a factor nor an intercept.", "A model has a parameter.", "Add a factor."
            )
        )
    if problems:
        raise SpecError(problems, "the request")


def role_problems(role: str, expression: Expression, columns: Sequence[str]) -> list[Problem]:
    """A problem for every column a role or filter reads that is not there."""
    return [
        Problem(
            f"/{role}",
            f"{column!r} is not a column of the table.",
            "Roles and filters read columns of the table.",
            nearest(column, columns),
        )
        for column in columns_of(expression)
        if column not in columns
    ]
