"""A study's history and versions as tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from glm_local.study.events import StudyEvent
from glm_local.study.state import StudyState

HISTORY = ("seq", "at", "by_user", "event", "factor", "reason", "study", "run_id")
VERSIONS = (
    "version",
    "event",
    "factor",
    "reason",
    "by_user",
    "at",
    "factors",
    "parameters",
    "train_deviance",
    "train_mean_deviance",
    "cv_mean_deviance",
    "validation_deviance",
    "validation_mean_deviance",
    "aic",
    "fingerprint",
    "design",
    "dispersion_by_row",
    "dispersion_by_key",
)


def history_table(events: Sequence[StudyEvent]) -> pd.DataFrame:
    """One line per event."""
    lines = [(one.seq, one.at, one.by_user, one.kind, one.factor, one.reason, one.study, one.run_id) for one in events]
    return pd.DataFrame(lines, columns=list(HISTORY))


def versions_table(state: StudyState) -> pd.DataFrame:
    """One line per design a decision led to."""
    lines = [{**one, "factors": ", ".join(one["factors"])} for one in state.versions]
    return pd.DataFrame(lines, columns=list(VERSIONS))
