"""Inference by key: how far rows spread, by themselves and as their keys come, and the sandwich of coefficients.

With A the information at dispersion 1 and s_k the score of the rows of cluster k, the covariance of the coefficients is
c A^-1 (sum of s_k s_k') A^-1 with c = K / (K - 1) * (n - 1) / (n - p) for K clusters, n rows and p columns (Liang &
Zeger 1986; the factor is CR1 of Cameron & Miller 2015, as Stata has it). Tests take t with K - 1 degrees of freedom.
The dispersion by key is the same with the scores along the linear predictor, c (sum of s_k^2) / (sum of information);
by row every row is a cluster. Sums of scores, unlike Pearson's chi-square, are no mean of ratios: rows of tiny means
do not sway them. Clusters are groups of whole keys (`glm_local.inference.key_scores`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.families.families import family_from
from glm_local.glm.coefficient_lines import coefficient_figures
from glm_local.glm.document import model_fingerprint
from glm_local.glm.information import independent_columns, inverse_information
from glm_local.inference.design_effect import least_effect
from glm_local.inference.key_scores import by_group
from glm_local.inference.packed_fit import PackedFit
from glm_local.rows.blocks import Sums
from glm_local.scoring.model_spec import Coefficient, ModelDocument
from glm_local.texts.counted import counted

Array = NDArray[np.float64]

WARNED = 1.2
"""Dispersion from where on it is warned about."""

FEW_KEYS = 30
"""Clusters below which a sandwich is itself too uncertain to trust its intervals."""


@dataclass(frozen=True)
class KeyInference:
    """What the scores of a fitted model by group of keys say.

    Parameters
    ----------
    by_row, by_key
        Dispersion measured by row and by key; NaN where rows or keys are too few.
    groups
        Groups that hold keys: clusters of the sandwich.
    terms
        Names of the estimated columns.
    model, sandwich
        Covariance of their coefficients: inverse information at dispersion 1, and the sandwich; shape (p, p). Families
        of dispersion 1 are never taken as less dispersed on average: then the sandwich is scaled up to the other. Not
        where weights stand beside them: what a dispersion of 1 is depends on their unit.
    """

    by_row: float
    by_key: float
    groups: int
    terms: tuple[str, ...]
    model: Array
    sandwich: Array

    @classmethod
    def of(cls, fit: PackedFit, sums: Sums) -> KeyInference:
        """From the sums of `KeyScoresKernel` at the fit's coefficients."""
        (rows, _, _), (_, held), by_column = sums
        kept = np.flatnonzero(independent_columns(fit.information))
        p = len(kept)
        few = by_group(held, by_column.shape[1]) > 0
        groups = int(few.sum())
        inverse = inverse_information(fit.information[np.ix_(kept, kept)])
        centred = _centred(by_column[kept][:, few])
        moves = inverse @ centred
        half = fit.basis.outer_of(kept, moves)
        known = fit.basis.outer_of(kept, fit.basis.outer_of(kept, inverse).T)
        factor = cluster_factor(groups, rows, p)
        sandwich = half @ half.T * factor
        least = least_effect(fit.family, fit.document.spec.weight is not None)
        if least and p and np.isfinite(sandwich).all():
            sandwich *= max(
                1.0, least * p / (float(np.sum(centred * moves)) * factor)
            )  # the trace of known^-1 sandwich
        terms = tuple(str(fit.columns.columns[at]) for at in kept)
        return cls(*dispersions(sums, p), groups, terms, known, sandwich)

    def document(self) -> dict[str, float | int | None]:
        """As an event's payload keeps it."""
        return {
            "dispersion_by_row": _finite(self.by_row),
            "dispersion_by_key": _finite(self.by_key),
            "key_groups": self.groups,
        }


def dispersions(sums: Sums, columns: int) -> tuple[float, float]:
    """Dispersion by row and by key from the sums of `KeyScoresKernel`, beside a model of so many columns."""
    (rows, squares, information), (scores, held) = sums[:2]
    if not information > 0:
        return math.nan, math.nan
    keys = int(np.count_nonzero(held))
    by_row = float(squares / information) * cluster_factor(float(rows), float(rows), columns)
    return by_row, float(scores @ scores / information) * cluster_factor(keys, float(rows), columns)


def dispersion_text(by_row: float, by_key: float) -> str:
    """Both in words.

    Examples
    --------
    >>> dispersion_text(1.333, 4.49)
    'dispersion is 1.33 by row and 4.49 by key'
    """
    return f"dispersion is {by_row:.2f} by row and {by_key:.2f} by key"


def cluster_factor(clusters: float, rows: float, columns: int) -> float:
    """K / (K - 1) * (n - 1) / (n - p); for rows as clusters n / (n - p). NaN where nothing is left.

    Examples
    --------
    >>> cluster_factor(11, 101, 1), cluster_factor(100, 100, 4)
    (1.1, 1.0416666666666667)
    """
    if clusters < 2 or rows <= columns:
        return math.nan
    return clusters / (clusters - 1) * ((rows - 1) / (rows - columns))


def with_key_inference(model: ModelDocument, found: KeyInference, used: bool) -> ModelDocument:
    """A model's document with its dispersion by row and by key, and, where used, standard errors of the sandwich.

    Parameters
    ----------
    used
        Whether standard errors, tests and intervals are those of the sandwich, and the dispersion that by key (1 at
        least where the family's is 1 and rows bear no weights).
    """
    measured = {name: value for name, value in found.document().items() if name != "key_groups"}
    least = least_effect(family_from(model.spec.family), model.spec.weight is not None)
    told = (*model.warnings, *dispersion_warnings(found, least > 0, used))
    if not (used and np.isfinite(found.sandwich).all()):
        statistics = model.statistics.model_copy(update=measured)
        return model.model_copy(update={"statistics": statistics, "warnings": told})
    dispersion = max(found.by_key, least)
    known = {**measured, "key_groups": found.groups, "dispersion": dispersion, "statistic": "t"}
    spec = model.spec.model_copy(update={"dispersion": "by_key"})
    statistics = model.statistics.model_copy(update=known)
    changed = model.model_copy(
        update={
            "spec": spec,
            "statistics": statistics,
            "warnings": told,
            "coefficients": tuple(_with_error(one, model, found) for one in model.coefficients),
            "covariance": tuple(tuple(found.sandwich[at, : at + 1].tolist()) for at in range(len(found.terms))),
        }
    )
    return changed.model_copy(update={"fingerprint": model_fingerprint(changed)})


def _with_error(one: Coefficient, model: ModelDocument, found: KeyInference) -> Coefficient:
    if one.status != "fitted" or one.estimate is None or one.term not in found.terms:
        return one
    at = found.terms.index(one.term)
    error = math.sqrt(max(float(found.sandwich[at, at]), 0.0))
    relative = model.spec.link in ("log", "logit")
    figures = coefficient_figures(
        model.spec, one.estimate, error, found.groups - 1.0, relative, one.factor is None and one.level is None
    )
    return one.model_copy(update=figures)


def dispersion_warnings(found: KeyInference, known: bool, used: bool) -> list[str]:
    """Sentences on a dispersion beyond the family's, where that is known, and on keys whose rows move together."""
    said = []
    row = found.by_row if known else 1.0
    key = found.by_key if known else found.by_key / found.by_row
    beyond = max((one for one in (row, key) if math.isfinite(one)), default=1.0)
    if beyond > WARNED:
        figures = dispersion_text(found.by_row, found.by_key)
        reasons = {
            "rows spread more than the family says": row > WARNED,
            "rows of one key move together": key > WARNED * max(row, 1.0),
        }
        why = " and ".join(one for one, holds in reasons.items() if holds) or "keys spread more than the family says"
        then = (
            "standard errors, tests and intervals are those by key."
            if used
            else 'tests and intervals do not know it and are too sure; dispersion="by_key" does.'
        )
        said.append(f"The {figures}: {why}; {then}")
    if used and found.groups < FEW_KEYS:
        said.append(f"{counted(found.groups, 'key holds', 'keys hold')} all rows: too few to judge errors by.")
    return said


def _centred(scores: Array) -> Array:
    return scores - scores.mean(axis=1, keepdims=True) if scores.size else scores


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
