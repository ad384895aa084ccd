"""The public verbs on the pandas engine: fit a model, load one, open the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glm_local.arguments.checked import arguments_checked
from glm_local.expressions.expression import Expression
from glm_local.glm.request import DispersionRule, FitRequest, OnTrouble, Solver
from glm_local.models.fit_frame import fit_frame
from glm_local.models.model import Model, read_document
from glm_local.pandas_rows.frames import FrameLike
from glm_local.pandas_rows.pandas_engine import PandasEngine


@arguments_checked
def open_engine() -> PandasEngine:
    """The engine of this package."""
    return PandasEngine()


@arguments_checked
def fit_glm(
    frame: FrameLike,
    *,
    target: Any,
    factors: Sequence[Any],
    family: Any = "poisson",
    link: Any = None,
    exposure: Any = None,
    offset: Any = None,
    weight: Any = None,
    ridge: float = 0.0,
    solver: Solver = "auto",
    intercept: bool = True,
    dispersion: DispersionRule = "auto",
    confidence: float = 0.95,
    where: Expression | Mapping[str, Any] | str | None = None,
    on_failure: OnTrouble = "error",
    on_separation: OnTrouble = "error",
    name: str = "model",
    pins: Mapping[str, Mapping[str, float]] | None = None,
    engine: PandasEngine | None = None,
) -> Model[Any]:
    """Fit a factor GLM.

    Parameters
    ----------
    frame
        pandas or polars frame, Arrow table, or the path of a Parquet file or folder, a CSV file or a Delta table.
    target
        Column, or expression document, of the response; missing is an error.
    factors
        Factor specs or their documents, in model order.
    family
        gaussian, poisson, binomial, gamma, inverse_gaussian, "tweedie(p)", "negative_binomial(theta)".
    link
        identity, log, logit, probit, cloglog, inverse, sqrt, "power(q)"; None is the family's usual one.
    exposure
        An amount above 0 that multiplies the mean (log link only).
    offset
        A number on the link scale; it adds to the linear predictor.
    weight
        A precision: the variance of a row is dispersion * V(mean) / weight. Rows of weight 0 are left out and
        counted. For binomial shares it is the number of trials.
    ridge
        Penalty: ridge / 2 times the squared coefficients (intercept excluded) is added to deviance / 2. Standard
        errors are then those of the penalised estimate and p-values are not given.
    solver
        "cells" compresses rows to distinct designs, "blocks" iterates over packed rows, "auto" counts and takes one;
        "statsmodels" fits the design table with that package.
    dispersion
        "auto": 1 for poisson, binomial and negative_binomial, Pearson's for others; "pearson" with those is the
        quasi-likelihood.
    where
        Expression, its document or its text, ``"age >= 18 and area in ['A', 'B']"``, that is true or false; only rows
        where it is true are fitted.
    pins
        Factor to level to relativity (log and logit links) that is set by hand, not estimated.
    on_failure, on_separation
        "error", or "warn" to get the last iterate with the trouble named in `warnings`.

    Returns
    -------
    Model
        With coefficients, figures, `predict`, `to_sql`, `save`.

    Raises
    ------
    SpecError, DataError, FitError
        With every problem at once.
    """
    request = FitRequest(
        target=target,
        factors=factors,
        family=family,
        link=link,
        exposure=exposure,
        offset=offset,
        weight=weight,
        ridge=ridge,
        solver=solver,
        intercept=intercept,
        dispersion=dispersion,
        confidence=confidence,
        where=where,
        on_failure=on_failure,
        on_separation=on_separation,
        name=name,
        pins=pins,
    )
    return fit_frame(engine or PandasEngine(), frame, request)


@arguments_checked
def load_model(source: str | Path | Mapping[str, Any]) -> Model[Any]:
    """Load a model that `Model.save` wrote; it is checked and its fingerprint compared."""
    return Model(read_document(source), PandasEngine())
