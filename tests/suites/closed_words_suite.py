"""Every closed set of words that a job's file, a factor, a split or an option takes, found by walking their records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from glm_local.expressions.expression import FunctionName
from glm_local.expressions.expression_document import ARITHMETIC, COMPARISONS
from glm_local.factors.factor_spec import SPEC_OF_KIND
from glm_local.families.families import FAMILY_NAMES
from glm_local.families.links import LINK_NAMES
from glm_local.job.config import JobConfig
from glm_local.job.study_config import StudyConfig
from glm_local.job.study_rules import PENALTIES
from glm_local.validation.split_document import FIELDS

JOB: dict[str, Any] = {
    "job": {"name": "a"},
    "data": {"path": "rows.parquet"},
    "roles": {"target": "y", "key": "id"},
    "split": {"method": "hash"},
    "model": {"family": "poisson"},
    "factors": [],
}
STUDY: dict[str, Any] = {**{name: one for name, one in JOB.items() if name != "factors"}, "study": {}}

FACTORS: dict[str, dict[str, Any]] = {
    "numeric": {"column": "x", "edges": [1, 2], "missing": "base"},
    "categorical": {"column": "x", "missing": "base", "unseen": "base"},
    "ordinal": {"column": "x", "missing": "base", "unseen": "base"},
    "linear": {"column": "x", "missing": "mean"},
    "interaction": {"factors": ["a", "b"], "unseen": "base"},
}
SPLITS: dict[str, dict[str, Any]] = {
    "hash": {"key": "id"},
    "time": {"column": "x"},
    "column": {"column": "x", "values": {"train": ["a"]}},
    "none": {},
}


def near(word: str) -> str:
    """A slip of the pen: two letters of the middle swapped, or one too many."""
    if word.startswith("--"):
        return f"--{near(word[2:])}"
    at = len(word) // 2
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return swapped if len(word) > 4 and swapped != word else word + word[-1]


def words_of(hint: Any) -> list[str]:
    """Words an annotation allows, wherever they stand in it (but not inside records)."""
    if get_origin(hint) is Literal:
        return [one for one in get_args(hint) if isinstance(one, str)]
    if get_origin(hint) in (Union, UnionType):
        return [word for part in get_args(hint) for word in words_of(part)]
    return []


def fields_of(record: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Path and words of every field of a record and of the records in it."""
    for name, field in record.model_fields.items():
        words = words_of(field.annotation)
        if words:
            yield (*path, name), words
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields_of(part, (*path, name))


def tables_of(record: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Path and keys of every table of a file."""
    yield path, list(record.model_fields)
    for name, field in record.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from tables_of(part, (*path, name))


def put(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A deep copy with one value more."""
    copied = json.loads(json.dumps(document))
    inner: Any = copied
    for step in path[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    inner[path[-1]] = value
    return copied


OTHER_OPERATORS = (
    "power",
    "clip",
    "if_missing",
    "is_missing",
    "all_of",
    "any_of",
    "not",
    "when",
    "bin",
    "map",
    "hash_bucket",
)

Wrong = tuple[str, dict[str, Any], str, str]
"""Where, the document of a file, the wrong word, the right one."""


def wrong_words() -> Iterator[Wrong]:
    """Every closed set in a job's and a study's file, each with one of its words misspelt."""
    for name, base, record in (("job", JOB, JobConfig), ("study", STUDY, StudyConfig)):
        for path, words in fields_of(record):
            for word in words:
                yield f"{name} {'.'.join(path)} {word}", put(base, path, near(word)), near(word), word
        for path, keys in tables_of(record):
            for key in keys:
                if len(key) > 1:
                    where = f"{name} key {'.'.join((*path, key))}"
                    yield where, put(base, (*path, near(key)), 1), near(key), key
    yield from _wrong_open_words()
    yield from _wrong_factors()
    yield from _wrong_splits()


def _wrong_open_words() -> Iterator[Wrong]:
    for family in FAMILY_NAMES:
        yield (
            f"family {family}",
            put(JOB, ("model", "family"), near(family)),
            near(family),
            {"tweedie": "tweedie(1.5)", "negative_binomial": "negative_binomial(2.5)"}.get(family, family),
        )
    for link in LINK_NAMES:
        yield f"link {link}", put(JOB, ("model", "link"), near(link)), near(link), link
    for field, words in {
        "size": ("one_standard_error", "cross_validated", "bic"),
        "missing": ("own_level", "base"),
        "unseen": ("own_level", "base"),
    }.items():
        for word in words:
            yield f"binning {field} {word}", put(STUDY, ("study", "binning", field), near(word)), near(word), word
    for name in PENALTIES:
        found = put(STUDY, ("study", "binning", "penalties"), {near(name): {}})
        yield f"penalty {name}", found, near(name), name
    yield "candidates all", put(STUDY, ("study", "candidates"), near("all")), near("all"), "all"
    for operator in (*ARITHMETIC, *COMPARISONS, *get_args(FunctionName), *OTHER_OPERATORS):
        found = put(JOB, ("data", "where"), {near(operator): ["x", 1]})
        yield f"expression {operator}", found, near(operator), operator


def _wrong_factors() -> Iterator[Wrong]:
    for kind, fields in FACTORS.items():
        good = {"kind": kind, "name": "f", **fields}
        wrong = {**good, "kind": near(kind)}
        yield f"factor kind {kind}", put(JOB, ("factors",), [wrong]), near(kind), kind
        for name, field in SPEC_OF_KIND[kind].model_fields.items():
            if name in ("kind", "version", "learned"):
                continue
            more = ["own_level", "base", "refuse"] if name in ("missing", "unseen", "below", "above") else []
            more = ["refuse", "mean"] if (kind, name) == ("linear", "missing") else more
            more = ["base", "refuse"] if (kind, name) == ("interaction", "unseen") else more
            for word in dict.fromkeys([*words_of(field.annotation), *more]):
                wrong = {**good, name: near(word)}
                yield f"{kind} {name} {word}", put(JOB, ("factors",), [wrong]), near(word), word
            yield f"{kind} key {name}", put(JOB, ("factors",), [{**good, near(name): 1}]), near(name), name
    for method in ("quantile", "uniform"):
        wrong = {"kind": "numeric", "name": "f", **FACTORS["numeric"], "edges": {"method": near(method), "bins": 4}}
        yield f"edges {method}", put(JOB, ("factors",), [wrong]), near(method), method


def _wrong_splits() -> Iterator[Wrong]:
    for method, fields in FIELDS.items():
        yield f"split method {method}", put(JOB, ("split", "method"), near(method)), near(method), method
        good = {"method": method, **SPLITS.get(method, {"key": "id"})}
        for field in fields:
            yield f"split {method} key {field}", put(JOB, ("split",), {**good, near(field): 1}), near(field), field
        for word in ("error", "warn") if "on_unlike" in fields else ():
            wrong = {**good, "on_unlike": near(word)}
            yield f"split {method} on_unlike {word}", put(JOB, ("split",), wrong), near(word), word


def toml_text(document: dict[str, Any]) -> str:
    """A document as TOML: every value of the outer table inline."""
    return "".join(f"{json.dumps(name)} = {_inline(value)}\n" for name, value in document.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_inline(one)}" for name, one in value.items()) + " }"
    return "[" + ", ".join(map(_inline, value)) + "]" if isinstance(value, list) else json.dumps(value)
