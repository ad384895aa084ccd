"""Intervals that hold after a search: of the design that was reached, on rows that took no part in reaching it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import BinningRules, GLMStudy, fit_glm, open_engine, run_workflow
from glm_local.audit import verify
from glm_local.audit.fill_rows import from_arrow
from glm_local.binning.penalties import bin_count_penalty, train_validation_gap_penalty
from glm_local.errors import ArgumentError, ConfigError
from glm_local.factors.searched_levels import unmarked
from glm_local.job.read_config import read_study_config
from glm_local.job.run_study import JobOptions, run_study
from glm_local.on_pandas.local_environment import local_environment
from glm_local.stores.delta_store import open_store
from glm_local.study.report import study_content
from glm_local.study.selective import beside, known_intervals
from glm_local.texts.level_warnings import SEARCHED
from tests.bad_inputs.bad_cases import good_frame
from tests.bad_inputs.bad_study_cases import STUDY_BASE

CANDIDATES = ["age", "area", "wealth"]


def made_rows(rows: int = 3_000, seed: int = 5) -> pd.DataFrame:
    """Policies; age and area act, wealth does not; area "z" is rare."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": draw.integers(18, 80, rows),
            "wealth": draw.uniform(0, 1, rows),
            "area": draw.choice(list("abcdef"), rows),
            "years": draw.uniform(0.5, 1, rows),
        }
    )
    rate = 0.4 * np.exp(0.7 * (frame["age"] < 30) + 0.6 * frame["area"].isin(["a", "b"]))
    return frame.assign(claims=draw.poisson(rate * frame["years"]))


def opened(frame: pd.DataFrame | None = None, **asked: Any) -> Any:
    known = {"target": "claims", "exposure": "years", "key": "id", "candidates": CANDIDATES, "name": "study"}
    return GLMStudy(made_rows() if frame is None else frame, **{**known, **asked})


@pytest.fixture(scope="module")
def study() -> Any:
    return opened().auto_design(inference="selective")


def test_they_are_those_of_a_fit_of_the_same_levels_on_validation_rows_alone(study: Any) -> None:
    by_key, study = study, opened(dispersion="auto").auto_design(inference="selective")
    found = study.selective_intervals()
    assert by_key.selective_intervals().table["estimate"].tolist() == found.table["estimate"].tolist()
    assert (found.samples, found.rows) == (("validation",), study.samples["validation"])
    scored = study.bench.rows.engine.with_columns(study.bench.rows.frame, {"s": study.bench.rows.sample_expression})
    rows = scored[scored["s"] == "validation"]
    specs = [unmarked(one) for one in study.model.document.factors]
    given = fit_glm(rows, target="claims", exposure="years", factors=specs).coefficients
    for name in ("estimate", "lower", "upper", "p_value"):
        assert found.table[name].to_numpy(float) == pytest.approx(given[name].to_numpy(float), abs=1e-9, nan_ok=True)
    naive = study.model.coefficients
    assert found.table["naive_lower"].to_numpy(float) == pytest.approx(naive["lower"].to_numpy(float), nan_ok=True)
    assert set(found.table["naive_inference"].dropna()) == {SEARCHED}


def test_no_source_row_is_read_again_and_the_packed_passes_are_those_that_are_stated() -> None:
    study = opened(engine=open_engine())
    study.auto_design()
    passes = study.bench.engine.passes
    raw, packed = passes.raw, passes.packed
    found = study.selective_intervals()
    assert (passes.raw, passes.packed - packed) == (raw, found.packed_passes)
    assert found.packed_passes <= 2
    assert study.selective_intervals().document() == found.document()
    assert passes.packed - packed == found.packed_passes  # recorded once, not made again


def test_finalizing_takes_the_holdout_too_records_it_and_shows_it_beside_the_labelled_intervals(tmp_path: Path) -> None:
    study = opened(store=str(tmp_path / "audit")).auto_design()
    study.finalize(verify=False, inference="selective")
    found = known_intervals(study.state)
    assert found is not None
    assert (found.samples, found.looks) == (("validation", "holdout"), 0)
    assert found.rows == study.samples["validation"] + study.samples["holdout"]
    kinds = [one.kind for one in study._history.events]
    assert kinds[-4:] == ["looked", "inferred", "finalized", "finished"]
    stored = from_arrow(open_store(str(tmp_path / "audit")).read("report_tables", {"report": "selective intervals"}))
    assert len(stored) == len(found.table)
    assert verify(open_store(tmp_path / "audit")).ok
    page, content = study.report(), study_content(study, None, "", "")
    assert page.count('<th class="n">Interval, unseen rows</th>') == 1 + len(study.accepted)
    assert SEARCHED in page
    assert "which took no part in the design" in page
    line = next(row for row in content.coefficients if row.inference)
    wanted = found.table.set_index("term").loc[line.term]
    assert (line.unseen_lower, line.unseen_upper) == (wanted["lower"], wanted["upper"])
    again = GLMStudy.load(str(tmp_path / "audit"), "study", made_rows())
    loaded = known_intervals(again.state)
    assert loaded is not None
    assert loaded.document() == found.document()


def test_another_design_has_no_intervals_until_they_are_asked_for(study: Any) -> None:
    other = study.branch("other")
    other.remove(other.accepted[-1])
    assert known_intervals(other.state) is None
    assert "Interval, unseen rows" not in other.report()
    assert other.selective_intervals().design == other.design.fingerprint


def test_levels_without_unseen_rows_or_events_have_no_interval() -> None:
    study = opened()
    sample = study.bench.rows.engine.with_columns(made_rows(), {"s": study.setup.split.sample(study.bench.kinds)})["s"]
    frame = made_rows()
    train, other = np.flatnonzero(sample == "train"), np.flatnonzero(sample == "validation")
    frame.loc[train[:60], "area"] = "z"
    frame.loc[[*train[60:100], *other[:5]], "area"] = "y"
    frame.loc[other[:5], "claims"] = 0
    rare = opened(frame)
    rare.accept("area", {"kind": "categorical", "column": "area", "missing": "base", "unseen": "base"})
    table = rare.selective_intervals().table.set_index("level")
    assert table.loc["z", "status"] == "empty"
    assert pd.isna(table.loc["z", "lower"])
    assert table.loc["y", "status"] == "separated"
    assert pd.isna(table.loc["y", "lower"])
    assert table["naive_lower"].notna().sum() == len(table) - 1
    assert (table["upper"] - table["lower"]).dropna().between(0, 2).sum() == len(table) - 3
    rare.accept(
        "area", {"kind": "categorical", "column": "area", "missing": "base", "unseen": "base", "base": {"level": "z"}}
    )
    moved = rare.selective_intervals()
    assert moved.why
    assert moved.table["lower"].isna().all()
    assert "There are no intervals" in moved.words


def test_a_base_level_without_unseen_rows_leaves_its_factor_without_intervals() -> None:
    found = opened().auto_design()
    naive = found.model.document
    moved = [
        one.model_copy(update={"status": "fitted"}) if one.factor == "age" and one.status == "base" else one
        for one in naive.coefficients
    ]
    table = beside(naive, naive.model_copy(update={"coefficients": tuple(moved)}))
    assert table.loc[table["factor"] == "age", "lower"].isna().all()
    assert set(table.loc[table["factor"] == "age", "status"]) == {"base level unseen"}
    assert table.loc[table["factor"] == "area", "lower"].notna().any()


def test_where_no_row_is_left_it_is_refused_before_anything_is_searched() -> None:
    every = opened(split=(1.0, 0.0, 0.0))
    with pytest.raises(ConfigError, match="all rows are training rows"):
        every.auto_design(inference="selective")
    assert every.state.ranking is None
    gap = BinningRules(penalties={"gap": train_validation_gap_penalty()})
    with pytest.raises(ConfigError, match="validation rows chose bins by gap"):
        opened().auto_design(rules=gap, inference="selective")
    kept = opened().auto_design(rules=BinningRules(penalties={"few": bin_count_penalty()}), inference="selective")
    assert known_intervals(kept.state) is not None
    looked = opened().auto_design(rules=gap)
    looked.finalize(verify=False, inference="selective")
    found = known_intervals(looked.state)
    assert found is not None
    assert found.samples == ("holdout",)
    with pytest.raises(ConfigError, match="Keep some apart"):
        run_workflow(
            made_rows(), target="claims", key="id", split=(0.7, 0.0, 0.3), finalize=False, inference="selective"
        )


def test_the_words_are_naive_and_selective_wherever_they_enter(study: Any) -> None:
    with pytest.raises(ArgumentError, match="Nearest: 'selective'"):
        study.auto_design(inference="selectiv")
    with pytest.raises(ArgumentError, match="Nearest: 'selective'"):
        study.finalize(inference="selctive")
    with pytest.raises(ArgumentError, match="Nearest: 'naive'"):
        run_workflow(made_rows(), target="claims", key="id", inference="naiv")


def test_a_workflow_and_a_job_show_them(tmp_path: Path) -> None:
    found = run_workflow(
        made_rows(),
        target="claims",
        exposure="years",
        key="id",
        candidates=["age"],
        verify=False,
        inference="selective",
    ).intervals
    assert found is not None
    assert found.samples == ("validation", "holdout")
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), tmp_path / "rows.parquet")
    path = tmp_path / "small.toml"
    path.write_text(STUDY_BASE.replace("${data}", str(tmp_path / "rows.parquet")))
    config = read_study_config(path, ["study.inference='selective'", "study.finalize.verify=false"])
    folder = Path(run_study(config, local_environment(), JobOptions(directory=str(tmp_path / "runs"))).folder)
    assert "Interval, unseen rows" in (folder / "report.html").read_text(encoding="utf-8")
    table = pd.read_csv(folder / "tables" / "coefficients.csv", encoding="utf-8-sig")
    assert table["unseen_lower"].notna().any() or set(table["term"]) == {"(Intercept)"}
    with pytest.raises(ConfigError, match="selectiv"):
        read_study_config(path, ["study.inference='selectiv'"])


def test_the_record_of_intervals_is_read_back_as_it_was(study: Any) -> None:
    found = study.selective_intervals()
    again = type(found).read(json.loads(json.dumps(found.document())))
    assert again.words == found.words
    pd.testing.assert_frame_equal(again.table, pd.DataFrame(found.document()["table"], columns=found.table.columns))
    assert dataclasses.replace(found, looks=2).words.endswith("The holdout had been looked at 2 times before.")
    assert "which took no part" in found._repr_html_()
