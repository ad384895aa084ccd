"""Drift: how far the levels of factors moved between two samples, in volume and in actual against predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local.diagnostics.groups import NO_LEVEL, By, Groups, read_groups
from glm_local.diagnostics.scored import Column, answered, known_columns, number_role, sample_role
from glm_local.diagnostics.stability_index import PSI_DEFINITION, StabilityIndex, stability_index
from glm_local.errors import ConfigError, DataError
from glm_local.expressions.arithmetic import compare, multiply, not_finite
from glm_local.expressions.category_key import key_text
from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import AllOf, AnyOf, Compare, Expression, Literal, Not
from glm_local.rows.cells import CellRequest, DesignTable
from glm_local.rows.engine import Engine
from glm_local.validation.factor_codes import MOST_CELLS
from glm_local.validation.group_columns import key_values, natural_order
from glm_local.validation.intervals import ratio
from glm_local.validation.scored_rows import ONE

Frame = TypeVar("Frame")
LEVEL = "level value"
MISSING = "(missing)"


@dataclass(frozen=True)
class Drift:
    """What `drift` returns.

    Parameters
    ----------
    table
        One line per factor, largest index first: factor, levels, psi, noise_level, p_value, verdict, worst_level.
    levels
        One line per factor and level, in the factor's order: factor, level, rows_reference, rows_compared,
        share_reference, share_compared, psi_part; where target is given rate_reference, rate_compared, where
        prediction is given too ae_reference, ae_compared and ae_shift = ae_compared / ae_reference.
    definition
        The index in words.
    left_out
        Rows of either sample that could not be used.
    """

    table: pd.DataFrame
    levels: pd.DataFrame
    left_out: Mapping[str, int] = field(default_factory=dict)
    definition: str = PSI_DEFINITION

    def _repr_html_(self) -> str:
        return f"{self.table.to_html(index=False)}<p>{escape(self.definition)}</p>"


@dataclass(frozen=True)
class _Roles:
    sums: Mapping[str, Expression]
    usable: Expression


def drift(
    engine: Engine[Frame],
    frame: Frame,
    factors: By,
    *,
    other: Frame | None = None,
    sample: Column | None = None,
    reference: str = "train",
    compared: str = "validation",
    target: Column | None = None,
    prediction: Column | None = None,
    exposure: Column | None = None,
    weight: Column | None = None,
) -> Drift:
    """Stability of factors between two samples of a frame, or between two frames.

    One pass over rows (one over each frame), besides what factors have to learn from the reference.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    factors
        Factors (specifications or documents) or columns of at most 400 values, one or several.
    other
        A second frame: `frame` is the reference, `other` is compared with it.
    sample, reference, compared
        Without `other`: the text column that names samples, and the two that are compared.
    target, prediction
        With a target, rates by level; with a prediction as well, actual to predicted and its shift.
    exposure, weight
        Shares are of weighted exposure; absent, of rows.

    Raises
    ------
    ConfigError
        Neither or both of `other` and `sample`; a column that is not there, or one with more than 400 values.
    DataError
        One of the samples has no row that can be used.
    """
    if (other is None) == (sample is None):
        raise ConfigError.because(
            "drift needs two samples.",
            "They are two frames, or two values of one column.",
            "Give other, or sample with reference and compared.",
            path="sample",
        )
    columns = engine.columns(frame)
    names = (reference, compared) if other is None else ("reference", "compared")
    sampled = sample_role(sample, columns) if other is None else Literal("reference")
    ours = AnyOf(tuple(Compare("==", sampled, Literal(name)) for name in names))
    learned_from = Compare("==", sampled, Literal(reference)) if other is None else None
    groups = read_groups(engine, frame, factors, columns, learned_from)
    roles = _roles(target, prediction, exposure, weight, columns)
    tables = [answered(engine, frame, _requests(groups, roles, sampled, ours))]
    if other is not None:
        there = engine.columns(other)
        checked = _roles(target, prediction, exposure, weight, there)
        for read in groups.reads.values():
            known_columns(read, there, "factor")
        tables.append(answered(engine, other, _requests(groups, checked, Literal("compared"), AllOf(()))))
    left = _left_out(tables, names)
    parts = [_levels(name, [one[f"factor {name}"] for one in tables], groups, names) for name in groups.reads]
    parts.sort(key=lambda part: -part[1].value)
    lines = [_line(levels, index) for levels, index in parts]
    return Drift(pd.DataFrame(lines), pd.concat([levels for levels, _ in parts], ignore_index=True), left)


def _roles(
    target: Column | None,
    prediction: Column | None,
    exposure: Column | None,
    weight: Column | None,
    columns: Mapping[str, ColumnKind],
) -> _Roles:
    e = ONE if exposure is None else number_role(exposure, columns, "exposure")
    w = ONE if weight is None else number_role(weight, columns, "weight")
    volume = multiply(w, e)
    sums: dict[str, Expression] = {"exposure": volume, "squares": multiply(volume, volume)}
    unusable: list[Expression] = [] if volume == ONE else [not_finite(volume), compare(volume, "<=", 0.0)]
    for name, role in (("actual", target), ("predicted", prediction)):
        if role is not None:
            read = number_role(role, columns, name)
            sums[name] = multiply(w, read)
            unusable.append(not_finite(read))
    return _Roles(sums, Not(AnyOf(tuple(unusable))))


def _requests(groups: Groups, roles: _Roles, sample: Expression, ours: Expression) -> list[CellRequest]:
    where = AllOf((ours, roles.usable))
    counts = CellRequest("usable rows", {"sample": sample, "usable": roles.usable}, {}, ours)
    return [
        counts,
        *(
            CellRequest(f"factor {name}", {"sample": sample, LEVEL: read}, roles.sums, where)
            for name, read in groups.reads.items()
        ),
    ]


def _left_out(tables: Sequence[Mapping[str, DesignTable]], names: tuple[str, str]) -> dict[str, int]:
    counts = {(name, usable): 0 for name in names for usable in (True, False)}
    for table in (one["usable rows"] for one in tables):
        keys = zip(key_values(table, "sample"), key_values(table, "usable"), strict=True)
        for (name, usable), rows in zip(keys, table.rows, strict=True):
            counts[(name, usable)] += int(rows)
    for name in names:
        if not counts[(name, True)]:
            raise DataError.because(
                f"sample {name!r} has no row that can be used.",
                "Drift is between two samples with rows.",
                "Name samples that exist (reference, compared); look at exposure, weight, target and prediction.",
                path="sample",
            )
    return {name: counts[(name, False)] for name in names}


def _levels(
    name: str, tables: Sequence[DesignTable], groups: Groups, names: tuple[str, str]
) -> tuple[pd.DataFrame, StabilityIndex]:
    """Both samples' sums of one factor side by side, in the order of its levels, and its index."""
    labels = groups.labels.get(name)
    long = pd.concat([_long(table, labels) for table in tables], ignore_index=True)
    order = _order(long, labels)
    if len(order) > MOST_CELLS:
        raise ConfigError.because(
            f"column {name!r} has {len(order):,} values.",
            f"Drift is measured over at most {MOST_CELLS} levels.",
            'Give a factor that bins it: {"kind": "numeric", "name": ..., "column": ..., "edges": ...}.',
            "factors",
        )
    parts = (long[long["sample"] == key].set_index("level").drop(columns="sample") for key in names)
    sides = [part.reindex(order).fillna(0.0) for part in parts]
    first, second = sides
    index = stability_index(
        first["exposure"].to_numpy(),
        second["exposure"].to_numpy(),
        (float(first["squares"].sum()), float(second["squares"].sum())),
    )
    shown = pd.DataFrame(
        {
            "factor": name,
            "level": order,
            "rows_reference": first["rows"].to_numpy(np.int64),
            "rows_compared": second["rows"].to_numpy(np.int64),
            "share_reference": (first["exposure"] / first["exposure"].sum()).to_numpy(),
            "share_compared": (second["exposure"] / second["exposure"].sum()).to_numpy(),
            "psi_part": index.parts,
            **_rates(first, second),
        }
    )
    return shown, index


def _long(table: DesignTable, labels: Sequence[str] | None) -> pd.DataFrame:
    values = key_values(table, LEVEL)
    if labels is None:
        named = [MISSING if value is None else key_text(value) for value in values]
    else:
        named = [NO_LEVEL if value is None else labels[value] for value in values]
    sums = {"rows": table.rows.astype(np.float64), **table.sums}
    return pd.DataFrame({"sample": key_values(table, "sample"), "level": named, "value": values, **sums})


def _order(long: pd.DataFrame, labels: Sequence[str] | None) -> list[str]:
    there = set(long["level"])
    if labels is not None:
        return [*labels, *([NO_LEVEL] if NO_LEVEL in there else [])]
    known = dict(zip(long["level"], long["value"], strict=True))
    known.pop(MISSING, None)
    numbers = all(isinstance(value, int | float) for value in known.values())
    ranked = sorted(known, key=lambda one: (known[one],) if numbers else natural_order(one))
    return [*ranked, *([MISSING] if MISSING in there else [])]


def _rates(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    rates: dict[str, NDArray[np.float64]] = {}
    for name, above, below in (("rate", "actual", "exposure"), ("ae", "actual", "predicted")):
        if above in first and below in first:
            for side, values in (("reference", first), ("compared", second)):
                rates[f"{name}_{side}"] = ratio(values[above].to_numpy(), values[below].to_numpy())
    if "ae_reference" in rates:
        rates["ae_shift"] = ratio(rates["ae_compared"], rates["ae_reference"])
    return rates


def _line(levels: pd.DataFrame, index: StabilityIndex) -> dict[str, object]:
    return {
        "factor": levels["factor"].iloc[0],
        "levels": index.levels,
        "psi": index.value,
        "noise_level": index.noise_level,
        "p_value": index.p_value,
        "verdict": index.verdict,
        "worst_level": levels["level"].iloc[int(np.argmax(index.parts))],
    }
