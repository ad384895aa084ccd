"""Rules of every kind with levels: names are distinct, and what is named exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from glm_local.errors import Problem, nearest
from glm_local.factors.level_names import CAUSES, level_names, ordinary_levels, own_levels
from glm_local.factors.spec_values import shown


def level_names_distinct(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Level names are distinct, and there is at least one."""
    ordinary, own = ordinary_levels(document), own_levels(document)
    taken = dict.fromkeys(ordinary or [], "an ordinary level")
    if ordinary is not None and len(taken) < len(ordinary):
        for name in sorted(one for one, times in Counter(ordinary).items() if times > 1):
            yield Problem(
                f"{path}/{'labels' if 'labels' in document else 'levels'}",
                f"{shown(name)} names two levels.",
                "Level names are distinct.",
                "Rename one.",
            )
    for cause, name in own.items():
        if name in taken:
            yield Problem(
                f"{path}/{cause}",
                f"{shown(name)} is {taken[name]} already.",
                "Level names are distinct.",
                f'Write {{"level": {shown(name)}}} to join it, or {{"own_level": "another name"}}.',
            )
        taken[name] = f"the level of {cause!r}"
    if ordinary == [] and not own:
        yield Problem(
            f"{path}/levels",
            "[] leaves the factor without a level.",
            "A factor has at least one level.",
            'Write "learn" or name some values.',
        )


def levels_exist(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Policies and the base name an existing level."""
    known = level_names(document)
    if known is None:
        return
    named = [
        (f"{cause}/level", document[cause].get("level")) for cause in CAUSES if isinstance(document.get(cause), dict)
    ]
    base, learned = document.get("base"), document.get("learned") or {}
    named += [("base/level", base["level"])] if isinstance(base, dict) else []
    named += [("learned/base", learned.get("base"))]
    for where, name in named:
        if name is not None and name not in known:
            yield Problem(
                f"{path}/{where}",
                f"{shown(name)} is not a level of this factor.",
                "Policies and the base name an existing level.",
                nearest(name, known),
            )


def learned_only_where_asked(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """What is written out is not learned as well."""
    for name in ("edges", "levels"):
        learned = (document.get("learned") or {}).get(name)
        if learned is not None and isinstance(document.get(name), list):
            yield Problem(
                f"{path}/learned/{name}",
                f"is there while {name!r} are written out.",
                "What was asked for is not learned.",
                f"Remove it, or ask for {name!r} to be learned.",
            )
