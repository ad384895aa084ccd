"""From a finished model and its validation to what the page shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from glm_local.contract.fill_rows import Row
from glm_local.contract.model_spec import FitStatistics, ModelDocument
from glm_local.glm.second_opinion import SecondOpinion
from glm_local.job.config import JobConfig
from glm_local.recorded_rows import is_converged
from glm_local.reports.content import CoefficientRow, Decision, ReportContent
from glm_local.validation import ValidationReport

_RELATIVE = {"log": "Relativity", "logit": "Odds ratio"}
_KEPT = ("rows", "model", "verdict", "train", "validation", "holdout", "method", "sha256")


def report_content(
    config: JobConfig,
    model: ModelDocument,
    validation: ValidationReport,
    opinion: SecondOpinion | None,
    history: Sequence[Row],
    fingerprints: Mapping[str, str],
    created: str,
) -> ReportContent:
    """Put together the page of a run; `history` are the run's events so far."""
    end = model.convergence
    return ReportContent(
        title=config.report.title or model.name, subtitle=_subtitle(config, model),
        coefficients=[_coefficient(one.model_dump()) for one in model.coefficients], validation=validation,
        fit_figures=_figures(model.statistics),
        convergence=f"{end.reason.capitalize()} after {end.iterations} iterations ({end.route} route), "
        f"last step {end.last_step_in_se:.1e} standard errors.",
        converged=is_converged(model),
        second_opinion="It was not asked for." if opinion is None else str(opinion),
        second_opinion_status="not asked" if opinion is None else opinion.verdict,
        warnings=model.warnings, fingerprints=fingerprints, versions=model.versions,
        passes={"over raw rows": str(end.raw_passes), "over packed rows": f"{end.packed_passes:g}"},
        decisions=[_decision(event) for event in history], created=created,
        statistic_name=model.statistics.statistic, relativity_name=_RELATIVE.get(model.spec.link, ""),
        exposure_name=config.report.exposure_name,
    )  # fmt: skip


def _subtitle(config: JobConfig, model: ModelDocument) -> str:
    said = [config.job.description] if config.job.description else []
    target = config.roles.target if isinstance(config.roles.target, str) else "an expression"
    per = f" per {config.report.exposure_name or 'exposure'}" if model.spec.exposure is not None else ""
    return ". ".join([*said, f"Target {target}{per}, {model.spec.family} family, {model.spec.link} link"]) + "."


def _coefficient(line: Mapping[str, Any]) -> CoefficientRow:
    names = (
        "term",
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "lower",
        "upper",
        "relativity",
        "relativity_lower",
        "relativity_upper",
        "rows",
        "status",
    )
    return CoefficientRow(
        factor=line["factor"] or "",
        level=line["level"] or "",
        exposure=line["weight"],
        **{name: line[name] for name in names},
    )


def _figures(figures: FitStatistics) -> dict[str, str]:
    shown: dict[str, float | None] = {
        "Rows": figures.rows, "Coefficients": figures.parameters, "Residual deviance": figures.deviance,
        "Null deviance": figures.null_deviance, "Residual degrees of freedom": figures.df_residual,
        "Dispersion": figures.dispersion, "Pearson dispersion": figures.dispersion_pearson,
        "Log-likelihood": figures.log_likelihood, "AIC": figures.aic, "BIC": figures.bic,
    }  # fmt: skip
    return {name: _number(value) for name, value in shown.items() if value is not None}


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def _decision(event: Row) -> Decision:
    payload = json.loads(str(event["payload"]))
    details = ", ".join(f"{name}: {_short(payload[name])}" for name in _KEPT if payload.get(name) is not None)
    why = " ".join(part for part in (str(event["reason"] or ""), details) if part)
    return Decision(
        when=f"{event['at']:%Y-%m-%d %H:%M:%S} UTC", who=str(event["by_user"]), what=str(event["event"]), why=why
    )


def _short(value: object) -> str:
    if isinstance(value, int | float):
        return f"{value:,}"
    text = str(value)
    return f"{text[:16]}…" if len(text) == 64 else text
