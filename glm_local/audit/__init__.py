"""The audit: tables, hash chain, seals, the run log; and the auditor's questions, answered from any store."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glm_local.audit.anchors import Anchor, anchor, read_anchors
    from glm_local.audit.questions import (
        RunRecord,
        history,
        holdout_looks,
        reproduce,
        show,
        what_changed,
        who_decided,
        why_is_it_in,
    )
    from glm_local.audit.resealed import Resealed, reseal
    from glm_local.audit.verify_audit import VerifyReport, verify

__all__ = [
    "Anchor",
    "Resealed",
    "RunRecord",
    "VerifyReport",
    "anchor",
    "history",
    "holdout_looks",
    "read_anchors",
    "reproduce",
    "reseal",
    "show",
    "verify",
    "what_changed",
    "who_decided",
    "why_is_it_in",
]

_HOMES = {
    **dict.fromkeys(("Anchor", "anchor", "read_anchors"), "anchors"),
    **dict.fromkeys(("Resealed", "reseal"), "resealed"),
    **dict.fromkeys(("VerifyReport", "verify"), "verify_audit"),
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'questions')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
