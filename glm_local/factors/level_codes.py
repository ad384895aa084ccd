"""Codes of levels, and of causes that are no level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from glm_local.factors.compiled_factor import Extra
from glm_local.factors.level_names import CAUSES


def base_of(spec: Any) -> str | None:
    """The reference level that is chosen or learned; None before the data are seen."""
    if not isinstance(spec.base, str):
        return cast(str, spec.base.level)
    return spec.learned.base if spec.learned else None


def codes_by_cause(document: Mapping[str, Any], levels: Sequence[str]) -> tuple[dict[str, int], list[Extra]]:
    """Code of every cause that has a policy, and the extras among them."""
    codes: dict[str, int] = {}
    extras: list[Extra] = []
    for cause in CAUSES:
        policy = document.get(cause)
        if policy in ("base", "refuse"):
            codes[cause] = len(levels) + len(extras)
            extras.append(Extra(cast(Any, cause), cast(Any, policy)))
        elif policy is not None:
            name = cause if isinstance(policy, str) else next(iter(policy.values()))
            codes[cause] = levels.index(name)
    return codes, extras
