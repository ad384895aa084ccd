"""What a new search gains over the bins a factor has, both as offset sums tell it: no pass over rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glm_local.binning.factor_sums import FactorSums
from glm_local.binning.judge import Judge
from glm_local.binning.rules import BinningRules
from glm_local.binning.search import Search
from glm_local.binning.searched import Searched
from glm_local.candidates.candidate import Candidate
from glm_local.candidates.field_map import code_map
from glm_local.candidates.fold_error import fold_error
from glm_local.expressions.columns import ColumnKind
from glm_local.factors.compile_factor import compile_factor
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.factor_spec import FactorSpec


def gain_over_standing(
    sums: FactorSums,
    candidate: Candidate,
    standing: FactorSpec,
    before: Searched | None,
    found: Searched,
    kinds: Mapping[str, ColumnKind],
) -> tuple[float, float] | None:
    """Deviance a search saves out of fold beyond the standing bins, and its standard error.

    Parameters
    ----------
    sums
        Of the candidate under the model without the factor.
    standing, before
        The factor as it is, and the search that found its bins.
    found
        The new search.

    Returns
    -------
    tuple or None
        None where the standing levels are not made of the candidate's fine codes. Missing and unseen values count where
        the standing specification puts them: a level of their own, a level by name, or the base.
    """
    coarse = compile_factor(standing)
    codes = code_map(candidate.compiled, coarse, kinds, True) if isinstance(coarse, CompiledFactor) else None
    if codes is None:
        return None
    assert isinstance(coarse, CompiledFactor)
    level = codes[: sums.ordered]
    ordinary = np.unique(level).tolist()
    groups = tuple(tuple(int(one) for one in np.flatnonzero(level == at)) for at in ordinary)
    own, homes = [], {}
    for code in range(sums.ordered, sums.codes):
        at = int(codes[code])
        if at >= len(coarse.levels):  # no level: the base, which the specification names or the weights tell
            at = coarse.levels.index(coarse.base) if coarse.base in coarse.levels else -1
        if at in ordinary:
            homes[code] = ordinary.index(at)
        elif at >= 0:
            own.append(code)
    held = Judge(Search(sums, BinningRules(), tuple(own)), homes=homes).out_of_fold_of(groups)
    assert held is not None
    optimism = np.zeros(len(found.gains)) if before is None else before.optimism
    difference = np.array(found.gains) + held + optimism
    return float(difference.sum()), fold_error(difference)
