"""The kind "interaction": levels of other factors crossed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, cast

from pydantic import Field

from glm_local.errors import Problem
from glm_local.expressions.expression import Expression
from glm_local.factors.compiled_interaction import CompiledInteraction
from glm_local.factors.kind import Kind, Values, register
from glm_local.factors.level_codes import base_of
from glm_local.factors.level_names import SEPARATOR, cell_name
from glm_local.factors.spec import BaseRule, NamedLevel, Record, Spec
from glm_local.factors.spec_fields import COMMON
from glm_local.factors.spec_values import any_text, base_rule, cell_policy, near, one_of, record, shown, texts


class InteractionLearned(Record):
    """The cells that have a coefficient, by the names of their levels: those named, else those with training rows; the
    base cell."""

    cells: tuple[tuple[str, ...], ...] | None = None
    base: str | None = None


class InteractionSpec(Spec):
    """Levels of two or more factors crossed; at most one may be linear (then: one slope per cell of the others).

    `net_of_margins` gives a coefficient to cells where no factor is at its base, on top of the factors themselves;
    `cells` gives one to every cell but the base cell.
    """

    values: ClassVar[Values] = "cells"

    kind: Literal["interaction"] = "interaction"
    factors: tuple[str, ...] = Field(min_length=2)
    unseen: Literal["base", "refuse"] | NamedLevel = Field(description="Cells without training rows")
    coding: Literal["net_of_margins", "cells"] = "net_of_margins"
    base: BaseRule = "largest_exposure"
    separator: str = Field(SEPARATOR, min_length=1, description="Between the level names of a cell")
    learned: InteractionLearned | None = None

    @property
    def is_resolved(self) -> bool:
        return True

    def compiled(self) -> CompiledInteraction:
        cells = self.learned.cells if self.learned else None
        named = not isinstance(self.unseen, str)
        return CompiledInteraction(
            self.name,
            self.factors,
            self.coding,
            "cell" if named else cast(Any, self.unseen),
            cast(NamedLevel, self.unseen).level if named else None,
            cells,
            base_of(self),
            self.separator,
        )

    def reads(self) -> list[tuple[str, Expression]]:
        return []


def _cell_lists(value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        rule = "Cells are a list of lists of level names."
        yield Problem(path, f"{shown(value)} is not a list.", rule, 'Write [["a", "b"]].')
        return
    for i, cell in enumerate(value):
        if not isinstance(cell, list) or not all(isinstance(level, str) for level in cell):
            rule = "A cell is a list of level names."
            yield Problem(f"{path}/{i}", f"{shown(cell)} is not a cell.", rule, 'Write ["a", "b"].')


def _factor_count(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if len(document["factors"]) < 2:
        yield Problem(
            f"{path}/factors",
            f"{shown(document['factors'])} make no interaction.",
            "An interaction is made of two factors or more.",
            "Name another factor.",
        )


def _cells(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    cells = (document.get("learned") or {}).get("cells")
    if cells is not None and len({tuple(cell) for cell in cells}) < len(cells):
        yield Problem(f"{path}/learned/cells", "name a cell twice.", "Cells are distinct.", "Remove one.")


def _cell_base(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    base = document.get("base")
    if isinstance(base, dict) and document.get("coding", "net_of_margins") == "net_of_margins":
        yield Problem(
            f"{path}/base",
            f"{shown(base)} has no effect here.",
            "Net of margins, the base cells follow from the factors' own bases.",
            'Remove it, set the base of a factor, or write "coding": "cells".',
        )


def _cells_exist(document: Mapping[str, Any], path: str) -> Iterator[Problem]:
    cells = (document.get("learned") or {}).get("cells")
    if cells is None:
        return
    known = [cell_name(cell, document["separator"]) if "separator" in document else cell_name(cell) for cell in cells]
    for field in ("unseen", "base"):
        if isinstance(document.get(field), dict) and document[field]["level"] not in known:
            name = document[field]["level"]
            yield Problem(
                f"{path}/{field}/level",
                f"{shown(name)} is not a cell with training rows.",
                "Policies and the base name an existing cell.",
                near(name, known),
            )


def _words(document: Mapping[str, Any]) -> list[str]:
    coding = document.get("coding", "net_of_margins")
    what = "on top of the factors themselves" if coding == "net_of_margins" else "in every cell but the base"
    return [f"Interaction of {' and '.join(document['factors'])}: a coefficient per cell, {what}."]


register(
    Kind(
        "interaction",
        "cells",
        {
            **COMMON,
            "factors": texts,
            "unseen": cell_policy,
            "coding": one_of("net_of_margins", "cells"),
            "base": base_rule,
            "separator": any_text,
            "learned": record({}, {"cells": _cell_lists, "base": any_text}),
        },
        ("name", "factors", "unseen"),
        [
            ({"factors"}, _factor_count),
            ({"factors", "learned"}, _cells),
            ({"base", "coding"}, _cell_base),
            ({"unseen", "base", "learned", "separator"}, _cells_exist),
        ],
        _words,
        {
            "unseen": ("Say what cells without training rows become:", '"base" or "refuse".'),
            "factors": ("An interaction is made of factors.", 'Add "factors": ["a", "b"].'),
        },
    )
)
