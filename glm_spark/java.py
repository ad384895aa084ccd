"""The Java side of a local session: is there one, starting it, and what it said when it would not start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from glm_local.errors import EngineError, GlmError

OLDEST_JAVA = 17
KEPT_LINES = 400


def java_version() -> int | None:
    """Major version of the Java that Spark would start, None when there is none."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not found:
        return None
    try:
        told = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(match.group(1)) if match else None


def require_java() -> None:
    """Check that Spark can start.

    Raises
    ------
    EngineError
        There is no Java, or one older than 17.
    """
    version = java_version()
    if version is None or version < OLDEST_JAVA:
        raise EngineError.because(
            "No Java was found." if version is None else f"Java {version} was found.",
            f"Spark 4 needs Java {OLDEST_JAVA} or newer.",
            "Install it (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; conda: conda install openjdk=17) "
            "or point JAVA_HOME at one; glm_local needs no Java.",
        )


@contextmanager
def started_gateway(conf: Mapping[str, str]) -> Iterator[Any]:
    """Start the JVM with these settings; PySpark's gateway to it, for building the context inside the block.

    What the JVM writes to its standard error until the block ends is kept back, and told only when it fails; later
    lines go to ours.

    Raises
    ------
    EngineError
        It would not start: a package that cannot be had, or what it said last.
    """
    from pyspark import SparkConf
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    reading, writing = os.pipe()
    listener = _Listener(os.fdopen(reading, "r", errors="replace"))
    try:
        settings = SparkConf(loadDefaults=False).setAll(list(conf.items()))
        gateway = launch_gateway(settings, {"stderr": writing})  # type: ignore[no-untyped-call]
    except PySparkRuntimeError:
        raise not_started(listener.said(closing=writing), conf.get("spark.jars.packages", "")) from None
    os.close(writing)
    yield gateway
    listener.pass_on()


def not_started(said: str, packages: str) -> GlmError:
    """Turn what a failed JVM said into one error."""
    if "unresolved dependency" in said.lower() or "UNRESOLVED DEPENDENCIES" in said:
        return EngineError.because(
            f"The jars of {packages} could not be fetched.",
            "Delta tables on Spark need them once, from Maven Central, a mirror or the local cache.",
            f"On a machine with network run: spark-shell --packages {packages} ; or give the files as spark.jars, "
            "or use the local store (glm_local), which needs none.",
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|exception|unable|invalid|not enough", line, re.IGNORECASE)]
    cause = (telling or lines or ["it said nothing"])[0]
    return EngineError.because(
        f"Java did not start Spark: {cause}", "A local session starts one JVM.", "Check JAVA_HOME and spark.* settings."
    )


class _Listener:
    """Reads a stream in a thread: keeps the last lines, and copies them to our own stderr once told to."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._passing = False
        self._thread = threading.Thread(target=self._read, daemon=True, name="spark-stderr")
        self._thread.start()

    def said(self, closing: int) -> str:
        """Everything kept, after our end of the pipe is closed and the stream ends (or two seconds)."""
        os.close(closing)
        self._thread.join(timeout=2)
        return "".join(self._lines)

    def pass_on(self) -> None:
        self._lines.clear()
        self._passing = True

    def _read(self) -> None:
        for line in self._stream:
            if self._passing:
                os.write(2, line.encode(errors="replace"))
            else:
                self._lines.append(line)
