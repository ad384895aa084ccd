"""Bins of one factor from its rows alone: equal exposure, equal width, or categories by their experience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from glm_local.binning.equal_shares import equal_groups
from glm_local.binning.optimal_bins import target_order
from glm_local.binning.rules import BinningRules
from glm_local.candidates.candidate import Candidate, Policy
from glm_local.candidates.factor_gain import candidate_sums
from glm_local.candidates.open_rows import training_rows
from glm_local.candidates.pre_bins import KIND_OF, candidate_document
from glm_local.candidates.study_rows import StudyRows
from glm_local.errors import ConfigError, DataError, nearest
from glm_local.factors.factor_spec import EdgeMethod, EdgeRule, FactorSpec, NumericSpec, Spec
from glm_local.factors.learn_factors import learn_factors, written_out
from glm_local.factors.spec_problems import factor_problems, read_factor
from glm_local.glm.request import FitRequest
from glm_local.rows.engine import Engine, Frame
from glm_local.scoring.compile_score import role_expression

USUAL_BINS = 10


def binned(
    engine: Engine[Frame], frame: Frame, request: FitRequest, factor: Any, bins: int | None, method: EdgeMethod | None
) -> FactorSpec:
    """A factor's specification with bins learned from all rows; see `GLM.bins`."""
    asked = _document(engine, frame, factor)
    spec = read_factor(candidate_document(asked))
    if bins is not None and (isinstance(bins, bool) or not isinstance(bins, int) or bins < 1):
        raise ConfigError.because(
            f"{bins!r} bins were asked for.", "A factor has at least one bin.", "Write 10.", path="bins"
        )
    # The usual rule of a candidate asks for fine codes, not for so many bins.
    own = spec.edges if isinstance(spec, NumericSpec) and "edges" in asked else None
    most = bins if bins is not None else own.bins if isinstance(own, EdgeRule) else USUAL_BINS
    how = method or (own.method if isinstance(own, EdgeRule) else "quantile")
    decided = {cause: asked[cause] for cause in ("missing", "unseen") if asked.get(cause) in ("base", "refuse")}
    # While bins are learned such values lie apart; what was decided of them is put back.
    asked = {**asked, **dict.fromkeys(decided, "own_level")}
    spec = read_factor(candidate_document(asked))
    if how == "uniform":
        asked = _of_equal_width(engine, frame, request, spec, most)
    rows, refused = training_rows(engine, frame, request, [asked])
    try:
        if refused:
            name, reason = next(iter(refused.items()))
            raise DataError.because(f"{name!r} has no bins: {reason}", "Bins are learned from values.", "Check it.")
        candidate = next(iter(rows.candidates.values()))
        if candidate.kind != "categorical":
            found = _of_neighbours(rows, candidate, most, how)
        else:
            sums = candidate_sums(rows, rows.fit(()), [candidate.name])[candidate.name]
            found = cast(FactorSpec, target_order(sums, candidate, most, BinningRules(min_evidence=0)).spec)
    finally:
        rows.close()
    return read_factor({**found.document(), **decided})


def _of_neighbours(rows: StudyRows[Any], candidate: Candidate, most: int, how: EdgeMethod) -> FactorSpec:
    """Neighbouring codes in groups; what no row has gets no level of its own."""
    weight = rows.static(candidate.name, "weight")[: candidate.ordered, 0]
    groups = equal_groups(weight, most) if how == "quantile" else tuple((code,) for code in range(candidate.ordered))
    share = "exposure" if how == "quantile" else "width"
    return candidate.spec(
        groups,
        missing=_policy(rows, candidate, "missing"),
        unseen=_policy(rows, candidate, "unseen"),
        notes=(f"Not optimized: bins of about equal {share}.",),
    )


def _policy(rows: StudyRows[Any], candidate: Candidate, cause: str) -> Policy:
    code = candidate.apart(cause)
    if code is None or not rows.static(candidate.name, "rows")[code, 0]:
        return "base"
    return cast(Policy, candidate.fine.document()[cause])


def _document(engine: Engine[Frame], frame: Frame, factor: Any) -> Mapping[str, Any]:
    if isinstance(factor, Spec):
        return factor.document()
    if isinstance(factor, Mapping):
        return factor
    columns = engine.columns(frame)
    if columns.get(factor) not in KIND_OF:
        found = f"{factor!r} is not a column of the table" if factor not in columns else f"{factor!r} cannot be read"
        raise DataError.because(
            f"{found}.",
            "Bins are made of a column, or of a spec.",
            nearest(str(factor), list(columns)),
            path="factor",
        )
    kind, source = KIND_OF[columns[factor]]
    return {"kind": kind, "name": factor, "column": factor, "source": source}


def _of_equal_width(
    engine: Engine[Frame], frame: Frame, request: FitRequest, spec: FactorSpec, bins: int
) -> Mapping[str, Any]:
    if not isinstance(spec, NumericSpec):
        raise ConfigError.because(
            f"{spec.name!r} is {spec.kind}.",
            "Bins of equal width are for numbers and dates.",
            "Leave method out, or give a numeric spec.",
            path="method",
        )
    problems = factor_problems([spec], engine.columns(frame))
    if problems:
        raise DataError(problems, "the factor")
    document = {name: value for name, value in spec.document().items() if name not in ("labels", "learned")}
    asked = NumericSpec(**{**document, "edges": {"method": "uniform", "bins": bins}})
    weight = request.exposure if request.exposure is not None else request.weight
    learned = learn_factors(engine, frame, [asked], None if weight is None else role_expression(weight))[0]
    return written_out(cast(NumericSpec, learned)).document()
