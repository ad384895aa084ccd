"""A saved model says what the fit said: whatever is changed or taken out of its file is refused; its bytes are one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import fit_glm, load_model
from glm_local.audit.run_log import RunLog
from glm_local.errors import SpecError
from glm_local.glm.document import model_fingerprint
from glm_local.job.job_steps import stored_model
from glm_local.models.model import Model
from glm_local.models.recorded_rows import model_row
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.stores.delta_store import open_store

FACTORS = [
    {
        "kind": "categorical",
        "name": "area",
        "column": "area",
        "missing": "refuse",
        "unseen": "base",
        "base": {"level": "A"},
    },
    {"kind": "linear", "name": "age", "column": "age", "centre": "mean", "scale": "sd", "missing": "mean"},
    {"kind": "linear", "name": "income", "column": "income", "missing": "refuse"},
]


def _frame(rows: int = 600, seed: int = 3) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "area": draw.choice(["A", "B", "C"], rows),
            "age": draw.uniform(18, 80, rows),
            "income": draw.lognormal(10, 0.5, rows),
        }
    )
    return frame.assign(claims=draw.poisson(np.exp(-1 + 0.01 * frame["age"] + 0.3 * (frame["area"] == "B"))))


def _fit(frame: pd.DataFrame, **asked: Any) -> Model[pd.DataFrame]:
    return fit_glm(frame, target="claims", factors=FACTORS, family="poisson", dispersion="pearson", **asked)


@pytest.fixture(scope="module")
def model() -> Model[pd.DataFrame]:
    return _fit(_frame())


def _changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of a document with another value of its kind, or taken out."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield (*path, name), None
            yield from _changes(one, (*path, name))
    elif isinstance(value, list):
        if value:
            yield (*path, 0), None
            yield from _changes(value[0], (*path, 0))
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int | float):
        yield path, value * 1.0000001 + 1e-9
    else:
        yield path, f"{value}x"


def _changed(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy: Any = json.loads(json.dumps(document))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    if value is None:
        holder.pop(path[-1])
    else:
        holder[path[-1]] = value
    return dict(copy)


def test_whatever_a_model_file_says_cannot_be_changed_or_taken_out(model: Model[pd.DataFrame]) -> None:
    document = json.loads(model.to_json())
    changes = list(_changes(document))
    names = {path[0] for path, _ in changes}
    assert {
        "covariance",
        "warnings",
        "statistics",
        "convergence",
        "versions",
        "fingerprint",
        "content_sha256",
        "name",
    } <= names
    assert load_model(document).fingerprint == model.fingerprint
    for path, value in changes:
        with pytest.raises(SpecError):
            load_model(_changed(document, path, value))


@pytest.mark.parametrize("name", ["fingerprint", "content_sha256"])
def test_what_lacks_its_proof_is_refused_and_says_so(model: Model[pd.DataFrame], name: str) -> None:
    for value in (None, ""):
        with pytest.raises(SpecError, match=f"{name} is not there"):
            load_model(_changed(json.loads(model.to_json()), (name,), value))


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "{", "\udcff", "NaN"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SpecError, match="is no model file"):
        load_model(tmp_path / "model.json")


def test_a_key_that_is_there_twice_is_refused(model: Model[pd.DataFrame], tmp_path: Path) -> None:
    text = model.to_json()
    for again in ('"name": "model",', '"warnings": [],'):
        (tmp_path / "model.json").write_text(text.replace("{", "{" + again, 1))
        with pytest.raises(SpecError, match="is there twice"):
            load_model(tmp_path / "model.json")


def test_a_model_has_one_text_whichever_way_it_came(model: Model[pd.DataFrame], tmp_path: Path) -> None:
    text = model.to_json()
    assert load_model(model.save(tmp_path / "model.json")).to_json() == text
    log = RunLog(open_store(tmp_path / "audit"), "s", "r", "u")
    log.start("test", "none", {})
    log.table("fitted", "models", [model_row(model.document)])
    stored = stored_model(RunLog(open_store(tmp_path / "audit"), "s", "r", "u"))
    assert stored is not None
    assert Model(stored, PandasEngine()).to_json() == text


@pytest.mark.parametrize("solver", ["cells", "blocks"])
def test_the_fingerprint_does_not_depend_on_the_order_of_the_rows(solver: str) -> None:
    frame = _frame()
    found = {_fit(frame.sample(frac=1, random_state=seed), solver=solver).fingerprint for seed in range(6)}
    assert len(found) == 1
    assert _fit(frame.iloc[1:], solver=solver).fingerprint not in found


def test_the_fingerprint_of_a_perfect_fit_does_not_depend_on_the_order_of_the_rows() -> None:
    frame = pd.DataFrame({"x": np.arange(50.0), "z": np.sin(np.arange(50.0))})
    frame["y"] = 1 + 2 * frame["x"]
    factors = [{"kind": "linear", "name": one, "column": one, "missing": "refuse"} for one in ("x", "z")]
    found = {
        fit_glm(frame.sample(frac=1, random_state=seed), target="y", factors=factors, family="gaussian").fingerprint
        for seed in range(6)
    }
    assert len(found) == 1


def test_models_that_differ_have_fingerprints_that_differ(model: Model[pd.DataFrame]) -> None:
    assert _fit(_frame(seed=4)).fingerprint != model.fingerprint
    first, *rest = model.document.coefficients
    assert first.estimate is not None
    assert first.std_error is not None
    moved = first.model_copy(update={"estimate": first.estimate + 1e-4 * first.std_error})
    assert model_fingerprint(model.document.model_copy(update={"coefficients": (moved, *rest)})) != model.fingerprint
