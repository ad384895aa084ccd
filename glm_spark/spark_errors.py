"""Spark's errors in one line of cause: no Java trace ever reaches the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import glm_local.errors as house
from glm_local.errors import DataError, EngineError, GlmError

LONGEST_CAUSE = 300
DATA_CONDITIONS = (
    "UNRESOLVED_COLUMN",
    "TABLE_OR_VIEW_NOT_FOUND",
    "PATH_NOT_FOUND",
    "AMBIGUOUS_REFERENCE",
    "DATATYPE_MISMATCH",
    "CAST_INVALID_INPUT",
    "DIVIDE_BY_ZERO",
    "ARITHMETIC_OVERFLOW",
    "NUMERIC_VALUE_OUT_OF_RANGE",
    "FIELD_NOT_FOUND",
    "CANNOT_PARSE",
    "FAILED_READ_FILE",
    "UNABLE_TO_INFER_SCHEMA",
)


@contextmanager
def explained(way_out: str = "") -> Iterator[None]:
    """Run Spark calls; whatever Spark raises leaves as a `GlmError` with one line of cause.

    Parameters
    ----------
    way_out
        What to do about it, when the caller knows better than the error.
    """
    try:
        yield
    except GlmError:
        raise
    except Exception as error:
        told = explanation(error, way_out)
        if told is None:
            raise
        raise told from None


def explanation(error: BaseException, way_out: str = "") -> GlmError | None:
    """Return the house's error for one of Spark's, None when it is not Spark's.

    Errors of ours that were raised inside a Python worker come back as what they were.
    """
    module = type(error).__module__.split(".")[0]
    if module not in ("pyspark", "py4j", "grpc", "delta"):
        return None
    text = _full_text(error)
    ours = _raised_in_worker(text)
    if ours is not None:
        return ours
    condition = str(getattr(error, "getCondition", lambda: None)() or _condition_in(text))
    if "SERVERLESS" in condition or "NOT_SUPPORTED_WITH_SERVERLESS" in text:
        return caching_refused(_cause(text))
    if any(condition.startswith(known) for known in DATA_CONDITIONS):
        return DataError.because(
            f"Spark cannot read these rows: {_cause(text)}",
            "Every column named must exist and hold what the spec says.",
            way_out or "Check the table against the spec.",
        )
    return EngineError.because(
        f"Spark failed: {_cause(text)}",
        "A Spark job must run to its end.",
        way_out or "Check the cluster's state and its log; the rows are as they were.",
    )


def caching_refused(cause: str) -> GlmError:
    """Return the error of a cluster that does not cache."""
    return EngineError.because(
        f"The packed copy of the rows could not be cached: {cause}",
        "A fit reads its packed copy many times.",
        'Use SparkEngine(materialise="table", scratch="catalog.schema"): it is then kept in a scratch table.',
    )


def _full_text(error: BaseException) -> str:
    java = getattr(error, "java_exception", None)
    if java is not None:
        return _java_causes(java)
    message = getattr(error, "getMessage", None)
    return str(message() if callable(message) else error) or str(error)


def _java_causes(java: object) -> str:
    said: list[str] = []
    # The root cause comes last and tells most; a chain of wrappers says the same in longer words.
    while java is not None and len(said) < 20:
        said.insert(0, str(java.toString()))  # type: ignore[attr-defined]
        java = java.getCause()  # type: ignore[attr-defined]
    return "\n".join(said)


def _raised_in_worker(text: str) -> GlmError | None:
    match = re.search(r"glm_local\.errors\.(\w+): (.+)", text)
    if match is None:
        return None
    kind = getattr(house, match.group(1), EngineError)
    found = match.group(2).strip()
    return kind.because(found, "", "") if isinstance(kind, type) and issubclass(kind, GlmError) else None


def _condition_in(text: str) -> str:
    match = re.search(r"\[([A-Z0-9_.]+)\]", text)
    return match.group(1) if match else ""


def _cause(text: str) -> str:
    python = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception)): (.+)$", text, flags=re.MULTILINE)
    if "Traceback (most recent call last)" in text and python:
        line = ": ".join(python[-1])
    else:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        line = lines[0] if lines else "no reason given"
        line = re.sub(r"^(?:[a-z]\w*\.)+[A-Z]\w*: ", "", line)
    line = re.sub(r"\s*SQLSTATE: \w+", "", line)
    return line if len(line) <= LONGEST_CAUSE else line[: LONGEST_CAUSE - 1] + "…"
