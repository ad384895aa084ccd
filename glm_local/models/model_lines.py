"""A model document as the page shows it: coefficient rows, figures, how the fit ended, in words."""

from __future__ import annotations

import math

from glm_local.drawing.svg import level_text
from glm_local.inference.credible_levels import credible_relativities
from glm_local.inference.thin_levels import Profile, thin_levels
from glm_local.reports.content import CoefficientRow
from glm_local.scoring.model_spec import Coefficient, ModelDocument
from glm_local.texts.number_format import count_text

RELATIVITY_NAMES = {"log": "Relativity", "logit": "Odds ratio"}
"""What exp of an estimate is called, by link; other links have none."""


def relativity_name(link: str) -> str:
    """What exp of an estimate is called under a link, "" where it means nothing."""
    return RELATIVITY_NAMES.get(link, "")


def coefficient_rows(model: ModelDocument, profile: Profile = "insurance") -> list[CoefficientRow]:
    """Every coefficient, base rows included, in the model's order; thin levels by the floors of a profile."""
    thin, credible = thin_levels(model, profile), credible_relativities(model)
    shown = {term: one for term, one in credible.items() if math.isfinite(one)}
    return [_row(one, thin.get(one.term, ""), shown.get(one.term)) for one in model.coefficients]


def fit_figures(model: ModelDocument) -> dict[str, str]:
    """Figures of the fit, written."""
    figures = model.statistics
    shown: dict[str, float | None] = {
        "Rows": figures.rows,
        "Coefficients": figures.parameters,
        "Residual deviance": figures.deviance,
        "Null deviance": figures.null_deviance,
        "Residual degrees of freedom": figures.df_residual,
        "Dispersion": figures.dispersion,
        "Pearson dispersion": figures.dispersion_pearson,
        "Dispersion by row": figures.dispersion_by_row,
        "Dispersion by key": figures.dispersion_by_key,
        "Log-likelihood": figures.log_likelihood,
        "AIC": figures.aic,
        "BIC": figures.bic,
        "AIC with weights as repeated rows, as in R": figures.r_aic if figures.r_aic != figures.aic else None,
    }
    return {name: _number(value) for name, value in shown.items() if value is not None}


def convergence_words(model: ModelDocument) -> str:
    """How the iterations ended, in one sentence."""
    end = model.convergence
    return (
        f"{end.reason.capitalize()} after {end.iterations} iterations ({end.route} route), "
        f"last step {end.last_step_in_se:.1e} standard errors."
    )


def model_facts(model: ModelDocument) -> dict[str, str]:
    """Family, link, number of factors and coefficients."""
    factors, fitted = len(model.factors), sum(one.status == "fitted" for one in model.coefficients)
    return {"Family": model.spec.family, "Link": model.spec.link, "Factors": str(factors), "Coefficients": str(fitted)}


def role_words(model: ModelDocument) -> dict[str, str]:
    """Role to column, for roles that are taken."""
    spec = model.spec
    roles = {"Target": spec.target, "Exposure": spec.exposure, "Weight": spec.weight, "Offset": spec.offset}
    return {
        role: column if isinstance(column, str) else "an expression"
        for role, column in roles.items()
        if column is not None
    }


def _row(one: Coefficient, thin: str, credible: float | None) -> CoefficientRow:
    return CoefficientRow(
        one.term,
        one.factor or "",
        "" if one.level is None else level_text(one.level),
        one.estimate,
        one.std_error,
        one.statistic,
        one.p_value,
        one.lower,
        one.upper,
        one.relativity,
        one.relativity_lower,
        one.relativity_upper,
        one.rows,
        one.weight,
        one.status,
        one.inference or "",
        credible=credible,
        thin=thin,
    )


def _number(value: float) -> str:
    if isinstance(value, int):
        return count_text(value)
    return (f"{value:,.2f}" if abs(value) >= 1000 else f"{value:,.4f}").replace("-", "−")
