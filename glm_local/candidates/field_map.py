"""Maps from fine codes to a factor's codes: possible where every fine code lies in one level."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from glm_local.expressions.columns import ColumnKind
from glm_local.expressions.expression import Bin, Expression, Lookup, Read
from glm_local.factors.compiled_factor import CompiledFactor

WHOLE: tuple[ColumnKind, ...] = ("integer", "boolean")


def code_map(
    fine: CompiledFactor, coarse: CompiledFactor, kinds: Mapping[str, ColumnKind], complete: bool = False
) -> NDArray[np.int64] | None:
    """The coarse code of every fine code, shape (fine.size,); None where the coarse factor divides a fine code.

    `complete` says that no row has a value the fine categories do not name.

    Examples
    --------
    >>> from glm_local.factors.compile_factor import compile_factor
    >>> from glm_local.factors.factors import numeric
    >>> fine, coarse = (compile_factor(numeric("x", edges=e, missing="own_level")) for e in ([1, 2, 3], [2]))
    >>> code_map(fine, coarse, {"x": "float64"}).tolist()
    [0, 0, 1, 1, 2]
    >>> code_map(coarse, fine, {"x": "float64"}) is None
    True
    """
    if not _same_source(fine.code.argument, coarse.code.argument, kinds):
        return None
    if isinstance(fine.code, Bin) and isinstance(coarse.code, Bin):
        return _bins(fine, fine.code, coarse.code)
    if isinstance(fine.code, Lookup) and isinstance(coarse.code, Lookup):
        return _lookups(fine, fine.code, coarse.code, complete)
    return None


def _same_source(fine: Expression, coarse: Expression, kinds: Mapping[str, ColumnKind]) -> bool:
    if fine == coarse:
        return True
    if not (isinstance(fine, Read) and isinstance(coarse, Read) and fine.column == coarse.column):
        return False
    return {fine.kind, coarse.kind} <= {"integer", "number"} and kinds.get(fine.column) in WHOLE


def _bins(one: CompiledFactor, fine: Bin, coarse: Bin) -> NDArray[np.int64] | None:
    if not set(coarse.edges) <= set(fine.edges):
        return None
    found: dict[int, set[int]] = {}
    tops = [*fine.edges, np.inf]
    for top, code in zip(tops, fine.outputs, strict=True):
        at = int(np.searchsorted(coarse.edges, top, side="left"))
        found.setdefault(_code(code), set()).add(_code(coarse.outputs[at]))
    found.setdefault(_code(fine.missing), set()).add(_code(coarse.missing))
    return _table(one.size, found)


def _lookups(one: CompiledFactor, fine: Lookup, coarse: Lookup, complete: bool) -> NDArray[np.int64] | None:
    codes = dict(zip(coarse.keys, coarse.outputs, strict=True))
    if not complete and not set(coarse.keys) <= set(fine.keys):
        return None
    found: dict[int, set[int]] = {}
    for key, code in zip(fine.keys, fine.outputs, strict=True):
        found.setdefault(_code(code), set()).add(_code(codes.get(key, coarse.unseen)))
    found.setdefault(_code(fine.missing), set()).add(_code(coarse.missing))
    found.setdefault(_code(fine.unseen), set()).add(_code(coarse.unseen))
    return _table(one.size, found)


def _code(output: object) -> int:
    assert isinstance(output, int)
    return output


def _table(size: int, found: Mapping[int, set[int]]) -> NDArray[np.int64] | None:
    if any(len(codes) > 1 for codes in found.values()):
        return None
    table = np.zeros(size, dtype=np.int64)  # codes that no row can have keep 0
    for code, (coarse,) in found.items():
        table[code] = coarse
    return table
