from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

import glm_local
from glm_local import BinningRules, GlmError, Model, fit_glm
from glm_local.arguments.checked import arguments_checked
from glm_local.arguments.closed_words import closed_parameters

ROWS = pd.DataFrame({"y": [1, 2, 3, 4], "x": [0.1, 0.5, 0.2, 0.9], "years": [1.0, 2.0, 3.0, 4.0]})
X = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}


@pytest.fixture(scope="module")
def model() -> Model[Any]:
    return fit_glm(ROWS, target="y", factors=[X], exposure="years")


@pytest.mark.parametrize("kind", ["Mean", "response", "frequency", "RATE", "", None, True])
def test_a_word_that_is_no_kind_of_score_gives_no_score(model: Model[Any], kind: Any) -> None:
    for ask in (
        lambda: model.predict(ROWS, kind),
        lambda: model.predict({"x": 0.1, "years": 1.0}, kind),
        lambda: model.to_sql("duckdb", kind),
        lambda: model.expression(kind),
    ):
        with pytest.raises(GlmError, match=r"kind is .*one of 'mean', 'rate', 'link'"):
            ask()


def test_the_nearest_word_is_named(model: Model[Any]) -> None:
    with pytest.raises(GlmError, match="Nearest: 'mean'"):
        model.predict(ROWS, "Mean")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("on_failure", "raise"),
        ("on_separation", "raise"),
        ("intercept", "no"),
        ("intercept", 1),
        ("dispersion", "foo"),
        ("dispersion", "Pearson"),
        ("solver", "cell"),
        ("on_failure", None),
    ],
)
def test_a_fit_takes_only_words_it_knows(name: str, value: Any) -> None:
    with pytest.raises(GlmError, match=name):
        fit_glm(ROWS, target="y", factors=[X], **{name: value})


def test_numpy_booleans_are_booleans() -> None:
    model = fit_glm(ROWS, target="y", factors=[X], intercept=np.True_)  # type: ignore[arg-type]
    assert model.document.spec.intercept is True


def test_all_wrong_words_are_told_at_once() -> None:
    with pytest.raises(GlmError) as told:
        fit_glm(ROWS, target="y", factors=[X], on_failure="raise", dispersion="foo")  # type: ignore[arg-type]
    assert {problem.path for problem in told.value.problems} == {"/on_failure", "/dispersion"}


def test_only_closed_sets_are_checked() -> None:
    @arguments_checked
    def ask(one: Literal["a"] | None, two: Literal["a"] | str, three: bool = False) -> None: ...

    ask(None, "anything")
    with pytest.raises(GlmError, match="three is 0"):
        ask("a", "b", 0)  # type: ignore[arg-type]
    assert closed_parameters(ask.__annotations__, globals()) == {
        "one": ("a", None),
        "two": ("a", str),
        "three": (True, False),
    }


@pytest.mark.parametrize("named", [{"method": "Hash"}, {"method": "hsah"}])
def test_a_split_takes_only_methods_it_knows(named: dict[str, Any]) -> None:
    with pytest.raises(GlmError, match="hash"):
        glm_local.read_split(named)


def test_binning_takes_only_trends_it_knows() -> None:
    with pytest.raises(GlmError, match="trend"):
        BinningRules(trend="upwards")  # type: ignore[arg-type]
