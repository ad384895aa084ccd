"""From a finished fit to its document: coefficient table, figures, convergence, fingerprint."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from glm_local.errors import GlmError, Problem, SpecError
from glm_local.expressions.expression_columns import columns_of
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.searched_levels import searched_names
from glm_local.families.repeated_rows import repeated_log_likelihood
from glm_local.glm.coefficient_lines import coefficient_lines, finite
from glm_local.glm.condition import lost_digits
from glm_local.glm.inference import information_criteria
from glm_local.glm.outcome import Figures, Outcome
from glm_local.glm.request import FitRequest
from glm_local.glm.solution import BOUNDARY, Solution
from glm_local.scoring.compile_score import score_expression
from glm_local.scoring.model_spec import Coefficient, Convergence, FitStatistics, ModelDocument, ModelSpec
from glm_local.texts.counted import counted
from glm_local.texts.level_warnings import searched_warning
from glm_local.texts.plain_json import canonical_json

_PACKAGES = ("glm-spark", "numpy", "scipy", "pandas", "pyarrow", "pyspark")


def model_document(
    request: FitRequest, spec: ModelSpec, outcome: Outcome, raw_passes: int, packed_passes: float
) -> ModelDocument:
    """Write down a fit."""
    statistics, coefficients = outcome.figures or figures_of(spec, outcome)
    document = ModelDocument(
        name=request.name,
        spec=spec,
        factors=outcome.levels.specs,
        coefficients=coefficients,
        covariance=_covariance(outcome.solution, statistics.dispersion),
        statistics=statistics,
        convergence=Convergence(
            reason=outcome.solution.reason,
            iterations=outcome.solution.iterations,
            last_step_in_se=outcome.solution.step,
            halvings=outcome.solution.halvings,
            route=outcome.route,
            raw_passes=raw_passes,
            packed_passes=packed_passes,
            condition_number=outcome.solution.condition,
        ),
        warnings=(
            *outcome.warnings,
            *_aliased_warning(outcome.solution),
            *lost_digits(outcome.solution.condition),
            *_few_rows_warning(statistics),
            *_searched_warning(outcome),
        ),
        versions=package_versions(),
        data_fingerprint=request.data_fingerprint,
    )
    read = columns_of(score_expression(document))
    kinds = {column: kind for column, kind in outcome.prepared.kinds.items() if column in read}
    return document.model_copy(update={"columns": kinds, "fingerprint": model_fingerprint(document)})


def figures_of(spec: ModelSpec, outcome: Outcome) -> Figures:
    """Statistics and coefficient table of a finished fit."""
    statistics = _statistics(spec, outcome)
    return statistics, tuple(coefficient_lines(spec, outcome, statistics))


def model_fingerprint(model: ModelDocument) -> str:
    """SHA-256 of what a model is: roles, link, factors, rows and estimates; not names, dates or versions.

    Estimates count to a millionth of their standard error, so that the order of addition of the rows does not.
    """
    spec = model.spec.model_dump(
        mode="json", include={"target", "family", "link", "exposure", "offset", "weight", "intercept"}
    )
    if model.spec.pins:
        spec["pins"] = model.spec.pins
    scale = max((abs(one.estimate) for one in model.coefficients if one.estimate is not None), default=0.0)
    estimates = [[one.factor, one.level, _rounded(one, scale)] for one in model.coefficients]
    factors = [_without_notes(one.model_dump(mode="json")) for one in model.factors]
    derived = {"derived": model.derived} if model.derived else {}
    rows = model.statistics.rows
    return fingerprint({"spec": spec, "factors": factors, "estimates": estimates, "rows": rows, **derived})


def _rounded(line: Coefficient, scale: float) -> list[int] | None:
    """An estimate as so many units of a power of ten: a millionth of its standard error, and its ninth digit at most.

    Neither powers of ten nor halves of a unit, where made-up figures like to lie, are borders.
    """
    if line.estimate is None:
        return None
    unit = max(1e-6 * (line.std_error or 0.0), 1e-9 * abs(line.estimate), 1e-13 * scale)
    if unit == 0.0:
        return [0, 0]
    digits = math.floor(math.log10(unit) + 1e-6)
    count = math.floor(line.estimate / 10.0**digits + 0.53) if digits > -300 else 0
    return [count, digits] if count else [0, 0]


def model_json(model: ModelDocument) -> dict[str, Any]:
    """Return the document as it is saved: canonical values, and the SHA-256 of everything else in it."""
    text = canonical_json(model.model_dump(mode="json", exclude_none=True))
    return {**json.loads(text), CONTENT: _sha256(text)}


def read_model_json(document: Mapping[str, Any], must_have_digest: bool = True) -> ModelDocument:
    """Read a saved document; nothing in it may have been changed.

    Raises
    ------
    SpecError
        The document breaks a rule, or does not give its digest or its fingerprint, or lacks one.
    """
    said = {name: value for name, value in document.items() if name != CONTENT}
    if must_have_digest or CONTENT in document:
        if not document.get(CONTENT) or not document.get("fingerprint"):
            name = CONTENT if not document.get(CONTENT) else "fingerprint"
            raise SpecError.because(
                f"{name} is not there.",
                "A model file says by it that nothing in it was changed.",
                "Take the file the fit wrote; one of an earlier version is fitted again.",
                f"/{name}",
            )
        if document[CONTENT] != _content_sha256(said):
            raise _edited("the content does not give its digest.", CONTENT)
    try:
        model = ModelDocument.model_validate(said)
    except ValidationError as error:
        rule, way_out = "A model document keeps the format the fit wrote.", "Take that file, or fit again."
        problems = [
            Problem("/" + "/".join(map(str, one["loc"])), f"{one['msg']}.", rule, way_out)
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise SpecError(problems, "the model document") from None
    if CONTENT in document and model_fingerprint(model) != model.fingerprint:
        raise _edited("the fingerprint is not that of the document.", "fingerprint")
    return model


CONTENT = "content_sha256"
"""Key of the digest of a saved model: of its canonical JSON without this key."""


def _content_sha256(document: Mapping[str, Any]) -> str:
    return _sha256(canonical_json(document))


def _sha256(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _edited(found: str, name: str) -> GlmError:
    way_out = "Take the file the fit wrote, or fit again."
    return SpecError.because(found, "A model file is not edited by hand.", way_out, f"/{name}")


def with_derived(model: ModelDocument, derived: Mapping[str, Any]) -> ModelDocument:
    """The model with the expressions of the derived columns it reads, so that it scores rows without them."""
    changed = model.model_copy(update={"derived": dict(derived)})
    return changed.model_copy(update={"fingerprint": model_fingerprint(changed)})


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages a number may depend on."""
    return dict(_installed())


@cache
def _installed() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _without_notes(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "notes"}


def _statistics(spec: ModelSpec, outcome: Outcome) -> FitStatistics:
    solution, summary, family = outcome.solution, outcome.summary, outcome.prepared.family
    rank = len(solution.columns) - len(solution.aliased)
    df_residual, df_null = summary.rows - rank, summary.rows - int(spec.intercept)
    deviance, null_deviance = solution.deviance + outcome.lost_deviance, solution.null_deviance + outcome.lost_deviance
    pearson = solution.pearson / df_residual if df_residual > 0 else None
    mean_deviance = deviance / df_residual if df_residual > 0 else None
    estimated = {"fixed": 1.0, "pearson": pearson, "deviance": mean_deviance}[spec.dispersion]
    likelihood = _log_likelihood(outcome)
    quasi = family.fixed_dispersion and spec.dispersion != "fixed"
    parameters = rank + (0 if family.fixed_dispersion else 1)
    defined = likelihood is not None and not quasi and not spec.ridge
    return FitStatistics(
        rows=summary.rows,
        weight=summary.weight,
        parameters=rank,
        df_residual=df_residual,
        df_null=df_null,
        deviance=deviance,
        null_deviance=finite(null_deviance),
        pearson_chi2=solution.pearson,
        dispersion=estimated,
        dispersion_pearson=pearson,
        dispersion_deviance=mean_deviance,
        likelihood_dispersion=max(outcome.likelihood_dispersion, 0.0),
        log_likelihood=likelihood if defined else None,
        aic=-2 * likelihood + 2 * parameters if defined and likelihood is not None else None,
        bic=-2 * likelihood + parameters * float(np.log(summary.rows)) if defined and likelihood is not None else None,
        **(_as_in_r(spec, outcome, deviance, likelihood, parameters) if defined else {}),
        statistic="z" if spec.dispersion == "fixed" else "t",
        zero_weight_rows=summary.faults["weight zero"],
    )


def _log_likelihood(outcome: Outcome) -> float | None:
    """The density at mean = response less the deviance, back on the scale of the unfolded response."""
    if outcome.density_constant is None:
        return None
    family, dispersion = outcome.prepared.family, outcome.likelihood_dispersion
    folded = 0.0
    if not family.fixed_dispersion:
        folded = float(outcome.summary.log_scale[0 if family.domain in ("real", "positive") else 1])
    deviance = outcome.solution.deviance + outcome.lost_deviance
    value = outcome.density_constant - deviance / (2 * dispersion) - folded
    return value if np.isfinite(value) else None


def _as_in_r(
    spec: ModelSpec, outcome: Outcome, deviance: float, own: float | None, parameters: int
) -> dict[str, float | None]:
    """Log-likelihood, AIC and BIC as R counts them; the project's own where R's does not differ."""
    summary, family = outcome.summary, outcome.prepared.family
    if spec.weight is not None and family.weights_in_r == "repeated":
        weight, density = summary.log_scale[2:].tolist()
        own = repeated_log_likelihood(family.power, deviance, weight, density)
    elif spec.weight is not None and family.weights_in_r == "not given":
        own = None
    if own is None:
        return {}
    found = information_criteria(own, parameters, summary.rows, fixed_dispersion=True)
    return {"r_log_likelihood": own, "r_aic": found.aic, "r_bic": found.bic}


def _covariance(solution: Solution, dispersion: float | None) -> tuple[tuple[float, ...], ...]:
    if dispersion is None or solution.reason == BOUNDARY:
        return ()
    kept = [i for i in range(len(solution.columns)) if i not in set(solution.aliased)]
    matrix = solution.covariance[np.ix_(kept, kept)] * dispersion
    return tuple(tuple(matrix[i, : i + 1].tolist()) for i in range(len(kept)))


def covariance_matrix(document: ModelDocument) -> NDArray[np.float64]:
    """Covariance of the coefficients with status fitted, in their order; NaN where the dispersion is unknown."""
    size = sum(one.status == "fitted" for one in document.coefficients)
    matrix = np.full((size, size), 0.0 if document.covariance else np.nan)
    for at, row in enumerate(document.covariance):
        matrix[at, : len(row)] = matrix[: len(row), at] = row
    return matrix


def _few_rows_warning(figures: FitStatistics) -> list[str]:
    if figures.df_residual > 0 and figures.rows > 2:
        return []
    found = f"{counted(figures.rows)} for {counted(figures.parameters, 'coefficient')}"
    if figures.df_residual > 0:
        return [f"Fitted on {found}: figures of so few rows say next to nothing."]
    unknown = "" if figures.dispersion is not None else "the dispersion and all standard errors are null, "
    return [f"Fitted on {found}: no degree of freedom is left, {unknown}and the fit says nothing of other rows."]


def _searched_warning(outcome: Outcome) -> list[str]:
    searched = searched_names(outcome.levels.specs)
    said = searched_warning(one.name for one in outcome.levels.specs if one.name in searched)
    return [said] if said else []


def _aliased_warning(solution: Solution) -> list[str]:
    if not solution.aliased:
        return []
    names = ", ".join(str(solution.columns.columns[at]) for at in solution.aliased)
    return [f"Aliased with columns before them and left out (coefficient null): {names}."]
