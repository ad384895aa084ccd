"""Comparisons: one model across samples, several versions of a model on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.diagnostics.scored import Column, FamilyLike, answered, left_out, number_role, sample_role, scored_rows
from glm_local.diagnostics.scored_tables import summary
from glm_local.errors import ConfigError, DataError
from glm_local.expressions.expression import AllOf, Expression, IsMissing, Not, Read
from glm_local.factors.derived_columns import inline_derived, read_derived
from glm_local.families.families import Family, family_from
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.scoring.compile_score import role_expression, score_expression
from glm_local.scoring.model_spec import ModelDocument
from glm_local.validation.discrimination import discrimination_table
from glm_local.validation.null_deviances import with_null_deviances
from glm_local.validation.report_tables import interval_rule
from glm_local.validation.score_bands import ScoreBands, samples_of
from glm_local.validation.scored_rows import ScoredRows
from glm_local.validation.summary import exclusion_request, exclusion_table, summary_request, summary_table

Frame = TypeVar("Frame")

USUAL_BANDS = ScoreBands()
SHOWN = {
    "sample": "sample",
    "rows": "rows",
    "exposure": "exposure",
    "actual": "actual",
    "predicted": "predicted",
    "actual_to_predicted": "actual_to_predicted",
    "mean_deviance": "mean_deviance",
    "deviance_explained": "deviance_explained",
    "mean_absolute_error": "mae",
    "root_mean_squared_error": "rmse",
    "gini": "gini",
}
"""Columns of the comparisons, by their names in the validation summary."""
MEASURES = ("mean_deviance", "deviance_explained", "mae", "rmse", "gini")


def train_validation_comparison(
    engine: Engine[Frame],
    frame: Frame,
    *,
    target: Column,
    prediction: Column,
    sample: Column,
    family: FamilyLike = "poisson",
    exposure: Column | None = None,
    weight: Column | None = None,
    reference: str = "train",
) -> pd.DataFrame:
    """One model on every sample, with the gap of each measure to the reference sample. One pass over rows.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    target, prediction, family, exposure, weight
        As in `summary`.
    sample
        Text column naming each row's sample, or the expression of a split.
    reference
        The sample that gaps are measured from.

    Returns
    -------
    DataFrame
        One line per sample (train, validation, holdout, others by name): sample, rows, exposure, actual, predicted,
        actual_to_predicted, mean_deviance, deviance_explained, mae, rmse, gini, and ``<measure>_gap`` = measure less
        that of the reference. All weighted. ``attrs["left_out"]`` counts the rows no table counts, by reason.

    Raises
    ------
    ConfigError
        No row is in the reference sample, or a column is not there.
    """
    found = summary(
        engine,
        frame,
        target=target,
        prediction=prediction,
        family=family,
        exposure=exposure,
        weight=weight,
        sample=sample,
    )
    table = found[list(SHOWN)].rename(columns=SHOWN)
    base = table[table["sample"] == reference]
    if base.empty:
        raise ConfigError.because(
            f"no row is in sample {reference!r}.",
            "Gaps are measured from the reference sample.",
            f"The samples are {', '.join(table['sample'])}: give one as reference.",
            path="reference",
        )
    gaps = {f"{name}_gap": table[name] - base[name].iloc[0] for name in MEASURES}
    return table.assign(**gaps)


def model_version_comparison(
    engine: Engine[Frame],
    frame: Frame,
    models: Mapping[str, Any],
    *,
    target: Column | None = None,
    family: FamilyLike | None = None,
    exposure: Column | None = None,
    weight: Column | None = None,
    sample: Column | None = None,
) -> pd.DataFrame:
    """Several versions of a model on the same rows: deviance, errors and Gini per version and sample. One pass,
    or two where targets vary little beside their size.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    models
        Version to a model (or its document), or to a column or expression of its predicted mean.
    target, family, exposure, weight
        As in `summary`; what is not given is taken from the first version that is a model.
    sample
        Text column naming each row's sample; absent, one sample "all".

    Returns
    -------
    DataFrame
        One line per sample and version, in their order: version, factors (the model's; missing for a column), sample,
        rows, exposure, actual, predicted, actual_to_predicted, mean_deviance, deviance_explained, mae, rmse, gini,
        mean_deviance_change (against the first version). Only rows that every version can score count;
        ``attrs["left_out"]`` has the others by version and reason.

    Raises
    ------
    ConfigError
        No version; no target or family given and no version that is a model; models of different targets.
    DataError
        No row that every version can score, or a target does not exist in the family.
    """
    documents = {name: _document(one) for name, one in models.items()}
    columns = engine.columns(frame)
    roles = _roles(documents, {"target": target, "family": family, "exposure": exposure, "weight": weight})
    sampled = sample_role(sample, columns)
    named: dict[str, Expression] = {}
    for at, (version, one) in enumerate(models.items()):
        document = documents[version]
        score = one if document is None else score_expression(document, "mean")
        named[f"__version {at}"] = number_role(score, columns, f"models/{version}")
    scored = engine.with_columns(frame, named)
    rows = {
        version: replace(scored_rows(columns, prediction=prediction, **roles), sample=sampled, prediction=Read(column))
        for (version, column), prediction in zip(zip(models, named, strict=True), named.values(), strict=True)
    }
    tables = answered(engine, scored, [one for version in rows for one in _requests(version, rows)])
    dropped = {
        version: left_out(exclusion_table(tables[f"excluded rows of {version}"]), rows[version].family)
        for version in rows
    }
    first = next(iter(rows))
    totals = tables[f"summary of {first}"]
    if not len(totals):
        raise DataError.because(
            f"No row can be scored by every version ({dropped}).",
            "Versions are compared on the same rows.",
            "Look at the roles given, and at what each version refuses.",
        )
    known = with_null_deviances(engine, scored, rows[first], totals, _usable(first, rows))
    nulls = known.sums["null_deviance"]  # of the same rows for every version
    joined = _compared(tables, nulls, documents, family_from(roles["family"]))
    joined.attrs["left_out"] = dropped
    return joined


def _document(one: Any) -> ModelDocument | None:
    document = getattr(one, "document", one)
    return document if isinstance(document, ModelDocument) else None


def _roles(documents: Mapping[str, ModelDocument | None], given: Mapping[str, Any]) -> dict[str, Any]:
    if not documents:
        raise ConfigError.because("no version is given.", "A comparison needs one or more.", "Give models.", "models")
    known = [one for one in documents.values() if one is not None]
    roles = {name: _role(name, one, known) for name, one in given.items()}
    for name in ("target", "family"):
        if roles[name] is None:
            raise ConfigError.because(
                f"no {name} is given, and no version is a model that has one.",
                "Measures need target and family.",
                f"Give {name}.",
                path=name,
            )
    if given["target"] is None and len({repr(_role("target", None, [one])) for one in known}) > 1:
        raise ConfigError.because(
            "the versions are models of different targets.",
            "Versions are compared on one target.",
            "Give target.",
            path="target",
        )
    return roles


def _role(name: str, given: Any, documents: Sequence[ModelDocument]) -> Any:
    if given is not None or not documents:
        return given
    role = getattr(documents[0].spec, name)
    if name == "family" or role is None:
        return role
    return inline_derived(role_expression(role), read_derived(documents[0].derived))


def _requests(version: str, rows: Mapping[str, ScoredRows]) -> list[CellRequest]:
    one = rows[version]
    kept, usable = (summary_request(one), *USUAL_BANDS.requests(one)), _usable(version, rows)
    named = [replace(request, name=f"{request.name} of {version}", where=usable) for request in kept]
    excluded = exclusion_request(one)
    return [*named, replace(excluded, name=f"{excluded.name} of {version}")]


def _usable(version: str, rows: Mapping[str, ScoredRows]) -> Expression:
    others = [Not(IsMissing(other.unit_deviance)) for name, other in rows.items() if name != version]
    return AllOf((rows[version].usable, *others))


def _compared(
    tables: Mapping[str, DesignTable],
    nulls: NDArray[np.float64],
    documents: Mapping[str, ModelDocument | None],
    family: Family,
) -> pd.DataFrame:
    parts = []
    for version, document in documents.items():
        sums = tables[f"summary of {version}"]
        totals = replace(sums, sums={**sums.sums, "null_deviance": nulls})
        found = summary_table(totals, interval_rule(family, totals, None, 0.95))
        gini = discrimination_table(USUAL_BANDS.ranked(tables, f" of {version}")[0], binary=family.binary)
        table = found.merge(gini[["sample", "gini"]], on="sample")[list(SHOWN)].rename(columns=SHOWN)
        table.insert(0, "version", version)
        table.insert(1, "factors", None if document is None else len(document.factors))
        parts.append(table)
    samples = {name: at for at, name in enumerate(samples_of(tables[f"summary of {next(iter(documents))}"]))}
    change = pd.concat([part["mean_deviance"] - parts[0]["mean_deviance"] for part in parts])
    joined = pd.concat(parts).assign(mean_deviance_change=change.to_numpy())
    order = np.argsort(joined["sample"].map(samples).to_numpy(), kind="stable")
    return joined.iloc[order].reset_index(drop=True)
