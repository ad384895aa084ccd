"""The expression tree: the only row-level language of the house; engines print it or evaluate it.

Missing is one thing: NULL, NaN, an unreadable value and an impossible result (log of 0, 1/0, inf - inf) are all
*missing*. Every node says what missing becomes; arithmetic on missing is missing; a comparison with missing is
false. Results are typed: ``number`` (double), ``integer`` (64 bits), ``text``, ``flag``, ``date``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from glm_local.expressions.columns import ReadKind

Scalar = int | float | str | bool | None
"""A value inside an expression; None is missing. Dates are written as text, YYYY-MM-DD."""

Operator = OneOf["+", "-", "*", "/"]
Comparison = OneOf["==", "!=", "<", "<=", ">", ">="]
FunctionName = OneOf["log", "exp", "expm1", "sqrt", "abs", "normal_cdf"]


@dataclass(frozen=True)
class Read:
    """A column of the table, read as a canonical kind (`glm_local.expressions.columns.READABLE`)."""

    column: str
    kind: ReadKind = "number"


@dataclass(frozen=True)
class Literal:
    """A constant: int is ``integer``, float ``number``, str ``text``, bool ``flag``, None a missing number."""

    value: Scalar


@dataclass(frozen=True)
class Arithmetic:
    """``left operator right``; integer only when both are integers and the operator is not ``/``."""

    operator: Operator
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Function:
    """A function of one number; outside its domain (log of 0 or less, sqrt below 0) the result is missing.

    ``expm1`` is exp(x) - 1, exact to the last digits near 0 too.
    """

    name: FunctionName
    argument: Expression


@dataclass(frozen=True)
class Power:
    """``base ** exponent`` with a constant exponent; missing where the real power does not exist."""

    base: Expression
    exponent: float


@dataclass(frozen=True)
class Clip:
    """The argument moved into [lower, upper]; missing stays missing."""

    argument: Expression
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class IfMissing:
    """The argument, or `value` where the argument is missing; both of one type."""

    argument: Expression
    value: Expression


@dataclass(frozen=True)
class IsMissing:
    """Flag: the argument is missing."""

    argument: Expression


@dataclass(frozen=True)
class Compare:
    """Flag: ``left operator right`` with both of one type; false where either is missing."""

    operator: Comparison
    left: Expression
    right: Expression


@dataclass(frozen=True)
class AllOf:
    """Flag: every part is true (true when there are none)."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class AnyOf:
    """Flag: some part is true (false when there are none)."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    """Flag: the part is false."""

    part: Expression


@dataclass(frozen=True)
class When:
    """`then` where the flag `condition` is true, else `otherwise`; both of one type."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True)
class Bin:
    """Right-closed intervals: ``outputs[number of edges < argument]``; `missing` where the argument is missing.

    `edges` rise strictly and are finite; ``len(outputs) == len(edges) + 1``; outputs and `missing` share a type
    (None is allowed anywhere). -inf falls in the first interval, +inf in the last.
    """

    argument: Expression
    edges: tuple[float, ...]
    outputs: tuple[Scalar, ...]
    missing: Scalar


@dataclass(frozen=True)
class Lookup:
    """``outputs[i]`` where the argument equals ``keys[i]``; else `unseen`; `missing` where it is missing.

    Keys are distinct, never None, and of the argument's type (text, integer, number, flag; dates as YYYY-MM-DD).
    """

    argument: Expression
    keys: tuple[Scalar, ...]
    outputs: tuple[Scalar, ...]
    missing: Scalar
    unseen: Scalar


@dataclass(frozen=True)
class HashBucket:
    """Integer in [0, buckets): first 32 bits of MD5 of ``purpose|seed|key`` modulo `buckets`; missing key: missing.

    The key is a text expression; purpose and seed keep splits and folds of one key independent.
    """

    key: Expression
    purpose: str
    seed: int
    buckets: int


Expression = (
    Read
    | Literal
    | Arithmetic
    | Function
    | Power
    | Clip
    | IfMissing
    | IsMissing
    | Compare
    | AllOf
    | AnyOf
    | Not
    | When
    | Bin
    | Lookup
    | HashBucket
)
