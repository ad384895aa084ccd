"""Model document -> expressions: linear predictor, rate and mean, written once for every engine and for SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import SpecError
from glm_local.expressions.expression import (
    Arithmetic,
    Compare,
    Expression,
    Function,
    Power,
    Read,
    Scalar,
    When,
)
from glm_local.expressions.expression import Literal as Constant
from glm_local.expressions.expression_json import expression_from_json
from glm_local.factors.compile_factor import Compiled, CompiledFactor, CompiledLinear, compile_factor
from glm_local.factors.derived_columns import inline_derived, read_derived
from glm_local.scoring.model_spec import Coefficient, ModelDocument

ScoreKind = Literal["mean", "rate", "link"]


def role_expression(role: Any, path: str = "") -> Expression:
    """A role is a column name, read as a number, or an expression document."""
    return Read(role, "number") if isinstance(role, str) else expression_from_json(role, path)


@arguments_checked
def score_expression(model: ModelDocument, kind: ScoreKind = "mean") -> Expression:
    """Expression of a model's score.

    Parameters
    ----------
    kind
        "link": the linear predictor without offset and exposure; "rate": its mean, per unit of exposure;
        "mean": the expected target with offset and exposure.

    Returns
    -------
    Expression
        A number over the table's own columns (derived ones are put in); missing where a factor refuses the row, a
        needed column is missing or the exposure is negative.
    """
    return inline_derived(_score(model, kind), read_derived(model.derived))


def _score(model: ModelDocument, kind: ScoreKind) -> Expression:
    eta = linear_predictor(model)
    if kind == "link":
        return eta
    if kind == "mean" and model.spec.offset is not None:
        eta = Arithmetic("+", eta, role_expression(model.spec.offset))
    mean = mean_expression(model.spec.link, eta)
    if kind == "mean" and model.spec.exposure is not None:
        return Arithmetic("*", mean, _amount(role_expression(model.spec.exposure)))
    return mean


def _amount(exposure: Expression) -> Expression:
    """An exposure of 0 or more; a negative one is missing: it is no amount."""
    return When(Compare(">=", exposure, Constant(0.0)), exposure, Constant(None))


def linear_predictor(model: ModelDocument) -> Expression:
    """Intercept plus every factor's contribution, added from left to right in model order."""
    estimates = coefficient_estimates(model.coefficients)
    total: Expression = Constant(estimates.get((None, None), 0.0))
    compiled = {spec.name: compile_factor(spec) for spec in model.factors}
    for _, term in score_terms([spec.name for spec in model.factors], compiled, estimates):
        total = Arithmetic("+", total, term)
    return total


Estimates = Mapping[tuple[str | None, str | None], float]


def coefficient_estimates(coefficients: Iterable[Coefficient]) -> Estimates:
    """Estimates by factor and level, the intercept's by (None, None); 0 where there is none."""
    return {(line.factor, line.level): line.estimate or 0.0 for line in coefficients}


def score_terms(
    names: Iterable[str], compiled: Mapping[str, Compiled], estimates: Estimates
) -> Iterator[tuple[str, Expression]]:
    """Factor and what it adds to the linear predictor, in the order of the names."""
    for name in names:
        part = compiled[name]
        if isinstance(part, CompiledLinear):
            yield name, Arithmetic("*", Constant(estimates.get((name, None), 0.0)), part.value)
        elif isinstance(part, CompiledFactor):
            yield name, part.with_outputs(code_outputs(part, estimates))
        else:
            effects = {
                level: value for (factor, level), value in estimates.items() if factor == name and level is not None
            }
            for term in part.score_terms(compiled, effects):
                yield name, term


def code_outputs(one: CompiledFactor, estimates: Estimates) -> tuple[Scalar, ...]:
    """Coefficient of every code: levels, then extras (what the base level has, refused: missing).

    A base level has 0, but for the first factor of a model without an intercept.
    """
    levels: list[Scalar] = [estimates.get((one.name, level), 0.0) for level in one.levels]
    base = estimates.get((one.name, one.base), 0.0)
    return (*levels, *(base if extra.policy == "base" else None for extra in one.extras))


def mean_expression(link: str, eta: Expression) -> Expression:
    """Inverse link of a linear predictor."""
    one = Constant(1.0)
    minus = Arithmetic("-", Constant(0.0), eta)
    if link == "identity":
        return eta
    if link == "log":
        return Function("exp", eta)
    if link == "logit":
        return Arithmetic("/", one, Arithmetic("+", one, Function("exp", minus)))
    if link == "probit":
        return Function("normal_cdf", eta)
    if link == "cloglog":
        # expm1 keeps the digits of a small mean, which 1 - exp(-exp(eta)) loses
        inner = Arithmetic("-", Constant(0.0), Function("exp", eta))
        return Arithmetic("-", Constant(0.0), Function("expm1", inner))
    if link == "inverse":
        return Arithmetic("/", one, eta)
    if link == "sqrt":
        return Arithmetic("*", eta, eta)
    if link.startswith("power("):
        return Power(eta, 1 / float(link[6:-1]))
    raise SpecError.because(
        f"link {link!r} is not known.",
        "A link has an inverse that every reader can compute.",
        "Use identity, log, logit, probit, cloglog, inverse, sqrt or power(q).",
        "/spec/link",
    )


def estimated(model: ModelDocument) -> tuple[Coefficient, ...]:
    """The coefficients the covariance is about, in its order."""
    return tuple(one for one in model.coefficients if one.status == "fitted")
