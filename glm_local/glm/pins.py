"""Pinned levels: effects set by hand instead of estimated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from glm_local.errors import Problem, SpecError, nearest
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.families.links import Link

RELATIVE_LINKS = ("log", "logit")


def pinned_effects(
    pins: Mapping[str, Mapping[str, float]], compiled: Mapping[str, Any], link: Link
) -> dict[str, dict[str, float]]:
    """Effects on the linear predictor by factor and level.

    Parameters
    ----------
    pins
        Relativities to the base level for log and logit links (above 0), differences from it for others.

    Raises
    ------
    SpecError
        Every factor or level that is not there, every relativity that cannot be.
    """
    problems: list[Problem] = []
    effects: dict[str, dict[str, float]] = {}
    for name, levels in pins.items():
        one = compiled.get(name)
        path = f"/pins/{name}"
        if not isinstance(one, CompiledFactor):
            factors = [known for known, factor in compiled.items() if isinstance(factor, CompiledFactor)]
            found = f"{name!r} is no factor with levels of this model."
            problems.append(Problem(path, found, "Levels of a factor are pinned.", nearest(name, factors)))
            continue
        for level, value in levels.items():
            problems += _problems(f"{path}/{level}", level, value, one, link)
        if not problems:
            relative = link.name in RELATIVE_LINKS
            effects[name] = {level: math.log(value) if relative else float(value) for level, value in levels.items()}
    if problems:
        raise SpecError(problems, "the pinned levels")
    return effects


def read_pins(pins: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, float]]:
    """Pins as plain numbers; anything else is a `SpecError`."""
    if not isinstance(pins or {}, Mapping) or not all(isinstance(one, Mapping) for one in (pins or {}).values()):
        raise SpecError.because(
            f"pins are {pins!r}.", "Pins are factor to level to relativity.", 'Write {"area": {"A": 1.2}}.', "/pins"
        )
    problems = [
        Problem(f"/pins/{name}/{level}", f"it is {value!r}.", "A relativity is a number above 0.", "Write 1.2, say.")
        for name, levels in (pins or {}).items()
        for level, value in levels.items()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value)
    ]
    if problems:
        raise SpecError(problems, "the pinned levels")
    return {name: {level: float(value) for level, value in levels.items()} for name, levels in (pins or {}).items()}


def _problems(path: str, level: str, value: float, one: CompiledFactor, link: Link) -> list[Problem]:
    problems = []
    if level not in one.levels:
        problems.append(Problem(path, f"{level!r} is not a level of it.", "", nearest(level, list(one.levels))))
    elif level == one.base:
        problems.append(
            Problem(path, f"{level!r} is the base level.", "The base has relativity 1.", "Choose another base first.")
        )
    if link.name in RELATIVE_LINKS and not value > 0:
        rule = "A relativity is a number above 0."
        problems.append(Problem(path, f"it is {value!r}.", rule, "Write 1.2 for 20 % above the base."))
    return problems
