"""One value read as a canonical kind: the rules of `columns.READABLE`, and the patterns text must match.

The patterns are written so that Python, Java and RE2 read them alike: no classes, no backslashes, nothing ambiguous.
"""

from __future__ import annotations

import datetime
import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from glm_local.errors import DataError
from glm_local.expressions.columns import READABLE, ColumnKind, ReadKind

NUMBER_PATTERN = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
INTEGER_PATTERN = "[+-]?[0-9]+([.]0*)?"
DATE_PATTERN = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
TRUE_WORDS, FALSE_WORDS = ("true", "1"), ("false", "0")

_number, _integer, _date = re.compile(NUMBER_PATTERN), re.compile(INTEGER_PATTERN), re.compile(DATE_PATTERN)

Value = float | int | bool | str | datetime.date | None


def scalar_kind(value: object) -> ColumnKind | None:
    """Physical kind of one Python value; None when it is a missing value of any spelling."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | np.integer) and not isinstance(value, np.timedelta64):
        return "integer"
    if isinstance(value, float | np.floating):
        return _float_kind(value)
    if isinstance(value, str):
        return "text"
    if isinstance(value, Decimal):
        return None if value.is_nan() else "decimal"
    if isinstance(value, datetime.date):
        return "timestamp" if isinstance(value, datetime.datetime) else "date"
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else "date" if value.dtype == np.dtype("datetime64[D]") else "timestamp"
    return "unsupported"


def _float_kind(value: float | np.floating[Any]) -> ColumnKind | None:
    if value != value:
        return None
    return "float32" if isinstance(value, np.float32 | np.float16) else "float64"


def read_scalar(value: object, kind: ReadKind, column: str = "") -> Value:
    """One value as `kind`; None is missing.

    Raises
    ------
    DataError
        A value of this type is never read as `kind`.

    Examples
    --------
    >>> read_scalar("1.50", "number"), read_scalar("1,5", "number"), read_scalar(3.0, "integer")
    (1.5, None, 3)
    """
    physical = scalar_kind(value)
    if physical is None:
        return None
    require_readable(physical, kind, column)
    match kind:
        case "number":
            return _as_float(value, physical)
        case "integer":
            return _as_integer(value, physical)
        case "boolean":
            return _as_flag(value, physical)
        case "date":
            return _as_date(value, physical)
        case "text":
            return _as_text(value, physical)


def require_readable(physical: ColumnKind, kind: ReadKind, column: str = "") -> None:
    """Raise a `DataError` when a column of one physical kind is never read as `kind`."""
    if physical in READABLE[kind]:
        return
    ways = [one for one, kinds in READABLE.items() if physical in kinds]
    way_out = f"Read it as {' or '.join(ways)}." if ways else "Convert the column to numbers, text or dates first."
    raise DataError.because(
        f"The column holds {physical} values and is to be read as {kind}.",
        f"{kind.capitalize()} is read from {', '.join(READABLE[kind])}.",
        way_out,
        path=column,
    )


def _as_float(value: Any, physical: ColumnKind) -> float | None:
    if physical == "text":
        return float(value) + 0.0 if _number.fullmatch(value) else None
    if physical == "date":
        return float(_as_date(value, physical).toordinal() - 719163)
    try:
        number = float(value) + 0.0
    except OverflowError:
        return None
    return None if math.isnan(number) else number


def _as_integer(value: Any, physical: ColumnKind) -> int | None:
    if physical == "text":
        if not _integer.fullmatch(value):
            return None
        whole = _digits_to_integer(value.split(".")[0])
    elif physical in ("boolean", "integer"):
        whole = int(value)
    elif not math.isfinite(value) or value != math.floor(value):
        return None
    else:
        whole = int(value)
    return whole if -(2**63) <= whole < 2**63 else None


def _digits_to_integer(digits: str) -> int:
    """Digits as an integer; beyond 64 bits any integer beyond 64 bits, as Python refuses very long ones."""
    bare = digits.lstrip("+-").lstrip("0")
    if len(bare) > 19:
        return 2**63
    return -int(bare or 0) if digits[0] == "-" else int(bare or 0)


def _as_flag(value: Any, physical: ColumnKind) -> bool | None:
    if physical == "text":
        word = value.lower()
        return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None
    return True if value == 1 else False if value == 0 else None


def _as_date(value: Any, physical: ColumnKind) -> datetime.date:
    if physical == "text":
        return _text_date(value)  # type: ignore[return-value]
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[D]").astype(datetime.date)  # type: ignore[no-any-return]
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo is None else value.astimezone(datetime.UTC)).date()
    return value  # type: ignore[no-any-return]


def _text_date(word: str) -> datetime.date | None:
    if not _date.fullmatch(word):
        return None
    try:
        return datetime.date.fromisoformat(word)
    except ValueError:
        return None


def _as_text(value: Any, physical: ColumnKind) -> str:
    if physical == "boolean":
        return "true" if value else "false"
    if physical == "date":
        return str(_as_date(value, physical).isoformat())
    return str(int(value)) if physical == "integer" else str(value)
