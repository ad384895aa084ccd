"""The package you import is the engine you get: one list of names, one signature each."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import glm_local
from glm_local.rows.engine import Engine

pytest.importorskip("pyspark", reason="PySpark is not installed")

import glm_spark
from glm_spark import SparkEngine

COUNTERPARTS = {"PandasEngine": "SparkEngine"}
"""Names that say the engine; each has its counterpart on the other side."""
ONLY_SPARK = {"SparkEngine", "spark_session", "spark_references"}
VERBS = tuple(name for name, one in vars(Engine).items() if not name.startswith("_") and callable(one))


def _parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


def _methods(bound: type) -> dict[str, Any]:
    public = {name: getattr(bound, name) for name in dir(bound) if not name.startswith("_")} | {"()": bound}
    return {name: _parameters(one) if callable(one) else type(one) for name, one in public.items()}


@pytest.mark.parametrize("name", sorted(set(glm_local.__all__) - set(COUNTERPARTS)))
def test_a_public_name_of_local_is_one_of_spark_with_the_same_signature(name: str) -> None:
    assert name in glm_spark.__all__
    here, there = getattr(glm_local, name), getattr(glm_spark, name)
    if inspect.isclass(here) and here is not there:
        assert _methods(here) == _methods(there)  # bound to the package's engine
    elif inspect.isclass(here):
        assert here.__module__.startswith("glm_local")
    else:
        assert _parameters(here) == _parameters(there)
        assert inspect.getdoc(there)


def test_spark_adds_only_what_a_cluster_has() -> None:
    assert set(glm_spark.__all__) - set(glm_local.__all__) == ONLY_SPARK
    assert set(COUNTERPARTS.values()) <= ONLY_SPARK


@pytest.mark.parametrize("package", [glm_local, glm_spark], ids=["local", "spark"])
def test_public_names_exist_and_are_listed_once(package: Any) -> None:
    assert len(set(package.__all__)) == len(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fit_gml'"):
        package.fit_gml  # noqa: B018


@pytest.mark.parametrize("verb", VERBS)
def test_both_engines_have_the_verbs_of_the_contract_as_it_states_them(verb: str) -> None:
    stated = _parameters(getattr(Engine, verb))
    for engine in (glm_local.PandasEngine, SparkEngine):
        assert _parameters(getattr(engine, verb)) == stated, engine


def test_the_engines_have_no_public_verb_of_their_own() -> None:
    for engine in (glm_local.PandasEngine, SparkEngine):
        assert {one for one in vars(engine) if not one.startswith("_")} == {*VERBS, "name"}, engine
