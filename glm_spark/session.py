"""The Spark session: the active one as it is, or a local one set up for this project."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, cast

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import EngineError
from glm_spark.java import require_java, started_gateway
from glm_spark.spark_errors import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL_SETTINGS = {
    # Otherwise what the parser learns of expressions is kept for good, and fills a driver that gets many large ones.
    "spark.sql.parser.manageParserCaches": "true",
    "spark.sql.parser.parserDfaCacheFlushThreshold": "20000",
    "spark.master": "local[*]",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.pythonUDF.arrow.enabled": "true",
    "spark.sql.debug.maxToStringFields": "100",
    # Over TCP every task waits some 40 ms for a delayed acknowledgement.
    "spark.python.unix.domain.socket.enabled": "true" if os.name == "posix" else "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "FATAL",
}
DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A session of one machine reads logs of a few files; fifty tasks for that take seconds.
    "spark.databricks.delta.snapshotPartitions": "2",
}


@arguments_checked
def spark_session(app_name: str = "glm-spark", delta: bool = True, **conf: str) -> SparkSession:
    """Return the active session if there is one, else a local one.

    An active session is never reconfigured. A local one runs in UTC with ANSI SQL and Arrow on and the UI off, its
    Python workers use this interpreter, and its logs are silent (errors are told by Python).

    Parameters
    ----------
    app_name
        Name of a new session.
    delta
        Set up Delta Lake: by ``spark.jars`` when given, else by delta-spark's own coordinates, which Spark resolves
        from the local Maven or Ivy cache or from Maven Central (33 files once).
    **conf
        Further Spark settings, which win: ``spark_session("study", **{"spark.master": "local[2]"})``.

    Raises
    ------
    EngineError
        No PySpark, no Java 17 or newer, or jars that cannot be had.
    """
    silence_loggers()
    active = active_session()
    if active is not None:
        return active
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if on_databricks() or "spark.remote" in conf or "SPARK_REMOTE" in os.environ:
        return _built(app_name, conf)
    local = dict(LOCAL_SETTINGS)
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        # spark-submit has started the JVM: master and jars were decided there.
        del local["spark.master"]
        return _built(app_name, local | (DELTA_SETTINGS if delta and _submitted_with_delta() else {}) | conf)
    require_java()
    settings = local | (delta_settings(conf) if delta else {}) | conf
    jars = "; jars that are not in its cache are fetched first" if settings.get("spark.jars.packages") else ""
    sys.stderr.write(f"Starting Spark on this machine{jars} …\n")
    with started_gateway(settings | {"spark.app.name": app_name}) as gateway:
        _start_context(gateway, app_name, settings)
        return _built(app_name, settings)


def active_session() -> SparkSession | None:
    """Return the running session, classic or Connect, without starting or changing one.

    Raises
    ------
    EngineError
        PySpark is not installed.
    """
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError.because(
            "PySpark is not installed.", "glm_spark runs on Spark.", "Run: pip install 'glm-spark[spark]'"
        ) from error
    connect = sys.modules.get("pyspark.sql.connect.session")
    remote = connect.SparkSession.getActiveSession() if connect is not None else None
    if remote is not None:
        return cast("SparkSession", remote)
    if getattr(SparkContext, "_active_spark_context", None) is None:
        return None
    return SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()


def is_connect(spark: object) -> bool:
    """Tell whether a session (or frame) speaks Spark Connect: no JVM, no SparkContext on this side."""
    return ".connect." in f".{type(spark).__module__}."


def on_databricks() -> bool:
    """Tell whether this is a Databricks runtime, where jars, catalog and Python are set up already."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def delta_packages() -> str:
    """Maven coordinates of Delta Lake for the installed PySpark and delta-spark.

    Raises
    ------
    EngineError
        delta-spark is not installed.

    Examples
    --------
    >>> delta_packages()
    'io.delta:delta-spark_4.2_2.13:4.4.0'
    """
    try:
        spark, delta = metadata.version("pyspark"), metadata.version("delta-spark")
    except metadata.PackageNotFoundError as error:
        raise EngineError.because(
            f"{error.name} is not installed.", "Delta on Spark needs it.", "Run: pip install 'glm-spark[spark]'"
        ) from error
    return f"io.delta:delta-spark_{'.'.join(spark.split('.')[:2])}_2.13:{delta}"


def delta_settings(conf: Mapping[str, str]) -> dict[str, str]:
    """Settings that switch Delta Lake on: by the jars in `conf` when it names any, else by coordinates."""
    if "delta-spark" in conf.get("spark.jars", ""):
        return dict(DELTA_SETTINGS)
    more = conf.get("spark.jars.packages", "")
    packages = more if "io.delta:delta-spark" in more else ",".join(filter(None, (delta_packages(), more)))
    return DELTA_SETTINGS | {"spark.jars.packages": packages}


def silence_loggers() -> None:
    """Keep PySpark's JSON log of failed queries away: errors are told once, in one line."""
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "py4j"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _built(app_name: str, settings: Mapping[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    with explained():
        return builder.getOrCreate()


def _start_context(gateway: object, app_name: str, settings: Mapping[str, str]) -> None:
    from pyspark import SparkConf, SparkContext

    conf = SparkConf().setAll(list(settings.items())).setAppName(app_name)
    with explained():
        SparkContext(conf=conf, gateway=cast("Any", gateway))


def _submitted_with_delta() -> bool:
    from pyspark import SparkConf, SparkContext

    # What spark-submit was given is known to its JVM: a conf made before the gateway is there is empty.
    SparkContext._ensure_initialized()
    conf = SparkConf()
    return any("delta-spark" in (conf.get(key, "") or "") for key in ("spark.jars", "spark.jars.packages"))
