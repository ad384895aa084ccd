"""A factor spec in words: what a reader of the report needs to know about how a column became levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.kind import KINDS

_CAUSES = {
    "missing": "Missing values",
    "unseen": "Values not named",
    "below": "Values below {lower}",
    "above": "Values above {upper}",
}


def spec_words(spec: FactorSpec | Mapping[str, Any]) -> tuple[str, ...]:
    """The spec as sentences.

    Parameters
    ----------
    spec
        A spec or its document.

    Examples
    --------
    >>> spec_words({"kind": "numeric", "name": "age", "column": "age", "edges": [20, 30], "missing": "refuse"})[0]
    'Column age, cut at 20, 30 into 3 levels; an edge belongs to the level below it.'
    """
    document = spec if isinstance(spec, Mapping) else spec.document()
    said = KINDS[document["kind"]].words
    notes = [f"Note: {note}" for note in document.get("notes", ())]
    return (*said(document), *_policies(document), *_base(document), *_search(document), *notes)


def _search(document: Mapping[str, Any]) -> list[str]:
    how = (document.get("learned") or {}).get("searched")
    return [f"Its levels were searched for among the training responses ({how})."] if how else []


def _policies(document: Mapping[str, Any]) -> list[str]:
    sentences = []
    for cause, words in _CAUSES.items():
        policy = document.get(cause)
        if policy is not None:
            subject = (
                "Cells without training rows"
                if KINDS[document["kind"]].values == "cells"
                else words.format(lower=document.get("lower"), upper=document.get("upper"))
            )
            sentences.append(f"{subject} {_becomes(policy)}.")
    return sentences


def _becomes(policy: Any) -> str:
    if isinstance(policy, Mapping):
        own = policy.get("own_level")
        return f"are a level of their own, {own}" if own else f"go to level {policy['level']}"
    if policy in ("own_level", "base", "refuse", "mean"):
        return {
            "own_level": "are a level of their own",
            "base": "count as the base level",
            "refuse": "are refused",
            "mean": "count as the mean",
        }[policy]
    return f"count as {policy:g}"


def _base(document: Mapping[str, Any]) -> list[str]:
    learned = (document.get("learned") or {}).get("base")
    asked = document.get("base")
    if isinstance(asked, Mapping):
        return [f"The base level is {asked['level']}, by choice."]
    return [f"The base level is {learned}, the one with the largest exposure."] if learned else []
