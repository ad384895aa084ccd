"""Studies on Spark: the study of `glm_local.study`, bound to the Spark engine and stores by Spark."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from pyspark.sql import SparkSession

from glm_local.audit.store import Store
from glm_local.on_pandas.studies import GLMStudy as LocalStudy
from glm_local.rows.engine import Engine
from glm_local.stores.delta_store import open_store as open_local_store
from glm_local.study.environment import Environment
from glm_spark.delta_store import open_store
from glm_spark.fitting import spark_references
from glm_spark.job_environment import has_delta
from glm_spark.spark_engine import SparkEngine


class GLMStudy(LocalStudy):
    """The study of this package's engine; see `glm_local.study.study.Study` for what it is given."""

    @classmethod
    def _open_environment(cls, engine: Engine[Any] | None) -> Environment[Any]:
        used = engine if isinstance(engine, SparkEngine) else SparkEngine()
        return Environment(
            used,
            spark_references(used),
            "spark_ml",
            lambda location: _store(used.spark, location),
            _source,
            {"spark": str(used.spark.version)},
        )


def _store(spark: SparkSession, location: str) -> Store:
    """Delta through Spark where the session has it, else the same tables through deltalake."""
    return open_store(spark, location) if has_delta(spark) else open_local_store(location)


def _source(frame: Any) -> Mapping[str, Any]:
    """What identifies the files a frame was named by; nothing for a DataFrame in hand."""
    if not isinstance(frame, str | PathLike):
        return {}
    from glm_local.job.data_sources import DataSource
    from glm_spark.job_environment import spark_environment

    source = DataSource("path", str(frame))
    return {"source": source.name, "fingerprint": str(spark_environment().fingerprint(source))}
