"""Python values as JSON has them: no numpy, no tuples, no models; and the one canonical text of a document."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from pydantic import BaseModel

from glm_local.errors import SpecError

EXACT_INTEGERS = 2**53
"""Below this size a whole double and the integer are one number."""


def plain_json(value: object) -> object:
    """Return `value` made of dict, list, str, int, float, bool and None wherever that is possible.

    Models become their documents, numpy scalars and arrays Python numbers and lists, dates ``YYYY-MM-DD``,
    decimals the nearest double. What has no JSON form is returned as it is, for a check to name it.

    Examples
    --------
    >>> plain_json({"edges": (np.int64(20), Decimal("25.5"))})
    {'edges': [20, 25.5]}
    """
    if isinstance(value, BaseModel):
        return plain_json(value.model_dump())
    if isinstance(value, Mapping):
        return {str(key): plain_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return list(value) if _doubles(value) else [plain_json(one) for one in value]
    if isinstance(value, np.ndarray):
        return [plain_json(one) for one in value.tolist()]
    return _plain_scalar(value)


def _doubles(values: Sequence[object]) -> bool:
    """Whether there are many and all are Python floats: a row of a covariance needs no look at each by a name."""
    return len(values) > 8 and set(map(type, values)) == {float}


def _plain_scalar(value: object) -> object:
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[D]").item()
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def canonical_json(document: object) -> str:
    """Return the one text of a JSON document: keys sorted, no spaces, letters as they are.

    A whole number is written without a point, so 20 and 20.0 are the same text; -0.0 is 0.

    Raises
    ------
    SpecError
        When the document holds NaN, an infinity or something JSON has no form for.

    Examples
    --------
    >>> canonical_json({"b": 20.0, "a": "é"})
    '{"a":"é","b":20}'
    """
    try:
        whole = _whole_numbers(plain_json(document))
        return json.dumps(whole, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError.because(
            f"The document has no JSON text: {error}.",
            "A spec holds only text, finite numbers, true, false, null, lists and objects.",
            "Replace the value by one of these.",
        ) from error


def readable_json(document: object) -> str:
    """Return the one text of a JSON document for people: as `canonical_json`, but indented.

    Lists of numbers alone stand on one line.

    Examples
    --------
    >>> print(readable_json({"b": 20.0, "a": []}))
    {
      "a": [],
      "b": 20
    }
    """
    return _readable(json.loads(canonical_json(document)), "\n")


def _readable(value: object, line: str) -> str:
    """Indented text; lists of numbers alone on one line each. `line` begins a line of the value's own depth."""
    inner = line + "  "
    if isinstance(value, dict) and value:
        entries = [f"{_text(key)}: {_readable(value[key], inner)}" for key in sorted(value)]
        return "{" + inner + f",{inner}".join(entries) + line + "}"
    if isinstance(value, list) and value and not set(map(type, value)) <= {int, float}:
        return "[" + inner + f",{inner}".join(_readable(each, inner) for each in value) + line + "]"
    return _text(value)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _whole_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _whole_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return value if _doubles(value) and not _some_whole(value) else [_whole_numbers(one) for one in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) <= EXACT_INTEGERS:
        return int(value)
    return value


def _some_whole(values: list[object]) -> bool:
    numbers = np.asarray(values, dtype=np.float64)
    return bool((numbers == np.rint(numbers)).any())
