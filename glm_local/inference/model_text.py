"""A model document as text and as HTML for people."""

from __future__ import annotations

from html import escape

from glm_local.inference.thin_levels import thin_levels
from glm_local.scoring.model_spec import Coefficient, ModelDocument
from glm_local.texts.counted import counted
from glm_local.texts.level_warnings import SEARCHED, searched_warning, thin_sentence

MARK = "†"
"""Beside p-values and ends of intervals of levels that were searched for on the same rows."""

_COLUMNS = ("estimate", "std_error", "statistic", "p_value", "relativity", "lower", "upper", "weight")


def model_text(model: ModelDocument) -> str:
    """Figures and coefficient table, under 120 columns."""
    lines = [*_heading(model), ""]
    width = min(44, max([len(one.term) for one in model.coefficients] + [4]))
    statistic = model.statistics.statistic
    titles = [
        "estimate",
        "std error",
        statistic,
        "p",
        "relativity",
        "95 % low" if model.spec.confidence == 0.95 else "low",
        "high",
        "weight",
    ]
    lines.append("term".ljust(width) + "".join(title.rjust(12) for title in titles))
    lines += [
        one.term[:width].ljust(width) + "".join(cell.rjust(12) for cell in _cells(one, model))
        for one in model.coefficients
    ]
    if any(one.inference for one in model.coefficients):
        lines += ["", f"{MARK} {SEARCHED}"]
    lines += ["", *(f"! {warning}" for warning in _warnings(model))]
    return "\n".join(lines).rstrip()


def model_html(model: ModelDocument) -> str:
    """A small HTML table; every name is escaped."""
    head = "".join(f"<p style='margin:0'>{escape(line)}</p>" for line in _heading(model))
    titles = "".join(f"<th>{escape(title)}</th>" for title in ("term", *_COLUMNS))
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(one.term)}</td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(one, model))
        + "</tr>"
        for one in model.coefficients
    )
    searched = searched_warning(dict.fromkeys(str(one.factor) for one in model.coefficients if one.inference))
    caution = f"<p style='margin:0'><b>{MARK} {escape(searched)}</b></p>" if searched else ""
    warnings = [warning for warning in _warnings(model) if warning != searched]
    notes = caution + "".join(f"<p style='margin:0'>⚠ {escape(warning)}</p>" for warning in warnings)
    return f"<div>{head}<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>{notes}</div>"


def _warnings(model: ModelDocument) -> list[str]:
    """The model's warnings, and its thin levels in a sentence."""
    thin = thin_sentence(thin_levels(model))
    return [*model.warnings, *([thin] if thin else [])]


def _heading(model: ModelDocument) -> list[str]:
    spec, figures, ending = model.spec, model.statistics, model.convergence
    null, explained = figures.null_deviance, ""
    if null is not None:
        share = 1 - figures.deviance / null if null > 0 else 0.0
        explained = f" (null {null:,.4f} on {figures.df_null:,}; {share:.2%} explained)"
    likelihood = (
        ""
        if figures.log_likelihood is None
        else f", log-likelihood {figures.log_likelihood:,.3f}, AIC {figures.aic:,.3f}, BIC {figures.bic:,.3f}"
    )
    if figures.r_aic is not None and figures.r_aic != figures.aic:
        likelihood += f" (weights as repeated rows, as in R: AIC {figures.r_aic:,.3f})"
    return [
        f"{model.name}: {spec.family}, {spec.link} link, target {spec.target}"
        + "".join(
            f", {role} {value}"
            for role in ("exposure", "offset", "weight")
            if (value := getattr(spec, role)) is not None
        ),
        f"{counted(figures.rows)}, {counted(figures.parameters, 'parameter')}; "
        f"deviance {figures.deviance:,.4f} on {figures.df_residual:,}{explained}{likelihood}",
        f"dispersion {_number(figures.dispersion) or 'unknown'} ({_dispersion_words(model)}); "
        f"{ending.reason} after {counted(ending.iterations, 'iteration')}; "
        f"route {ending.route}, {counted(ending.raw_passes, 'read')} of the table, "
        f"{ending.packed_passes:g} of its packed copy",
        f"fingerprint {model.fingerprint}",
    ]


def _cells(one: Coefficient, model: ModelDocument) -> list[str]:
    """One line's cells; where lines are told as relativities, the interval is theirs, and the intercept has none."""
    if one.status in ("base", "pooled", "empty", "aliased"):
        return [
            f"({one.status})",
            "",
            "",
            "",
            "1" if one.status in ("base", "pooled") and one.relativity else "",
            "",
            "",
            _number(one.weight),
        ]
    relative = one.relativity is not None
    low, high = (one.relativity_lower, one.relativity_upper) if relative else (one.lower, one.upper)
    if not relative and model.spec.link in ("log", "logit"):
        low = high = None
    mark = MARK if one.inference else ""
    return [
        _number(one.estimate),
        _number(one.std_error),
        _number(one.statistic),
        "" if one.p_value is None else f"{one.p_value:.3g}{mark}",
        _number(one.relativity),
        *(f"{_number(end)}{mark}" if end is not None else "" for end in (low, high)),
        _number(one.weight),
    ]


def _dispersion_words(model: ModelDocument) -> str:
    """The rule, and what was measured by row and by key where that was."""
    row, key = model.statistics.dispersion_by_row, model.statistics.dispersion_by_key
    if row is None or key is None:
        return model.spec.dispersion
    return f"{model.spec.dispersion}; measured {row:.4g} by row, {key:.4g} by key"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.1f}" if abs(value) >= 10_000 else f"{value:.5g}"
