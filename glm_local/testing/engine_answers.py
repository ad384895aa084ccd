"""What conformance suites ask, and the answers found by plain loops over rows."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from glm_local.errors import GlmError
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate_all
from glm_local.expressions.expression import (
    Bin,
    Compare,
    Expression,
    IfMissing,
    Literal,
    Lookup,
    Read,
    Scalar,
)
from glm_local.expressions.values import Values
from glm_local.rows.blocks import (
    BlockDesign,
    Cross,
    Field,
)
from glm_local.rows.cells import CellRequest, DesignTable

NAN, INF = math.nan, math.inf
RELATIVE = 1e-12

HOSTILE: dict[str, tuple[pa.DataType, list[Any]]] = {
    "x": (pa.float64(), [1.5, None, NAN, INF, -INF, -0.0, 0.0, 30.0, 30.000000000000004, 29.999999999999996, 1e300]),
    "n": (pa.int64(), [7, None, -3, 2**53 + 1, 0, 7, 12]),
    "t": (pa.string(), ["a", "b", None, "", "a ", "é", "it's", "back\\slash", 'q"q', "Ä", "ä", "z" * 40, "𝄞"]),
    "flag": (pa.bool_(), [True, False, None]),
    "day": (pa.date32(), [datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31), datetime.date(2024, 3, 1)]),
    "Größe %.1": (pa.int32(), [1, 2, 3, 4, 5]),
}


def key_expressions() -> dict[str, Expression]:
    """One key of every type, from the hostile columns."""
    return {
        "x": Read("x"),
        "n": Read("n", "integer"),
        "t": Read("t", "text"),
        "flag": Read("flag", "boolean"),
        "day": Read("day", "date"),
        "size": Read("Größe %.1", "integer"),
        "band": bands("x"),
        "is high": Compare(">", Read("x"), Literal(1.0)),
    }


def bands(column: str) -> Expression:
    """Bands of a number as integer codes, missing of its own."""
    return Bin(Read(column), (0.0, 1.5, 30.0), (0, 1, 2, 3), missing=4)


def many_groups() -> Expression:
    """A look-up of more keys than any engine writes out as a CASE."""
    keys: tuple[Scalar, ...] = tuple(range(0, 1_200, 2))
    return Lookup(Read("key", "integer"), keys, tuple(i % 7 for i in range(600)), missing=8, unseen=9)


def some_design() -> BlockDesign:
    """Four factors (one by a large look-up), a cross, a numeric, exposure folded in."""
    levels = tuple(value for value in HOSTILE["t"][1] if value is not None)
    text = Lookup(Read("t", "text"), levels, tuple(range(len(levels))), missing=12, unseen=13)
    flag = IfMissing(Lookup(Read("flag", "boolean"), (True, False), (0, 1), None, 2), Literal(2))
    fields = (
        Field("t", text, 14),
        Field("band", bands("x"), 5),
        Field("group", many_groups(), 300),
        Field("flag", flag, 3),
    )
    return BlockDesign(
        fields,
        Read("y"),
        (Cross("t:band", ("t", "band")),),
        {"n": Read("n")},
        weight=Read("w"),
        exposure=Read("e"),
        domain="nonnegative",
        folded_power=1.0,
    )


def expected_good_rows(table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows whose numeric is there."""
    return np.asarray(table["n"].is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def evaluated(table: pa.Table, expressions: Sequence[Expression]) -> list[Values]:
    """Values of expressions over an Arrow table, by the contract's own evaluator."""
    return evaluate_all(expressions, ArrayColumns({name: table[name] for name in table.column_names}))


def plain_values(values: Values) -> list[Any]:
    """Values as a list, None where missing, dates as text."""
    gone = values.absent
    data = values.data.astype(str).astype(object) if values.data.dtype.kind == "M" else values.data
    return [None if missing else one for one, missing in zip(data.tolist(), gone.tolist(), strict=True)]


def plain(column: Any) -> list[Any]:
    """An Arrow column as a list, None where missing, dates as text."""
    values = column.to_pylist()
    return [
        None if one is None or one != one else str(one) if isinstance(one, datetime.date) else one for one in values
    ]


def grouped_by_loop(table: pa.Table, request: CellRequest) -> DesignTable:
    """Answer a cell request row by row, summing exactly."""
    names, expressions = list(request.by), [*request.by.values(), *request.sums.values()]
    columns = [plain_values(values) for values in evaluated(table, expressions)]
    keep = [True] * table.num_rows
    if request.where is not None:
        keep = [one is True for one in plain_values(evaluated(table, [request.where])[0])]
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {} if names else {(): []}
    for at in range(table.num_rows):
        if keep[at]:
            row = tuple(column[at] for column in columns)
            key = tuple(0.0 if one == 0 and isinstance(one, float) else one for one in row[: len(names)])
            groups.setdefault(key, []).append(row[len(names) :])
    ordered = sorted(groups, key=lambda key: [(one is None, 0 if one is None else one) for one in key])
    sums = {
        name: np.array([exact_sum([row[i] for row in groups[key]]) for key in ordered])
        for i, name in enumerate(request.sums)
    }
    keys = {name: np.array([key[i] for key in ordered], dtype=object) for i, name in enumerate(names)}
    missing = {name: np.array([one is None for one in column], dtype=bool) for name, column in keys.items()}
    return DesignTable(keys, missing, np.array([len(groups[key]) for key in ordered], dtype=np.int64), sums)


def exact_sum(values: Sequence[Any]) -> float:
    """Add numbers and flags, missing ones nothing."""
    return math.fsum(float(one) for one in values if one is not None)


def assert_same_table(got: DesignTable, expected: DesignTable) -> None:
    """Keys, missing marks and counts equal; sums within 1e-12."""
    np.testing.assert_array_equal(got.rows, expected.rows)
    for name in expected.keys:
        np.testing.assert_array_equal(got.missing[name], expected.missing[name])
        present = ~expected.missing[name]
        assert list(got.keys[name][present]) == list(expected.keys[name][present])
    for name in expected.sums:
        np.testing.assert_allclose(got.sums[name], expected.sums[name], rtol=RELATIVE)


def known(answer: Mapping[str, DesignTable | None], name: str) -> DesignTable:
    """Return the answer of a request that must have one."""
    table = answer[name]
    assert table is not None, name
    return table


def caught(action: Any) -> GlmError:
    """Return the error an action must raise."""
    try:
        action()
    except GlmError as error:
        return error
    raise AssertionError("no error was raised")
