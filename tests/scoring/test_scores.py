"""Scores of a model: what an exposure may be, small means, one record scored often, and what its document says."""

from __future__ import annotations

import decimal
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from glm_local import SpecError, fit_glm, load_model
from glm_local.expressions.column_reader import ArrayColumns
from glm_local.expressions.evaluate import evaluate
from glm_local.expressions.evaluate_record import evaluate_record, record_reader
from glm_local.expressions.expression import Lookup, Read
from glm_local.expressions.values import Values
from glm_local.glm.document import read_model_json
from glm_local.scoring.compile_score import mean_expression
from glm_local.sql.statement import print_sql
from glm_local.texts.counted import counted

ROWS = pd.DataFrame({"claims": [0.0, 1.0, 2.0, 1.0] * 5, "years": 0.5, "area": ["a", "b"] * 10})
AREA: dict[str, Any] = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base"}
NEW_ROWS = pd.DataFrame({"area": ["a"] * 5, "years": [1.0, 0.0, -0.0, -1.0, np.nan]})


@pytest.fixture(scope="module")
def model() -> Any:
    return fit_glm(ROWS, target="claims", factors=[AREA], exposure="years")


def by_sql(model: Any) -> list[float | None]:
    with duckdb.connect() as connection:
        connection.register("new_rows", NEW_ROWS)
        found = connection.sql(f"SELECT {model.to_sql('duckdb')} FROM new_rows").fetchall()
    return [None if value is None else float(value) for (value,) in found]


def test_a_negative_exposure_gives_no_score_in_any_reader_and_0_gives_0(model: Any) -> None:
    yearly = model.predict({"area": "a", "years": 1.0})
    expected = [yearly, 0.0, 0.0, None, None]
    frame = model.predict(NEW_ROWS)["prediction"]
    assert [None if pd.isna(value) else value for value in frame] == expected
    assert [model.predict(record) for record in NEW_ROWS.to_dict("records")] == expected
    assert by_sql(model) == pytest.approx(expected)
    assert model.predict({"area": "a", "years": -1.0}, "rate") == yearly


def test_a_negative_exposure_gives_no_score_on_spark(model: Any, spark: Any) -> None:
    rows = spark.createDataFrame(NEW_ROWS)
    found = rows.selectExpr(f"{model.to_sql()} AS score").toArrow()["score"].to_pylist()
    assert found == pytest.approx([model.predict({"area": "a", "years": 1.0}), 0.0, 0.0, None, None])


def test_a_small_complementary_log_log_mean_keeps_its_digits() -> None:
    eta = np.array([-60.0, -36.0, -20.0, -3.0, 0.0, 1.0, 3.0])
    with decimal.localcontext(prec=60):
        exact = [float(1 - (-decimal.Decimal(one).exp()).exp()) for one in eta.tolist()]
    tree = mean_expression("cloglog", Read("eta"))
    np.testing.assert_allclose(evaluate(tree, ArrayColumns({"eta": eta})).data, exact, rtol=1e-14)
    by_record: list[Any] = [evaluate_record(tree, {"eta": one}) for one in eta.tolist()]
    np.testing.assert_allclose(by_record, exact, rtol=1e-14)
    with duckdb.connect() as connection:
        connection.register("points", pd.DataFrame({"eta": eta}))
        text = print_sql(tree, {"eta": "float64"}, "duckdb")
        found = [value for (value,) in connection.sql(f"SELECT {text} FROM points").fetchall()]
    np.testing.assert_allclose(found, exact, rtol=1e-14)


def test_a_record_is_scored_by_a_function_made_once_per_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counting(expression: Any) -> Any:
        made.append(expression)
        return record_reader(expression)

    monkeypatch.setattr("glm_local.models.model.record_reader", counting)
    model = fit_glm(ROWS, target="claims", factors=[AREA], exposure="years")
    scores = [model.predict({"area": area, "years": 1.0}) for area in "abab"]
    assert scores[:2] == scores[2:]
    model.predict({"area": "a"}, "rate")
    assert len(made) == 2


def test_a_model_document_says_whether_it_converged(model: Any, tmp_path: Path) -> None:
    document = json.loads(model.save(tmp_path / "model.json").read_text(encoding="utf-8"))
    assert document["convergence"]["converged"] is True
    assert load_model(document).document == model.document
    with pytest.raises(SpecError, match="does not give its digest"):
        load_model({**document, "convergence": {**document["convergence"], "converged": False}})


def test_a_document_stored_before_the_flag_and_the_digest_is_read_from_the_store(model: Any) -> None:
    document = json.loads(model.to_json())
    del document["convergence"]["converged"], document["content_sha256"]
    stored = read_model_json(document, must_have_digest=False)
    assert stored.convergence.converged
    assert stored.fingerprint == model.fingerprint
    document["convergence"]["converged"] = False
    with pytest.raises(SpecError, match="says otherwise"):
        read_model_json(document, must_have_digest=False)


def test_a_fit_that_ended_otherwise_is_not_converged() -> None:
    with pytest.warns(UserWarning, match="did not converge"):
        model = fit_frame_once()
    assert not model.document.convergence.converged
    assert not load_model(json.loads(model.to_json())).document.convergence.converged


def fit_frame_once() -> Any:
    from glm_local import PandasEngine
    from glm_local.glm.request import FitRequest
    from glm_local.models.fit_frame import fit_frame

    power = pd.DataFrame({"y": np.random.default_rng(1).gamma(2, 2, 300), "x": np.linspace(-3, 3, 300)})
    term = {"kind": "linear", "name": "x", "column": "x", "missing": "refuse"}
    return fit_frame(
        PandasEngine(),
        power,
        FitRequest(target="y", factors=[term], family="gamma", solver="blocks", max_iterations=1, on_failure="warn"),
    )


@pytest.mark.filterwarnings("error")
def test_numbers_beyond_a_float32_are_infinite_without_a_warning() -> None:
    tree = Lookup(Read("x"), (1e300, 0.1), (1, 2), None, 0)
    for kinds in (None, {"x": "float32"}):
        assert evaluate_record(tree, {"x": 1e300}, kinds) == 1  # type: ignore[arg-type]
    assert evaluate_record(tree, {"x": np.float32(0.1)}) == 2
    print_sql(tree, {"x": "float32"})


def test_one_row_is_said_in_the_singular() -> None:
    assert [counted(1), counted(2), counted(0), counted(1234, "pass", "passes")] == [
        "1 row",
        "2 rows",
        "0 rows",
        "1,234 passes",
    ]


def test_texts_are_told_from_numbers_without_being_decoded() -> None:
    coded = Values.text(np.array([0, 1, -1]), np.array(["a", "b"], dtype=object))
    assert coded.is_text
    assert coded._data is None
    whole = Values(None, whole=np.array([1, 2]))
    assert not whole.is_text
    assert whole._data is None
    assert Values(np.array(["a", None], dtype=object)).is_text
    assert not Values(np.array([1.0])).is_text
