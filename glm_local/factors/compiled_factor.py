"""Compiled factors: levels and the code of a row, or the number of a linear term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from glm_local.expressions.expression import Bin, Expression, Lookup, Scalar


@dataclass(frozen=True)
class Extra:
    """A code that is no level: rows of one cause that go to the base level, or are refused."""

    cause: Literal["missing", "unseen", "below", "above"]
    policy: Literal["base", "refuse"]


@dataclass(frozen=True)
class CompiledFactor:
    """A factor with levels.

    Parameters
    ----------
    name
        Name of the factor.
    levels
        Names, in the order of their codes; levels of their own for missing and others come last.
    extras
        What has no level: code ``len(levels) + i`` is `extras[i]`.
    code
        Integer expression in ``[0, size)``, never missing.
    base
        Reference level, chosen or learned; None before the data are seen.
    """

    name: str
    levels: tuple[str, ...]
    extras: tuple[Extra, ...]
    code: Bin | Lookup
    base: str | None = None

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.levels) + len(self.extras)

    def with_outputs(self, outputs: Sequence[Scalar]) -> Expression:
        """Return the expression with code i replaced by ``outputs[i]``; None is missing.

        Raises
        ------
        ValueError
            When there are not `size` outputs.
        """
        if len(outputs) != self.size:
            raise ValueError(f"{self.name}: {len(outputs)} outputs for {self.size} codes")

        def output(code: Scalar) -> Scalar:
            return outputs[cast(int, code)]

        changed = replace(self.code, outputs=tuple(map(output, self.code.outputs)), missing=output(self.code.missing))
        return replace(changed, unseen=output(changed.unseen)) if isinstance(changed, Lookup) else changed

    @property
    def goes_to_base(self) -> bool:
        """Whether some cause goes to the base level without being one."""
        return any(extra.policy == "base" for extra in self.extras)

    @property
    def labels(self) -> tuple[str | None, ...]:
        """Name of the level of every code: extras to the base are its name, refused ones None."""
        return (*self.levels, *(self.base if extra.policy == "base" else None for extra in self.extras))


@dataclass(frozen=True)
class CompiledLinear:
    """A linear term: a number expression, missing where the row is refused."""

    name: str
    value: Expression
