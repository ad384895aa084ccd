"""An event of a run in words: what happened and what it came to, numbers rounded as everywhere on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from glm_local.texts.counted import counted
from glm_local.texts.number_format import amount_text, count_text, deviance_text, ratio_text
from glm_local.texts.short_text import short_hash

Payload = Mapping[str, Any]

SAMPLES = ("train", "validation", "holdout")

STEPS = {"holdout_looked_at": "looked at the holdout", "finish": "finished"}
"""Steps whose event's own name does not say what happened."""


def what_happened(event: Mapping[str, Any]) -> str:
    """The event's name, or its step's in words.

    Examples
    --------
    >>> what_happened({"event": "validated", "step": "holdout_looked_at"}), what_happened({"event": "split"})
    ('looked at the holdout', 'split')
    """
    return STEPS.get(str(event.get("step")), str(event["event"]))


def event_words(event: Mapping[str, Any], payload: Payload) -> str:
    """What an event came to, in one line; "" where its name says it all.

    Examples
    --------
    >>> event_words({"event": "split", "reason": None}, {"train": 1200, "holdout": 300, "nowhere": 0})
    '1,200 train, 300 holdout.'
    >>> line = {"rows": 300, "actual_to_predicted": 0.9999999999999998, "mean_deviance": 4.162362277, "gini": 0.1810}
    >>> event_words({"event": "validated", "reason": None}, {"holdout": line})
    'holdout: 300 rows, A/E 1.000, mean deviance 4.1624, Gini 0.181.'
    """
    if event["reason"] and event["event"] != "validated":
        return str(event["reason"])
    write = _WORDS.get(str(event["event"]))
    said = write(payload) if write is not None else ""
    return f"{said}." if said else str(event["reason"] or "")


def sample_words(name: str, line: Mapping[str, Any]) -> str:
    """Figures of a sample in words.

    Examples
    --------
    >>> sample_words("train", {"rows": 1, "actual_to_predicted": None, "mean_deviance": 0.5, "gini": float("nan")})
    'train: 1 row, A/E –, mean deviance 0.50000, Gini –'
    """
    figures = f"A/E {ratio_text(line['actual_to_predicted'])}, mean deviance {deviance_text(line['mean_deviance'])}"
    return f"{name}: {counted(int(line['rows']))}, {figures}, Gini {ratio_text(line['gini'])}"


def _started(payload: Payload) -> str:
    return f"{payload['command']} on {payload['engine']}" if "command" in payload and "engine" in payload else ""


def _read(payload: Payload) -> str:
    digest = f", SHA-256 {short_hash(payload['sha256'])}" if payload.get("sha256") else ""
    return f"{counted(int(payload['rows']))}{digest}" if payload.get("rows") is not None else digest.lstrip(", ")


def _checked(payload: Payload) -> str:
    rules, broken = len(payload.get("rules", ())), int(payload.get("broken", 0))
    return f"{counted(rules, 'rule')} checked, {'none' if not broken else count_text(broken)} broken"


def _split(payload: Payload) -> str:
    names = [name for name in (*SAMPLES, *payload) if isinstance(payload.get(name), int) and name != "nowhere"]
    parts = [f"{count_text(payload[name])} {name}" for name in dict.fromkeys(names)]
    nowhere = payload.get("nowhere")
    return ", ".join([*parts, *([f"{counted(int(nowhere))} in no sample"] if nowhere else [])])


def _fitted(payload: Payload) -> str:
    parts = [f"{counted(int(payload['rows']))}"] if payload.get("rows") is not None else []
    fitted = (payload.get("coefficients") or {}).get("fitted")
    parts += [counted(int(fitted), "coefficient")] if fitted is not None else []
    parts += [f"deviance {amount_text(payload['deviance'])}"] if payload.get("deviance") is not None else []
    parts += (
        [f"{payload['convergence']} after {counted(int(payload['iterations']), 'iteration')}"]
        if ("convergence" in payload and "iterations" in payload)
        else []
    )
    return ", ".join([*parts, *([f"model {short_hash(payload['model'])}"] if payload.get("model") else [])])


def _validated(payload: Payload) -> str:
    lines = [sample_words(name, payload[name]) for name in (*SAMPLES, *payload) if isinstance(payload.get(name), dict)]
    return "; ".join(dict.fromkeys(lines))


def _saved(payload: Payload) -> str:
    return f"model {short_hash(payload['model'])}" if payload.get("model") else ""


def _verified(payload: Payload) -> str:
    return str(payload.get("verdict") or "")


_WORDS: dict[str, Callable[[Payload], str]] = {
    "started": _started,
    "read": _read,
    "checked": _checked,
    "split": _split,
    "fitted": _fitted,
    "validated": _validated,
    "saved": _saved,
    "verified": _verified,
}
