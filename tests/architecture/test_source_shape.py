"""Files are short and named after the domain; some words are not in them at all."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import PRODUCT, ROOT, own_files, source_files

MOST_LINES = 400
NO_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "base", "manager", "tools"}

FORBIDDEN = {
    "rdd",
    "sparkContext",
    "_sc",
    "_jvm",
    "_jsc",
    "_jdf",
    "SparkContext",
    "pickle",
    "cloudpickle",
    "dill",
    "joblib",
    "_active_spark_context",
    "eval",
    "exec",
    "marshal",
    "shelve",
}
"""Words of code, not of prose: Spark Connect has no RDD and no JVM, and nothing that is read is ever run."""

ALLOWED = {
    (
        "glm_spark/session.py",
        "SparkContext",
    ): "starts the JVM of a local session; never touched once a session is there",
    ("glm_spark/session.py", "_active_spark_context"): "asks whether a session is running, without starting one",
}

TRACES = (
    (
        r"(?<![\w.$}<])/(?:wor" r"k|ro" r"ot|tm" r"p|ho" r"me|Use" r"rs|m" r"nt|o" r"pt|db" r"fs)(?:/|\b)(?=[\w./-]*)",
        "a machine's path",
    ),
    (r"\b(?:index|extra-index)-u" r"rl\b", "a package index"),
)
KNOWN_HOSTS = {"json-schema.org", "www.w3.org", "www.apache.org"}
HOST = re.compile(r"\b(?:https?|ftp|s3a?|abfss?|gs)://([A-Za-z0-9.-]+)")
EXAMPLE_HOSTS = re.compile(r"(?:[\w-]+\.)*(?:example|invalid|test|localhost)(?:\.\w+)?|[\w-]+")
"""Hosts without a dot, and those set aside for examples (RFC 2606)."""


def _source(*packages: str) -> Iterator[tuple[str, str]]:
    """Path and text of the Python files of some packages."""
    for path in source_files(*packages):
        yield path.as_posix(), (ROOT / path).read_text(encoding="utf-8")


def test_a_file_has_at_most_400_lines() -> None:
    lines = {name: len(text.splitlines()) for name, text in _source(*PRODUCT, "notebooks")}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_files_are_named_after_the_domain() -> None:
    parts = {(path, part) for path in source_files(*PRODUCT, "tests") for part in (*path.parts[:-1], path.stem)}
    vague = [str(path) for path, part in parts if NO_NAMES & {part, part.rpartition("_")[2], part.partition("_")[0]}]
    assert vague == []


def test_a_module_begins_with_one_line_that_says_what_it_is() -> None:
    silent = [
        name
        for name, text in _source(*PRODUCT)
        if text.strip() and not (ast.get_docstring(ast.parse(text)) or "").strip()
    ]
    assert silent == []


def _words_of_code(text: str) -> Iterator[tuple[str, int]]:
    """Names, and texts that are a name and nothing else (`getattr(frame, "rdd")`); prose does not count."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.string, token.start[0]
        elif token.type == tokenize.STRING:
            yield token.string.strip("rRbBuUfF\"'"), token.start[0]


def test_no_code_reaches_past_dataframes_or_runs_what_it_reads() -> None:
    found = [
        f"{name}:{line} {word}"
        for name, text in _source(*PRODUCT)
        for word, line in _words_of_code(text)
        if word in FORBIDDEN and (name, word) not in ALLOWED
    ]
    assert found == []


def test_every_exception_to_the_forbidden_words_is_still_needed() -> None:
    used = {(name, word) for name, text in _source(*PRODUCT) for word, _ in _words_of_code(text)}
    assert set(ALLOWED) <= used


def _texts() -> Iterator[tuple[Path, str]]:
    for path in own_files():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_machines_path() -> None:
    found = [
        f"{path}:{text[: match.start()].count(chr(10)) + 1} {what} {match.group()}"
        for path, text in _texts()
        for pattern, what in TRACES
        for match in re.finditer(pattern, text)
    ]
    assert found == []


def test_no_file_names_a_host_beyond_the_known_ones() -> None:
    found = sorted(
        f"{path} {host}"
        for path, text in _texts()
        for host in HOST.findall(text)
        if host not in KNOWN_HOSTS and not EXAMPLE_HOSTS.fullmatch(host)
    )
    assert found == []
