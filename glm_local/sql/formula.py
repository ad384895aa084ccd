"""Formulas written as SQL text: an object with + - * / and comparisons that spells what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glm_local.sql.dialects import SqlDialect


@dataclass(frozen=True)
class Formula:
    """SQL text of a double; arithmetic on it makes longer text.

    Examples
    --------
    >>> x = Formula("x", SqlDialect())
    >>> (1.0 - x * x).text
    '(1.0e0 - (x * x))'
    """

    text: str
    words: SqlDialect

    def _joined(self, left: Formula | float, sign: str, right: Formula | float) -> Formula:
        sides = [side.text if isinstance(side, Formula) else self.words.double(side) for side in (left, right)]
        return Formula(f"({sides[0]} {sign} {sides[1]})", self.words)

    def __add__(self, other: Formula | float) -> Formula:
        return self._joined(self, "+", other)

    def __radd__(self, other: float) -> Formula:
        return self._joined(other, "+", self)

    def __sub__(self, other: Formula | float) -> Formula:
        return self._joined(self, "-", other)

    def __rsub__(self, other: float) -> Formula:
        return self._joined(other, "-", self)

    def __mul__(self, other: Formula | float) -> Formula:
        return self._joined(self, "*", other)

    def __rmul__(self, other: float) -> Formula:
        return self._joined(other, "*", self)

    def __truediv__(self, other: Formula | float) -> Formula:
        return self._joined(self, "/", other)

    def __rtruediv__(self, other: float) -> Formula:
        return self._joined(other, "/", self)

    def __neg__(self) -> Formula:
        return Formula(f"(- {self.text})", self.words)

    def __lt__(self, other: float) -> Formula:
        return self._joined(self, "<", other)

    def __le__(self, other: float) -> Formula:
        return self._joined(self, "<=", other)

    def __ge__(self, other: float) -> Formula:
        return self._joined(self, ">=", other)

    def __and__(self, other: Formula) -> Formula:
        return self._joined(self, "AND", other)

    def exp(self) -> Formula:
        """e to the power of it."""
        return Formula(f"EXP({self.text})", self.words)


def choose(condition: Formula, then: Callable[[], Formula], otherwise: Callable[[], Formula]) -> Formula:
    """One of two formulas, as CASE."""
    return Formula(f"CASE WHEN {condition.text} THEN {then().text} ELSE {otherwise().text} END", condition.words)
