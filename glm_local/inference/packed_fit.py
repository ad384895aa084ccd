"""Fits on rows that were packed before: a study's joint fits, without a pass over source rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.columns import ColumnKind
from glm_local.factors.factor_spec import FactorSpec
from glm_local.families.families import Family
from glm_local.families.links import Link
from glm_local.glm.basis import Basis
from glm_local.glm.design_columns import DesignColumns
from glm_local.glm.document import model_document
from glm_local.glm.fit import FitRun, prepare
from glm_local.glm.fit_plan import FitPlan
from glm_local.glm.request import FitRequest
from glm_local.rows.blocks import Blocks
from glm_local.rows.engine import PassCounter
from glm_local.scoring.model_spec import ModelDocument

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PackedFit:
    """A model fitted on rows that were packed before, with what further questions about those rows need.

    `coefficients` are those of the given columns, 0 where aliased; `information` is that of the basis' inner columns.
    """

    document: ModelDocument
    basis: Basis
    coefficients: Array
    family: Family
    link: Link
    information: Array

    @property
    def columns(self) -> DesignColumns:
        """Of the design matrix."""
        return self.basis.columns


def fit_packed(
    request: FitRequest,
    factors: Sequence[FactorSpec],
    kinds: Mapping[str, ColumnKind],
    open_blocks: Callable[[FitPlan], Blocks],
    passes: PassCounter,
) -> PackedFit:
    """Fit on packed rows: the same document as `fit` gives on the rows themselves.

    Parameters
    ----------
    factors
        Resolved factors.
    open_blocks
        Gives the packed rows in the design of a plan (`glm_local.inference.recode.RecodedBlocks`).
    passes
        Of who holds the rows; passes over packed rows only.
    """
    with passes.counting() as counter:
        prepared = prepare(request, factors, kinds)
        outcome = FitRun(request, prepared, {}).solve(open_blocks(prepared.plan))
    document = model_document(request, prepared.spec, outcome, counter.raw, counter.packed)
    solution = outcome.solution
    return PackedFit(
        document,
        solution.basis,
        np.nan_to_num(solution.coefficients),
        prepared.family,
        prepared.link,
        solution.information,
    )
