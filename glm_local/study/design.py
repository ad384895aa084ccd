"""The design of a study's model: accepted factors in order, relativities set by hand, and what changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from glm_local.factors.factor_spec import FactorSpec, InteractionSpec
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.spec_problems import read_factor, read_factors

Pins = Mapping[str, Mapping[str, float]]
"""Factor to level to the relativity it is held at."""


@dataclass(frozen=True)
class Change:
    """One change of a design: a factor put in (or in another's place), taken out, or held at relativities.

    Parameters
    ----------
    factor
        Name of the factor.
    spec
        Its specification; None takes it out.
    pins
        Level to relativity; kept when None and the factor keeps its levels.
    """

    factor: str
    spec: FactorSpec | None = None
    pins: Mapping[str, float] | None = None

    def document(self) -> dict[str, Any]:
        """As an event's payload keeps it."""
        document: dict[str, Any] = {"factor": self.factor}
        if self.spec is not None:
            document["spec"] = self.spec.document()
        if self.pins is not None:
            document["pins"] = dict(self.pins)
        return document

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Change:
        """Read what `document` wrote."""
        spec = document.get("spec")
        return cls(document["factor"], None if spec is None else read_factor(spec), document.get("pins"))


@dataclass(frozen=True)
class Design:
    """Accepted factors in order; interactions come after what they cross."""

    factors: tuple[FactorSpec, ...] = ()
    pins: Pins = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(one.name for one in self.factors)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the design means, pins included; the order of factors does not count."""
        pins = {name: dict(held) for name, held in self.pins.items() if held}
        return fingerprint({"factors": list(self.factors), **({"pins": pins} if pins else {})})

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> FactorSpec:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str) -> FactorSpec | None:
        """The specification of a factor, None when it is not in the design."""
        return next((one for one in self.factors if one.name == name), None)

    def crossings_of(self, name: str) -> tuple[str, ...]:
        """Interactions that cross a factor."""
        crossed = (one for one in self.factors if isinstance(one, InteractionSpec))
        return tuple(one.name for one in crossed if name in one.factors)

    def after(self, changes: Iterable[Change]) -> Design:
        """Return the design with changes made; checked as a whole.

        Raises
        ------
        SpecError
            When the factors do not fit together; the design itself is as it was.
        """
        factors = {one.name: one for one in self.factors}
        pins = dict(self.pins)
        for change in changes:
            if change.spec is None:
                factors.pop(change.factor, None)
                pins.pop(change.factor, None)
                continue
            if change.factor in factors and factors[change.factor] != change.spec and change.pins is None:
                pins.pop(change.factor, None)
            factors[change.factor] = change.spec
            if change.pins is not None:
                pins[change.factor] = dict(change.pins)
        plain = [one for one in factors.values() if not isinstance(one, InteractionSpec)]
        crossed = [one for one in factors.values() if isinstance(one, InteractionSpec)]
        read = read_factors([*plain, *crossed]) if factors else ()
        return replace(self, factors=read, pins={name: held for name, held in pins.items() if held})
