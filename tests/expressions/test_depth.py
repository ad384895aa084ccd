"""One limit for everything that is nested, told before anything walks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import GlmError, fit_glm, load_model, read_factors
from glm_local.cli.commands import run_app
from glm_local.expressions.depth import DEEPEST_ASKED
from glm_local.expressions.expression_json import expression_from_json

ROWS = pd.DataFrame({"x": np.linspace(0, 1, 40), "y": np.arange(40) % 3 + 1})
X = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}


def nested(depth: int) -> Any:
    document: Any = "x"
    for _ in range(depth):
        document = {"abs": document}
    return document


def in_itself() -> dict[str, Any]:
    document: dict[str, Any] = {}
    document["abs"] = document
    return document


ASKS: dict[str, Callable[[Any], object]] = {
    "an expression": expression_from_json,
    "a target": lambda document: fit_glm(ROWS, target=document, factors=[X]),
    "a factor's expression": lambda document: fit_glm(
        ROWS, target="y", factors=[{**X, "column": None, "expression": document}]
    ),
    "a factor": lambda document: read_factors([document]),
    "edges": lambda document: read_factors(
        [{"kind": "numeric", "name": "x", "column": "x", "edges": [document], "missing": "base"}]
    ),
    "a filter": lambda document: fit_glm(ROWS, target="y", factors=[X], where={"greater": [document, 0]}),
    "a model": load_model,
}


@pytest.mark.parametrize("depth", [150, 1_000, 20_000, None])
@pytest.mark.parametrize("ask", ASKS)
def test_what_is_nested_too_deep_is_told_and_what_holds_itself(ask: str, depth: int | None) -> None:
    with pytest.raises(GlmError, match="nested deeper than") as told:
        ASKS[ask](in_itself() if depth is None else nested(depth))
    assert all(one.found and one.rule and one.way_out for one in told.value.problems)


def test_what_the_limit_allows_is_fitted_saved_and_read_again(tmp_path: Path) -> None:
    deep = {"kind": "linear", "name": "x", "expression": nested(DEEPEST_ASKED - 2), "missing": "refuse"}
    model = fit_glm(ROWS, target="y", factors=[deep], where="not " * 70 + "x < 2")
    assert load_model(model.save(tmp_path / "model.json")).predict({"x": 0.5}) == model.predict({"x": 0.5})
    assert "ABS" in model.to_sql("duckdb").upper()


def test_a_sum_of_many_parts_is_not_deep() -> None:
    total = {"add": ["y", *[{"multiply": ["x", 0.001]}] * 2_000]}
    model = fit_glm(ROWS, target=total, factors=[], family="gaussian")
    assert model.predict({}) == pytest.approx((ROWS.y + 2 * ROWS.x).mean())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "a" + ".a" * 5_000 + "=1"],
        ["--set", "job.seed=" + "[" * 5_000 + "]" * 5_000],
        ["--set", "factors.².name=z"],
        ["--set", "factors.٣.name=z"],
    ],
)
def test_a_command_line_nested_too_deep_is_bad_configuration(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / "job.toml"
    conf.write_text('[job]\nname = "a"\n[[factors]]\nname = "x"\n')
    assert run_app(["validate", str(conf), *arguments]) == 2
    assert "--set" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a" + ".a" * 5_000 + " = 1", "a = " + "[" * 20_000 + "]" * 20_000])
def test_a_file_nested_too_deep_is_bad_configuration(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.toml").write_text(text)
    assert run_app(["validate", str(tmp_path / "job.toml")]) == 2
    assert "nested deeper" in capsys.readouterr().err


def test_brackets_in_a_model_file_are_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("[" * 50_000 + "]" * 50_000)
    with pytest.raises(GlmError, match="nested deeper"):
        load_model(tmp_path / "model.json")
    (tmp_path / "model.json").write_text(json.dumps(nested(99)))
    with pytest.raises(GlmError, match="content_sha256"):
        load_model(tmp_path / "model.json")
