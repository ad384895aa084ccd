"""No public name of either package takes a word, a flag, a number or an argument it does not know."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest

import glm_local
from glm_local import fit_glm
from glm_local.errors import ArgumentError
from tests.public_arguments import (
    closed_of,
    needed_by_name,
    problems_of,
    public_callables,
    takes_any_name,
    wrong_values,
)

PACKAGES = [glm_local]
if find_spec("pyspark"):
    import glm_spark

    PACKAGES.append(glm_spark)

EVERY = {f"{one.__name__}.{name}": function for one in PACKAGES for name, function in public_callables(one).items()}
CLOSED = {(name, parameter): values for name, one in EVERY.items() for parameter, values in closed_of(one).items()}


@pytest.mark.parametrize("name", [name for name, one in EVERY.items() if not takes_any_name(one)])
def test_an_argument_nobody_knows_is_told_with_what_there_is(name: str) -> None:
    assert "/no_such_argument" in problems_of(EVERY[name], no_such_argument=1)


@pytest.mark.parametrize(("name", "parameter"), CLOSED, ids=[" ".join(one) for one in CLOSED])
def test_an_argument_takes_only_what_its_annotation_says(name: str, parameter: str) -> None:
    for wrong in wrong_values(CLOSED[name, parameter]):
        assert f"/{parameter}" in problems_of(EVERY[name], **{parameter: wrong}), wrong


@pytest.mark.parametrize("name", [name for name, one in EVERY.items() if needed_by_name(one)])
def test_an_argument_that_is_needed_is_named(name: str) -> None:
    function: Callable[..., Any] = EVERY[name]
    needed = needed_by_name(function)
    with pytest.raises(glm_local.ConfigError) as told:
        function(
            *[
                object()
                for one in inspect.signature(function).parameters.values()
                if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and one.default is inspect.Parameter.empty
            ]
        )
    assert {f"/{one}" for one in needed} == {one.path for one in told.value.problems}


def test_the_walk_reaches_what_users_call() -> None:
    parameters = {f"{name} {parameter}" for name, parameter in CLOSED}
    assert {
        "glm_local.fit_glm dispersion",
        "glm_local.Model.predict kind",
        "glm_local.GLMStudy.auto_design rounds",
        "glm_local.FactorBlock.bin_table sample",
        "glm_local.BinningRules.__init__ trend",
        "glm_local.lift bands",
        "glm_local.GLMStudy.finalize verify",
        "glm_local.stratified_sample seed",
        "glm_local.RateGLM.__init__ folds",
    } <= parameters
    assert len(CLOSED) > 100


@pytest.mark.parametrize("engine", ["pandas", 1, pd.DataFrame])
def test_what_is_no_engine_is_told_with_the_way_to_one(engine: Any) -> None:
    rows = pd.DataFrame({"y": [1, 2, 3], "a": ["p", "q", "p"]})
    with pytest.raises(ArgumentError, match=r"An engine is an object that reads tables.*open_engine"):
        fit_glm(rows, target="y", factors=[], engine=engine)
