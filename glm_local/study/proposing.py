"""Proposals for a factor: optimal bins, coarse bins, target order, or by hand; each is an event with its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pandas as pd

from glm_local.binning.optimal_bins import coarse_bins, optimal_bins, target_order
from glm_local.binning.result import BinningResult
from glm_local.binning.rules import BinningRules
from glm_local.candidates.candidate import Candidate
from glm_local.candidates.factor_sums import FactorSums
from glm_local.errors import ConfigError
from glm_local.factors.factor_spec import FactorSpec, NumericSpec
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.learn_factors import written_out
from glm_local.study.core import StudyCore
from glm_local.study.history import Fact


def factor_sums(study: StudyCore[Any], factor: str, rules: BinningRules | None = None) -> FactorSums:
    """A candidate's sums for a search under rules, beside the current model without the candidate."""
    study.bench.candidate(factor)
    with study.stage("candidate sums"):
        return study.bench.sums_beside(study.design, factor, rules)


def optimized(study: StudyCore[Any], factor: str, rules: BinningRules | None) -> BinningResult:
    """Provably best bins under the rules; nothing is recorded."""
    sums = factor_sums(study, factor, rules)
    with study.stage("optimal bins"):
        return remembered(study, optimal_bins(sums, study.bench.candidate(factor), rules or BinningRules()))


def remembered(study: StudyCore[Any], result: BinningResult) -> BinningResult:
    """The result; the study knows from now on that its bins were searched for."""
    study.remember(result.spec, result.searched)
    return result


def coarse(study: StudyCore[Any], factor: str, bins: int, rules: BinningRules) -> BinningResult:
    """Bins of about equal exposure; nothing is recorded."""
    return coarse_bins(factor_sums(study, factor), study.bench.candidate(factor), bins, rules)


def of_equal_width(study: StudyCore[Any], factor: str, bins: int) -> FactorSpec:
    """Bins of equal width between the smallest and the largest training value.

    Raises
    ------
    ConfigError
        For a candidate that is not numeric.
    """
    candidate = study.bench.candidate(factor)
    fine = candidate.fine
    if not isinstance(fine, NumericSpec):
        raise ConfigError.because(
            f"{factor!r} is {candidate.kind}.",
            "Bins of equal width are for numbers and dates.",
            "Use target_order, or coarse_bins(method='quantile').",
            path="method",
        )
    document = {name: value for name, value in fine.document().items() if name not in ("labels", "learned")}
    if not _is_missing(study, candidate):
        document["missing"] = "base"
    rule = {"method": "uniform", "bins": bins}
    return written_out(cast(NumericSpec, study.bench.resolved(NumericSpec(**{**document, "edges": rule}))))


def _is_missing(study: StudyCore[Any], candidate: Candidate) -> bool:
    """Whether some training row has no value of a candidate."""
    rows, code = study.bench.rows, candidate.apart("missing")
    return code is not None and bool(rows.static(candidate.name, "rows")[code, : rows.folds].sum() > 0)


def ordered(study: StudyCore[Any], factor: str, max_groups: int, rules: BinningRules) -> BinningResult:
    """Categories grouped in their credibility-shrunk order; nothing is recorded."""
    sums = factor_sums(study, factor)
    return remembered(study, target_order(sums, study.bench.candidate(factor), max_groups, rules))


def proposed(study: StudyCore[Any], result: BinningResult, method: str, rules: BinningRules | None = None) -> Fact:
    """The event of a binning result, and its trials for the table of that name."""
    evidence = {
        "status": result.proof.status,
        "guarantee": result.proof.guarantee,
        "bins": len(result.groups),
        "trials": _plain(result.trials),
        "levels": _plain(result.levels),
        "rules": None if rules is None else rules_document(rules),
        "floors": result.floors.document(),
        **({} if result.searched is None else {"searched": result.searched.document()}),
    }
    return _fact(study, result.factor, result.spec, method, evidence, trials=trial_rows(result, method))


def by_hand(
    study: StudyCore[Any],
    factor: str,
    spec: FactorSpec,
    method: str,
    reason: str | None,
    pins: Mapping[str, float] | None = None,
    **said: Any,
) -> Fact:
    """The event of a specification somebody wrote."""
    fact = _fact(study, factor, spec, method, said, trials=())
    return Fact(fact.kind, {**fact.payload, **({} if pins is None else {"pins": dict(pins)})}, factor, reason)


def _fact(
    study: StudyCore[Any],
    factor: str,
    spec: FactorSpec | None,
    method: str,
    evidence: Mapping[str, Any],
    trials: Sequence[Mapping[str, object]],
) -> Fact:
    payload = {
        "spec": None if spec is None else spec.document(),
        "method": method,
        "design": study.design.fingerprint,
        "fingerprint": None if spec is None else fingerprint(spec),
        "evidence": dict(evidence),
    }
    return Fact("proposed", payload, factor, rows={"trials": list(trials)} if trials else {})


def rules_document(rules: BinningRules) -> dict[str, Any]:
    """Rules as the history keeps them; a penalty by its name and text."""
    plain = {name: getattr(rules, name) for name in rules.__dataclass_fields__ if name != "penalties"}
    penalties = rules.penalties if isinstance(rules.penalties, Mapping) else {}
    return {**plain, "penalties": {name: _callable_text(one) for name, one in penalties.items()}}


def read_rules(document: Mapping[str, Any]) -> BinningRules | None:
    """Rules the history kept; None where penalties were given, which it keeps by name only."""
    if document["penalties"]:
        return None
    known = {name: value for name, value in document.items() if name != "penalties"}
    if "profile" not in known:  # from before there were floors by profile: those that were given, and no others
        known |= {"min_evidence": 0.0, "min_share": 0.0}
    return BinningRules(**{**known, "apart": tuple((one, other) for one, other in known["apart"])})


def _callable_text(penalty: object) -> str:
    """A penalty as text that is the same in every process: a function by its name, a record by its values."""
    if hasattr(penalty, "__qualname__"):
        return f"{getattr(penalty, '__module__', '')}.{penalty.__qualname__}"
    return repr(penalty)


def trial_rows(result: BinningResult, method: str) -> list[dict[str, object]]:
    """One row of `trials` per size that was tried."""
    return [
        {
            "trial": f"{result.factor}: {line['bins']} bins",
            "factor": result.factor,
            "method": method,
            "fingerprint": fingerprint(result.spec) if result.spec is not None and line.get("chosen") else None,
            "metric": "cv_deviance",
            "value": line.get("cv_deviance"),
            "details": line,
        }
        for line in _plain(result.trials)
    ]


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in line.items()} for line in table.to_dict("records")]
