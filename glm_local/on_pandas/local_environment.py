"""A job's environment on one machine: pandas rows, Delta tables by deltalake, statsmodels as second opinion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.expression import Expression
from glm_local.job.data_fingerprint import data_fingerprint
from glm_local.job.data_sources import DataSource, column_kinds, read_rows
from glm_local.job.job_environment import JobEnvironment
from glm_local.models.fit_frame import LOCAL_REFERENCES
from glm_local.pandas_rows.frames import no_order
from glm_local.pandas_rows.pandas_columns import FrameColumns
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.stores.delta_store import open_store


def local_environment() -> JobEnvironment[pd.DataFrame]:
    """Everything a job needs on this machine."""
    return JobEnvironment(
        engine=PandasEngine(),
        columns=column_kinds,
        read=_read,
        numbered=_numbered,
        keep=_keep,
        fingerprint=data_fingerprint,
        open_store=open_store,
        references=LOCAL_REFERENCES,
        reference="statsmodels",
    )


def _read(source: DataSource, columns: Sequence[str]) -> pd.DataFrame:
    return read_rows(source, columns)


def _numbered(source: DataSource, columns: Sequence[str], name: str) -> pd.DataFrame:
    if source.kind == "path" and source.known_format == "delta":
        raise no_order(f"{source.name} is a Delta table, which")
    return PandasEngine().numbered(_read(source, columns), name)


def _keep(frame: pd.DataFrame, flag: Expression) -> pd.DataFrame:
    kept = evaluate(flag, FrameColumns(frame)).data.astype(np.bool_)
    return frame if kept.all() else frame[kept]
