"""Validation as evidence: what accepted factors gain on rows that took no part in choosing them. No pass over rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glm_local.study.comparison import gain_text
from glm_local.study.design import Design
from glm_local.study.state import StudyState


def validation_gain(state: StudyState) -> float | None:
    """Deviance the accepted design saves on validation against the intercept alone; None where nothing tells it.

    From what decisions recorded: figures of the first model, and of the last.
    """
    if not state.design.factors or not state.versions:
        return None
    empty = Design().fingerprint
    first = next((one.event.payload for one in state.decided if one.event.payload["before"] == empty), None)
    before = ((first or {}).get("evidence") or {}).get("current") or {}
    known, now = before.get("validation_deviance"), state.versions[-1].get("validation_deviance")
    return None if known is None or now is None else float(known) - float(now)


def validation_warnings(state: StudyState) -> Iterator[str]:
    """Sentences for the first page: the model, and factors in it, that lose on validation."""
    total = validation_gain(state)
    if total is not None and total < 0:
        yield (
            f"Validation speaks against the accepted factors: on its rows the deviance is {gain_text(-total)} larger "
            "than that of the intercept alone."
        )
    losing = {name: gain for name, gain in _gains(state).items() if gain < 0}
    if losing:
        told = ", ".join(f"{name} ({gain_text(gain)})" for name, gain in losing.items())
        yield f"Kept although the validation gain was negative when decided: {told}."


def _gains(state: StudyState) -> dict[str, float]:
    """Validation gain of every factor in the design, as it was when it was last taken in or replaced."""
    found: dict[str, float] = {}
    for one in state.decided:
        evidence: dict[str, Any] = one.event.payload.get("evidence") or {}
        gain = evidence.get("validation_gain")
        if one.event.factor is not None and one.event.factor in state.design and gain is not None:
            found[one.event.factor] = float(gain)
    return found
