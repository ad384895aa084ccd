"""Short names for expression nodes that are written by hand."""

from __future__ import annotations

from glm_local.expressions.expression import (
    Arithmetic,
    Compare,
    Comparison,
    Expression,
    Function,
    IsMissing,
    Literal,
    Power,
    Read,
    When,
)

MISSING_NUMBER = Literal(None)


def number(value: Expression | str | float) -> Expression:
    """An expression as it is, a column name read as a number, a constant as a double.

    Examples
    --------
    >>> number("Exposure")
    Read(column='Exposure', kind='number')
    """
    if isinstance(value, str):
        return Read(value, "number")
    return Literal(float(value)) if isinstance(value, (int, float)) else value


def add(left: Expression | float, right: Expression | float) -> Expression:
    """``left + right``."""
    return Arithmetic("+", number(left), number(right))


def subtract(left: Expression | float, right: Expression | float) -> Expression:
    """``left - right``."""
    return Arithmetic("-", number(left), number(right))


def multiply(left: Expression | float, right: Expression | float) -> Expression:
    """``left * right``; a factor that is the constant 1 is left out."""
    if left == Literal(1.0) or right == Literal(1.0):
        return number(right if left == Literal(1.0) else left)
    return Arithmetic("*", number(left), number(right))


def divide(left: Expression | float, right: Expression | float) -> Expression:
    """``left / right``; a divisor that is the constant 1 is left out."""
    return number(left) if right == Literal(1.0) else Arithmetic("/", number(left), number(right))


def log(argument: Expression) -> Expression:
    """Natural logarithm, missing at 0 and below."""
    return Function("log", argument)


def power(base: Expression, exponent: float) -> Expression:
    """``base ** exponent``, with exponents 0 and 1 written out."""
    if exponent == 1 or base == Literal(1.0):
        return base
    return Literal(1.0) if exponent == 0 else Power(base, float(exponent))


def compare(left: Expression, operator: Comparison, right: float) -> Expression:
    """Flag ``left operator right``; false where `left` is missing."""
    return Compare(operator, left, Literal(float(right)))


def only_where(condition: Expression, value: Expression) -> Expression:
    """The number `value` where the flag is true, missing elsewhere."""
    return When(condition, value, MISSING_NUMBER)


def not_finite(argument: Expression) -> Expression:
    """Flag: missing or infinite (infinity minus itself is missing)."""
    return IsMissing(Arithmetic("-", argument, argument))
