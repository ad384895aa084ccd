"""Intervals that hold after a search: the design that was reached, fitted on rows that took no part in reaching it.

The rows of validation and holdout are such rows. Given the design they are a sample of their own, so that ordinary
intervals of a fit on them cover, whatever was searched, kept and pruned on the others (sample splitting: Cox 1975,
"A note on data-splitting for the evaluation of significance levels"). Whole keys lie in one sample, and standard errors
are made by key there too, so it holds for clustered rows, and for every family. What they cover is the projection of
the truth on the design: the coefficients its levels would have on endlessly many rows, right or wrong as the levels may
be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal
from warnings import catch_warnings, simplefilter

import pandas as pd

from glm_local.binning.penalties import looks_at_validation
from glm_local.binning.rules import BinningRules
from glm_local.candidates.measured_model import key_inference
from glm_local.errors import ConfigError, GlmError
from glm_local.factors.factor_spec import InteractionSpec
from glm_local.factors.searched_levels import unmarked
from glm_local.models.recorded_rows import table_rows
from glm_local.scoring.model_spec import Coefficient, ModelDocument
from glm_local.study.core import StudyCore
from glm_local.study.history import Fact
from glm_local.study.proposing import rules_document
from glm_local.study.state import StudyState
from glm_local.texts.counted import counted

Inference = Literal["naive", "selective"]
"""Intervals a study shows: those of the rows it searched, or beside them those of rows that took no part."""

TABLE = "selective intervals"
"""Name of the table in the audit's `report_tables`."""

ESTIMAND = "projection of the truth on the design reached"
FIGURES = (
    "status",
    "estimate",
    "std_error",
    "statistic",
    "p_value",
    "lower",
    "upper",
    "relativity",
    "relativity_lower",
    "relativity_upper",
    "rows",
)
NAIVE = ("estimate", "p_value", "lower", "upper", "inference")
COLUMNS = ["term", "factor", "level", *FIGURES, *(f"naive_{name}" for name in NAIVE)]


@dataclass(frozen=True)
class SelectiveIntervals:
    """Intervals of a design's coefficients on rows that took no part in reaching it.

    Parameters
    ----------
    design
        Fingerprint of the design.
    samples, rows
        Where the rows lie, and how many they are.
    confidence
        Of the intervals.
    table
        One line per coefficient, as `Coefficient`: of these rows, and as ``naive_…`` of the rows that were searched.
        Levels without an estimate there have none.
    packed_passes
        Passes over packed rows they took; source rows were not read again.
    looks
        Looks at the holdout before, where it is among the samples: choices made after one are not allowed for.
    why
        Why there are none, where the design cannot be fitted on these rows; else empty.
    """

    design: str
    samples: tuple[str, ...]
    rows: int
    confidence: float
    table: pd.DataFrame
    packed_passes: float
    looks: int = 0
    why: str = ""

    @property
    def words(self) -> str:
        """What the intervals are of, in a sentence; why there are none."""
        if self.why:
            return f"There are no intervals on the unseen rows of {' and '.join(self.samples)}: {self.why}"
        looked = f" The holdout had been looked at {counted(self.looks, 'time')} before." if self.looks else ""
        return (
            f"Intervals on unseen rows are of the same levels fitted on the {counted(self.rows)} of "
            f"{' and '.join(self.samples)}, which took no part in the design: they cover what these levels would have "
            f"on endlessly many rows in {100 * self.confidence:g} % of samples.{looked}"
        )

    def document(self) -> dict[str, Any]:
        """As an event's payload keeps it."""
        plain = self.table.astype(object).where(self.table.notna(), None)
        return {
            "design": self.design,
            "samples": list(self.samples),
            "rows": self.rows,
            "confidence": self.confidence,
            "estimand": ESTIMAND,
            "packed_passes": self.packed_passes,
            "looks": self.looks,
            "why": self.why,
            "table": plain.to_dict("records"),
        }

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> SelectiveIntervals:
        """Read what `document` wrote."""
        return cls(
            said["design"],
            tuple(said["samples"]),
            said["rows"],
            said["confidence"],
            pd.DataFrame(said["table"], columns=COLUMNS),
            said["packed_passes"],
            said["looks"],
            said["why"],
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.words)}</p>{self.table.to_html(index=False)}"


def require_unseen(study: StudyCore[Any], holdout: bool, rules: BinningRules | None = None) -> tuple[str, ...]:
    """Samples that take no part in the design, nor in what rules will search.

    Raises
    ------
    ConfigError
        When there is none.
    """
    counts = study.bench.counts
    samples = [one for one in ("validation", "holdout") if counts.get(one) and (holdout or one != "holdout")]
    asked = {"rules": None if rules is None else rules_document(rules)}
    used = sorted({*_penalties_with_validation(study.state), *_with_validation(asked)})
    samples = [one for one in samples if not used or one != "validation"]
    if not samples:
        found = f"validation rows chose bins by {', '.join(used)}" if used else "all rows are training rows"
        raise ConfigError.because(
            f'inference is "selective" and {found}.',
            "Intervals hold on rows that took no part in the design.",
            "Keep some apart: split=(0.6, 0.2, 0.2). The holdout counts once the study is finalized.",
            path="inference",
        )
    return tuple(samples)


def _penalties_with_validation(state: StudyState) -> set[str]:
    """Penalties that looked at validation rows when bins in the design were chosen; own functions may have."""
    used: set[str] = set()
    for decided in state.decided:
        evidence = decided.event.payload.get("evidence") or {}
        for line in (evidence, *evidence.get("factors", ())):
            used |= _with_validation(line)
    return used


def _with_validation(line: Mapping[str, Any]) -> set[str]:
    penalties = (line.get("rules") or {}).get("penalties") or {}
    return {str(name) for name, text in penalties.items() if looks_at_validation(str(text))}


def selective_intervals(study: StudyCore[Any], holdout: bool = False) -> SelectiveIntervals:
    """Fit the accepted design on rows that took no part in it. Packed passes only: one fit and one more."""
    samples = require_unseen(study, holdout)
    naive = study.current().model
    specs = [unmarked(one) for one in naive.factors]
    design = study.design
    asked: dict[str, Any] = {"pins": design.pins} if design.pins else {}
    looks, why = len(study.state.looks) if "holdout" in samples else 0, ""
    unseen: ModelDocument | None = None
    with study.stage("selective intervals"), study.bench.engine.passes.counting() as counter:
        try:
            with catch_warnings():
                simplefilter("ignore")  # the table says of every level what became of it
                fit = study.bench.rows.fit_of(specs, samples, on_separation="warn", on_failure="warn", **asked)
            keys = key_inference(study.bench.rows, fit.document, samples)
            unseen = study.bench.by_key(fit.document, keys)
        except GlmError as error:
            why = error.problems[0].found
    return SelectiveIntervals(
        design.fingerprint,
        samples,
        sum(study.bench.counts[one] for one in samples),
        naive.spec.confidence,
        beside(naive, unseen),
        counter.packed,
        looks,
        why,
    )


def beside(naive: ModelDocument, unseen: ModelDocument | None) -> pd.DataFrame:
    """Coefficients of two fits of one design, line by line; of the second only what compares with the first.

    Where a base level has no unseen row, levels of its factor and of crossings with it, and the intercept, would be
    compared with another level: they have no interval.
    """
    known = () if unseen is None else unseen.coefficients
    other = {(one.factor, one.level): one for one in known}
    moved = set() if unseen is None else _other_bases(naive, unseen)
    lines = [
        _line(one, other.get((one.factor, one.level)), (one.factor is None and bool(moved)) or one.factor in moved)
        for one in naive.coefficients
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def _other_bases(naive: ModelDocument, unseen: ModelDocument) -> set[str]:
    """Factors whose base level is another one, and crossings of them."""
    ours, theirs = (
        {(one.factor, one.level) for one in model.coefficients if one.status == "base"} for model in (naive, unseen)
    )
    moved = {str(factor) for factor, _ in ours ^ theirs}
    crossed = (one for one in naive.factors if isinstance(one, InteractionSpec))
    return moved | {one.name for one in crossed if moved & set(one.factors)}


def _line(naive: Coefficient, unseen: Coefficient | None, moved: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"term": naive.term, "factor": naive.factor, "level": naive.level}
    for name in FIGURES:
        line[name] = None if unseen is None or moved else getattr(unseen, name)
    if moved:
        line["status"] = "base level unseen"
    return line | {f"naive_{name}": getattr(naive, name) for name in NAIVE}


def recorded(found: SelectiveIntervals, reason: str | None = None) -> Fact:
    """The event of intervals, their table among the audit's report tables."""
    rows = {"report_tables": list(table_rows(TABLE, found.table))}
    return Fact("inferred", found.document(), reason=reason or found.words, rows=rows)


def infer(study: StudyCore[Any], reason: str | None = None) -> SelectiveIntervals:
    """Intervals of the accepted design, recorded; those the history has of it are not made again."""
    known = known_intervals(study.state)
    if known is None:
        known = selective_intervals(study)
        study.commit([recorded(known, reason)])
    return known


def known_intervals(state: StudyState) -> SelectiveIntervals | None:
    """What the history has of the accepted design."""
    said = state.inferred
    return None if said is None or said["design"] != state.design.fingerprint else SelectiveIntervals.read(said)
