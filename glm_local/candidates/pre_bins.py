"""Fine codes of all candidates together: every value where they are few, else quantiles with mass points alone.

At most two passes over rows whatever the number of candidates: one counts values (`cells`), one takes cut points
(`quantiles`). Cut points come from training rows; the list of a category's values from all rows, targets from none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glm_local.candidates.candidate import Candidate, is_level_factor
from glm_local.errors import DataError, GlmError, Problem, nearest
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Expression, Read
from glm_local.factors.factor_spec import CategoricalSpec, FactorSpec, NumericSpec
from glm_local.factors.learn_edges import quantile_edges, written_edges, written_values
from glm_local.factors.learn_factors import MOST_LEVELS, learn
from glm_local.factors.level_names import EPOCH, own_level
from glm_local.factors.spec_problems import factor_problems, read_factors
from glm_local.factors.text_columns import text_problems
from glm_local.numbers.short_edges import FURTHEST, value_edges
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine, Frame

PRE_BINS = 200
"""Most pre-bins of a numeric candidate; with missing they fit one byte."""

KIND_OF: Mapping[ColumnKind, tuple[str, str]] = {
    "boolean": ("categorical", "boolean"),
    "integer": ("numeric", "integer"),
    "float32": ("numeric", "number"),
    "float64": ("numeric", "number"),
    "decimal": ("numeric", "number"),
    "text": ("categorical", "text"),
    "date": ("numeric", "date"),
    "timestamp": ("numeric", "date"),
}
"""Candidate kind and how the column is read, where only a column is named."""

CandidateLike = str | Mapping[str, Any] | FactorSpec


@dataclass(frozen=True)
class Learned:
    """Candidates with their fine codes, why others have none, and what was asked besides."""

    candidates: tuple[Candidate, ...]
    refused: Mapping[str, str]
    besides: Mapping[str, DesignTable | None] = field(default_factory=dict)


def learn_candidates(
    engine: Engine[Frame],
    frame: Frame,
    asked: Sequence[CandidateLike],
    *,
    where: Expression | None = None,
    pre_bins: int = PRE_BINS,
    besides: Sequence[CellRequest] = (),
) -> Learned:
    """Give every candidate its fine codes.

    Parameters
    ----------
    asked
        Column names, or specifications: ``{"kind": "ordinal", "name": …, "column": …}`` sets kind and source; edges or
        levels that are written out are the fine codes. ``"special": [-1, 999]`` of a numeric one puts each of those
        values alone in a pre-bin, however rare; `BinningRules(apart=…)` then keeps it out of other bins.
    where
        Flag of the training rows; cut points come from those.
    pre_bins
        Most pre-bins of a numeric candidate, 2 to 250.
    besides
        Requests answered in the pass that counts values.

    Raises
    ------
    DataError
        A column that is not there or cannot be read as asked, all at once.
    """
    kinds = engine.columns(frame)
    specs = _specs(asked, kinds)
    special = {str(one.get("name")): _special(at, one) for at, one in enumerate(asked) if isinstance(one, Mapping)}
    open_specs = [spec for spec in specs if not spec.is_resolved]
    requests = [_values_request(spec, where, pre_bins) for spec in open_specs]
    tables = engine.cells(frame, [*requests, *besides]) if requests or besides else {}
    many = {spec.name: spec for spec in open_specs if isinstance(spec, NumericSpec) and tables[spec.name] is None}
    cuts: Mapping[str, Any] = {}
    if many:
        probabilities = [at / pre_bins for at in range(pre_bins + 1)]
        columns: dict[str, Expression] = {name: _number(spec) for name, spec in many.items()}
        cuts = engine.quantiles(frame, columns, probabilities, None, where, neighbours=True)
    learned: list[Candidate] = []
    texts = text_problems(engine, frame, specs, kinds, where, "")
    refused = {specs[int(one.path.split("/")[1])].name: one.found for one in texts}
    for spec in specs:
        if spec.name in refused:
            continue
        try:
            values = special.get(spec.name, ())
            fine = spec if spec.is_resolved else _resolved(spec, tables[spec.name], cuts.get(spec.name), values)
            learned.append(Candidate(spec.name, fine))
        except GlmError as error:
            refused[spec.name] = error.problems[0].found if error.problems else str(error)
    return Learned(tuple(learned), refused, {one.name: tables[one.name] for one in besides})


def _specs(asked: Sequence[CandidateLike], kinds: Mapping[str, ColumnKind]) -> tuple[FactorSpec, ...]:
    documents: list[Any] = []
    problems: list[Problem] = []
    for at, one in enumerate(asked):
        if isinstance(one, str):
            if kinds.get(one) not in KIND_OF:
                found = f"{one!r} is not a column of the table" if one not in kinds else f"{one!r} cannot be read"
                problems.append(
                    Problem(f"/candidates/{at}", f"{found}.", "A candidate is a column.", nearest(one, list(kinds)))
                )
                continue
            kind, source = KIND_OF[kinds[one]]
            documents.append(candidate_document({"kind": kind, "name": one, "column": one, "source": source}))
        else:
            documents.append(candidate_document(one) if isinstance(one, Mapping) else one)
    if problems:
        raise DataError(problems, "the candidates")
    specs = read_factors(documents)
    problems = factor_problems(specs, kinds) + [
        Problem(
            f"/candidates/{at}",
            f"{spec.name!r} is {spec.kind}.",
            "A candidate has levels of one column.",
            "Give linear terms and interactions to the study's fit instead.",
        )
        for at, spec in enumerate(specs)
        if not is_level_factor(spec)
    ]
    for at, spec in enumerate(specs):
        problems += _policy_problems(f"/candidates/{at}", spec)
    if problems:
        raise DataError(problems, "the candidates")
    return specs


def _policy_problems(path: str, spec: FactorSpec) -> list[Problem]:
    """Fine codes keep what is missing and what is unseen apart; what becomes of it is decided with the bins."""
    document = spec.document()
    asked = {cause: document[cause] for cause in ("missing", "unseen", "below", "above") if cause in document}
    return [
        Problem(
            f"{path}/{cause}",
            f"{policy!r} was given.",
            "A candidate keeps such values apart.",
            f"Leave it out here; BinningRules({cause}=…), or the spec that is accepted, says what they become.",
        )
        for cause, policy in asked.items()
        if own_level(cause, policy) is None
    ]


def _special(at: int, one: Mapping[str, Any]) -> tuple[float, ...]:
    """Special values of a numeric candidate's document."""
    values = one.get("special", ())
    numbers = isinstance(values, (list, tuple)) and all(
        value in ("inf", "-inf")  # as JSON has them
        or (isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value))
        for value in values
    )
    if not numbers or (values and one.get("kind") != "numeric"):
        raise DataError.because(
            f"special is {values!r}.",
            "Special values are a list of numbers of a numeric candidate.",
            'Write "special": [-1, 999, "inf"].',
            path=f"/candidates/{at}/special",
        )
    return tuple(float(value) for value in values)


def candidate_document(one: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what a fine code needs and a candidate need not say; special values are no part of a specification."""
    document = {key: value for key, value in one.items() if key != "special"}
    document.setdefault("column", document.get("name"))
    document.setdefault("missing", "own_level")
    if document.get("kind") == "numeric":
        document.setdefault("edges", {"method": "quantile", "bins": PRE_BINS})
    elif document.get("kind") in ("categorical", "ordinal"):
        document.setdefault("unseen", "own_level")
    return document


def _number(spec: NumericSpec) -> Expression:
    return Read(spec.column, "date" if spec.source == "date" else "number")


def _values_request(spec: FactorSpec, where: Expression | None, pre_bins: int) -> CellRequest:
    if isinstance(spec, NumericSpec):
        return CellRequest(spec.name, {"value": _number(spec)}, where=where, limit=pre_bins + 1, overflow="none")
    assert isinstance(spec, CategoricalSpec)
    return CellRequest(spec.name, {"value": Read(spec.column, spec.source)}, limit=MOST_LEVELS + 2, overflow="none")


def _resolved(spec: FactorSpec, table: DesignTable | None, cuts: Any, special: Sequence[float] = ()) -> FactorSpec:
    if not isinstance(spec, NumericSpec):
        return learn(_named_apart(spec, table), table)
    known: list[float] = []
    if table is not None:
        known = sorted(
            {
                _as_number(value)
                for value, gone in zip(table.keys["value"], table.missing["value"], strict=True)
                if not gone
            }
        )
        if not known:
            raise DataError.because(f"{spec.column!r} has no known value.", "A candidate needs one.", "Leave it out.")
        edges = known[:-1] if spec.source == "date" else value_edges(known, special)
    else:
        edges = quantile_edges(np.asarray(cuts, dtype=np.float64), spec.source)
    finite = [edge for edge in {*edges, *_around(special, spec.source)} if math.isfinite(edge)]
    document = {**spec.document(), "edges": written_edges(finite, spec.source)}
    if len(known) == 2 and len(finite) == 1 and all(map(math.isfinite, known)):
        document["labels"] = written_values(known, spec.source)
    return NumericSpec(**document)


def _around(special: Sequence[float], source: str) -> set[float]:
    """Edges on both sides of every special value."""
    whole = source != "number"
    finite = {value for value in special if math.isfinite(value)}
    beside = {math.copysign(FURTHEST, value) for value in special if math.isinf(value)}
    return beside | {
        edge for value in finite for edge in (value - 1 if whole else math.nextafter(value, -math.inf), value)
    }


def _as_number(value: object) -> float:
    if isinstance(value, str):
        return float((np.datetime64(value, "D") - np.datetime64(EPOCH, "D")).astype(np.int64))
    if isinstance(value, np.datetime64):
        return float(value.astype("datetime64[D]").astype(np.int64))
    return float(value)  # type: ignore[arg-type]


def _named_apart(spec: FactorSpec, table: DesignTable | None) -> FactorSpec:
    """Levels of their own get another name where a value of the column has theirs."""
    if table is None:
        return spec
    values = {str(value) for value in table.keys["value"].tolist()}
    document = spec.document()
    for cause in ("missing", "unseen"):
        name = cause
        while document.get(cause) == "own_level" and name in values:
            name = f"({name})"
        if name != cause:
            document[cause] = {"own_level": name}
    return read_factors([document])[0]
