"""What a study's history says of the floors of levels: the profile they were made under, the levels that are below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glm_local.inference.thin_levels import Profile, thin_levels
from glm_local.scoring.model_spec import ModelDocument
from glm_local.study.events import StudyEvent

USUAL: Profile = "insurance"


def profile_of(events: Iterable[StudyEvent]) -> Profile:
    """The profile that binning was asked for last."""
    for event in reversed(list(events)):
        said = said_profile(event.payload)
        if said is not None:
            return said
    return USUAL


def said_profile(payload: Mapping[str, Any]) -> Profile | None:
    """The profile an event's rules name; None where it has none."""
    evidence = payload.get("evidence") or {}
    factors = evidence.get("factors") or []
    searched = [one.get("rules") for one in factors if isinstance(one, Mapping)] if isinstance(factors, list) else []
    rules = [evidence.get("rules"), (payload.get("plan") or {}).get("rules"), *searched]
    return next((one["profile"] for one in rules if isinstance(one, Mapping) and "profile" in one), None)


def thin_of(model: ModelDocument, factors: Iterable[str], profile: Profile) -> dict[str, str]:
    """Thin levels of some factors, by term, and what they hold."""
    names, found = set(factors), thin_levels(model, profile)
    return {one.term: found[one.term] for one in model.coefficients if one.factor in names and one.term in found}
