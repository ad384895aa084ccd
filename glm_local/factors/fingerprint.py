"""Fingerprint of a document: SHA-256 of its canonical text; equal meaning gives an equal fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from glm_local.expressions.category_key import Key, category_key, json_value, sorted_keys
from glm_local.factors.factor_spec import SPEC_OF_KIND, Spec
from glm_local.factors.kind import KINDS, gives
from glm_local.factors.level_names import level_name, level_values, source_of
from glm_local.factors.searched_levels import without_search
from glm_local.factors.spec_fields import document_problems
from glm_local.texts.plain_json import canonical_json, plain_json


def fingerprint(document: Mapping[str, Any] | BaseModel | Sequence[Any]) -> str:
    """Return the SHA-256 of what a document means, as 64 hexadecimal digits.

    The order of keys, of factors in a list of factors, of values in a group and of the levels of a categorical
    factor does not count; nor do notes, whether levels were searched for, 20 against 20.0, a default written out, or a
    group of one value named like that value. Everything else does, what was learned included (means and deviations to
    nine digits).

    Raises
    ------
    SpecError
        When the document has no JSON text (NaN, an infinity, an object).

    Examples
    --------
    >>> fingerprint({"a": 1, "b": [20.0]}) == fingerprint({"b": [20], "a": 1})
    True
    """
    return hashlib.sha256(canonical_json(meaning(document)).encode("utf-8", "surrogatepass")).hexdigest()


def meaning(document: object) -> object:
    """Return a document with every factor and list of factors in it brought to its one form."""
    plain = plain_json(document.document() if isinstance(document, Spec) else document)
    if isinstance(plain, dict):
        if _is_factor(plain):
            return _factor_meaning(SPEC_OF_KIND[plain["kind"]](**plain))
        return {name: meaning(value) for name, value in plain.items()}
    if isinstance(plain, list):
        is_set = bool(plain) and all(isinstance(one, dict) and _is_factor(one) for one in plain)
        forms = [meaning(one) for one in plain]
        return sorted(forms, key=canonical_json) if is_set else forms
    return plain


def _is_factor(document: dict[str, Any]) -> bool:
    return document.get("kind") in KINDS and not document_problems(document, "")


def _factor_meaning(spec: Spec) -> dict[str, Any]:
    document = without_search({name: value for name, value in spec.document().items() if name != "notes"})
    if gives(document) == "number" and document.get("learned"):
        document["learned"] = {name: _nine_digits(one) for name, one in document["learned"].items()}
    if document["kind"] not in ("categorical", "ordinal"):
        return document
    for part in (document, document.get("learned", {})):
        if isinstance(part.get("levels"), list):
            groups = [_group(level, document) for level in part["levels"]]
            part["levels"] = groups if document["kind"] == "ordinal" else sorted(groups, key=canonical_json)
    return document


def _nine_digits(value: object) -> object:
    """What sums over rows told, without the digits that depend on the order of addition."""
    return float(f"{value:.8e}") if isinstance(value, float) else value


def _group(level: object, document: Mapping[str, Any]) -> dict[str, Any]:
    source = source_of(document)
    keys: list[Key] = [key for one in level_values(level) if (key := category_key(one, source)) is not None]
    return {"level": level_name(level, source), "values": [json_value(key) for key in sorted_keys(keys)]}
