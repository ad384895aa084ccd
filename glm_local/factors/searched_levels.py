"""Levels that were searched for among the responses of the rows they are fitted on: who has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from glm_local.factors.factor_spec import CategoricalSpec, FactorSpec, InteractionSpec, NumericSpec, Spec

SpecT = TypeVar("SpecT", bound=Spec)


def is_searched(spec: Spec | None) -> bool:
    """Whether a factor says that its bins or groups were searched for among the responses of its training rows.

    Examples
    --------
    >>> bins = NumericSpec(name="age", column="age", edges=[30], missing="base")
    >>> is_searched(bins), is_searched(marked(bins, "cross_validated"))
    (False, True)
    """
    return getattr(getattr(spec, "learned", None), "searched", None) is not None


def searched_names(specs: Sequence[FactorSpec]) -> set[str]:
    """Factors whose levels were searched for, and crossings of them."""
    own = {one.name for one in specs if is_searched(one)}
    return own | {one.name for one in specs if isinstance(one, InteractionSpec) and own & set(one.factors)}


def marked(spec: SpecT, how: str) -> SpecT:
    """The factor with the record of how its levels were searched for; one that has it, or has no levels, as it is."""
    if is_searched(spec) or not isinstance(spec, NumericSpec | CategoricalSpec):
        return spec
    document = spec.document()
    document["learned"] = {**document.get("learned", {}), "searched": how}
    return type(spec)(**document)


def unmarked(spec: SpecT) -> SpecT:
    """The factor for rows the search did not see."""
    return type(spec)(**without_search(spec.document())) if is_searched(spec) else spec


def without_search(document: Mapping[str, Any]) -> dict[str, Any]:
    """A factor's document without the record of a search: what it means is the same."""
    learned = {name: one for name, one in (document.get("learned") or {}).items() if name != "searched"}
    kept = {name: one for name, one in document.items() if name != "learned"}
    return {**kept, **({"learned": learned} if learned else {})}
