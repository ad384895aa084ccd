"""Problems of form in a configuration: what pydantic found, said in the house's three parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from glm_local.errors import Problem, nearest
from glm_local.factors.spec_values import pointer, shown

KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
}


def form_problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return each of pydantic's complaints about a document as a problem with its JSON path."""
    found = [_problem(one, model) for one in error.errors(include_url=False)]
    return list(dict.fromkeys(found))


def _problem(one: ErrorDetails, model: type[BaseModel]) -> Problem:
    # A union's branch is no step of the document.
    steps = [step for step in one["loc"] if step not in ("str", "list[str]")]
    path, kind = "".join(f"/{pointer(str(step))}" for step in steps), str(one["type"])
    section, field = _enclosing(steps, model), _field(steps, model)
    if kind == "extra_forbidden":
        names = [*section.model_fields, *(["parameters"] if section is model else [])]
        return Problem(
            path,
            f"{steps[-1]!r} is not a key.",
            "Keys are those of the published schema.",
            nearest(str(steps[-1]), names),
        )
    rule = (
        f"{field.description}."
        if field is not None and field.description
        else "It must be as the published schema says."
    )
    if kind == "missing":
        example = field.examples[0] if field is not None and field.examples else "…"
        written = example if isinstance(example, str) and example.startswith("{") else shown(example)
        return Problem(path, "not given.", rule, f"Write {steps[-1]} = {written}.")
    if kind == "literal_error" and field is not None:
        known = [str(name) for name in get_args(field.annotation)]
        return Problem(
            path,
            f"{shown(one['input'])} is not known.",
            f"It is one of {', '.join(known)}.",
            nearest(str(one["input"]), known),
        )
    if kind in KINDS:
        return Problem(path, f"{shown(one['input'])} is not {KINDS[kind]}.", rule, f"Write {KINDS[kind]}.")
    return Problem(path, f"{shown(one['input'])} is out of range.", rule, f"{_sentence(one['msg'])}.")


def _sentence(message: str) -> str:
    return re.sub(r"^\w+ should", "It should", message)


def _enclosing(steps: Sequence[object], model: type[BaseModel]) -> type[BaseModel]:
    for step in steps[:-1]:
        inner = _record(model.model_fields.get(str(step)))
        if inner is None:
            break
        model = inner
    return model


def _field(steps: Sequence[object], model: type[BaseModel]) -> FieldInfo | None:
    named: Mapping[str, FieldInfo] = _enclosing(steps, model).model_fields
    return next((named[str(step)] for step in reversed(steps) if str(step) in named), None)


def _record(field: FieldInfo | None) -> type[BaseModel] | None:
    kind: Any = None if field is None else field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
