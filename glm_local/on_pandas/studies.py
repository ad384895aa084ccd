"""Studies on this machine: the study of `glm_local.study`, bound to the pandas engine and stores by deltalake."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from glm_local.models.fit_frame import LOCAL_REFERENCES
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.rows.engine import Engine
from glm_local.stores.delta_store import open_store
from glm_local.study.environment import Environment
from glm_local.study.study import Study


class GLMStudy(Study[Any]):
    """The study of this package's engine; see `glm_local.study.study.Study` for what it is given.

    Examples
    --------
    >>> import pandas as pd
    >>> claims, area = [0, 0, 1, 0, 2] * 80, ["A", "A", "A", "B", "B"] * 80
    >>> frame = pd.DataFrame({"policy": range(400), "claims": claims, "area": area})
    >>> study = GLMStudy(frame, target="claims", key="policy")
    >>> study.factor("area").optimize().accept("a higher rate in B")
    FactorBlock('area', accepted)
    >>> done = study.finalize(reason="agreed")
    >>> study.accepted, done.opinion.verdict, list(study.history["event"])[-3:]
    (('area',), 'agrees', ['looked', 'finalized', 'finished'])
    """

    @classmethod
    def _open_environment(cls, engine: Engine[Any] | None) -> Environment[Any]:
        return Environment(
            engine if engine is not None else PandasEngine(), LOCAL_REFERENCES, "statsmodels", open_store, source_of
        )


def source_of(frame: Any) -> Mapping[str, Any]:
    """What identifies the files a frame was named by; nothing for rows in hand."""
    if not isinstance(frame, str | PathLike):
        return {}
    from glm_local.job.data_fingerprint import data_fingerprint
    from glm_local.job.data_sources import DataSource

    source = DataSource("path", str(Path(frame)))
    found: dict[str, Any] = {"source": source.name, "fingerprint": str(data_fingerprint(source))}
    if source.known_format == "delta":
        from deltalake import DeltaTable

        found["delta_version"] = DeltaTable(source.path).version()
    return found
