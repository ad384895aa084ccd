"""A factor spec in words: what a reader of the report needs to know about how a column became levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glm_local.factors.factor_spec import FactorSpec
from glm_local.factors.level_names import known_part, level_names, level_values

MOST_NAMED = 24

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
    said = {"numeric": _numeric, "linear": _linear, "interaction": _interaction}.get(document["kind"], _categorical)
    notes = [f"Note: {note}" for note in document.get("notes", ())]
    return (*said(document), *_policies(document), *_base(document), *_search(document), *notes)


def _search(document: Mapping[str, Any]) -> list[str]:
    how = (document.get("learned") or {}).get("searched")
    return [f"Its levels were searched for among the training responses ({how})."] if how else []


def _numeric(document: Mapping[str, Any]) -> list[str]:
    edges, column = known_part(document, "edges"), document["column"]
    if edges is None:
        rule = document["edges"]
        return [f"Column {column}, to be cut into {rule['bins']} levels by {rule['method']}."]
    levels = level_names(document) or []
    learned = "" if isinstance(document["edges"], list) else f" (learned by {document['edges']['method']})"
    if not edges:
        return [f"Column {column}, not cut."]
    own = len(levels) - len(edges) - 1
    extra = f", and {own} of {'its' if own == 1 else 'their'} own" if own else ""
    return [
        f"Column {column}, cut at {_listed(edges)}{learned} into {len(edges) + 1} levels{extra}; "
        "an edge belongs to the level below it."
    ]


def _categorical(document: Mapping[str, Any]) -> list[str]:
    levels = known_part(document, "levels")
    if levels is None:
        return [f"Column {document['column']}, levels to be learned."]
    values = sum(len(level_values(level)) for level in levels)
    order = ", whose order has a meaning" if document["kind"] == "ordinal" else ""
    sentences = [f"Column {document['column']}, {values} values in {len(levels)} levels{order}."]
    groups = [level for level in levels if isinstance(level, Mapping) and len(level["values"]) > 1]
    sentences += [f"Level {group['level']}: {_listed(group['values'])}." for group in groups[:MOST_NAMED]]
    if len(groups) > MOST_NAMED:
        sentences.append(f"{len(groups) - MOST_NAMED} more groups are in the spec.")
    return sentences


def _linear(document: Mapping[str, Any]) -> list[str]:
    learned = document.get("learned") or {}
    what = f"Column {document['column']}" if document.get("column") else "An expression"
    cap = document.get("cap") or {}
    limits = [f"{word} {cap[name]:g}" for name, word in (("lower", "at least"), ("upper", "at most")) if name in cap]
    sentence = f"{what} as a number{', moved to ' + ' and '.join(limits) if limits else ''}"
    for name, verb, own in (("centre", "less", "mean"), ("scale", "divided by", "sd")):
        asked = document.get(name, 0 if name == "centre" else 1)
        if asked == own:
            sentence += f", {verb} its {own}" + (f" ({learned[own]:.6g})" if own in learned else "")
        elif asked != (0 if name == "centre" else 1):
            sentence += f", {verb} {asked:g}"
    return [f"{sentence}."]


def _interaction(document: Mapping[str, Any]) -> list[str]:
    coding = document.get("coding", "net_of_margins")
    what = "on top of the factors themselves" if coding == "net_of_margins" else "in every cell but the base"
    return [f"Interaction of {' and '.join(document['factors'])}: a coefficient per cell, {what}."]


def _policies(document: Mapping[str, Any]) -> list[str]:
    sentences = []
    for cause, words in _CAUSES.items():
        policy = document.get(cause)
        if policy is not None:
            subject = (
                "Cells without training rows"
                if document["kind"] == "interaction"
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


def _listed(values: Sequence[object]) -> str:
    texts = [f"{one:.10g}" if isinstance(one, float) else str(one) for one in values]
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more
