"""Intervals and p-values of levels searched on the same rows say so, wherever they are shown."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import GLM, GLMStudy, fit_glm, load_model, read_factors
from glm_local.factors.fingerprint import fingerprint
from glm_local.factors.searched_levels import is_searched, unmarked
from glm_local.models.model_lines import coefficient_rows
from glm_local.models.recorded_rows import model_row
from glm_local.reports.content import ReportContent
from glm_local.reports.export_tables import report_tables
from glm_local.reports.page import render_report
from glm_local.stores.delta_store import open_store
from glm_local.study.report import study_content
from glm_local.texts.level_warnings import SEARCHED

BY_HAND = {"kind": "numeric", "name": "wealth", "column": "wealth", "edges": [0.25], "missing": "base"}


def made_rows() -> pd.DataFrame:
    """2,500 policies; age and area act, wealth does not."""
    draw, rows = np.random.default_rng(7), 2_500
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": draw.integers(18, 80, rows),
            "wealth": draw.uniform(0, 1, rows),
            "area": draw.choice(list("abcdef"), rows),
        }
    )
    rate = 0.3 * np.exp(0.7 * (frame["age"] < 30) + 0.6 * frame["area"].isin(["a", "b"]))
    return frame.assign(claims=draw.poisson(rate))


def opened(name: str = "study") -> Any:
    return GLMStudy(made_rows(), target="claims", key="id", candidates=["age", "area", "wealth"], name=name)


@pytest.fixture(scope="module")
def study() -> Any:
    study = opened()
    study.accept("wealth", BY_HAND)
    study.factor("age").optimize().accept()
    study.factor("area").target_order(2).accept()
    study.accept_interaction("age", "area")
    return study


def labels_of(model: Any) -> dict[str, set[str | None]]:
    """Factor to labels of its fitted lines."""
    fitted = model.coefficients[model.coefficients["status"] == "fitted"]
    labels = fitted["inference"].astype(object).where(fitted["inference"].notna(), None)  # pandas 3 has NaN for no text
    return {str(name): set(lines) for name, lines in labels.groupby(fitted["factor"])}


SAID = {"age": {SEARCHED}, "area": {SEARCHED}, "age:area": {SEARCHED}, "wealth": {None}}


def test_levels_that_were_searched_for_and_their_crossings_are_labelled_and_given_ones_are_not(study: Any) -> None:
    assert labels_of(study.model) == SAID
    assert [one.name for one in study.design.factors if is_searched(one)] == ["age", "area"]


def test_the_label_survives_a_saved_model_and_a_fit_of_its_factors(study: Any, tmp_path: Path) -> None:
    saved = load_model(study.model.save(tmp_path / "model.json"))
    assert labels_of(saved) == SAID
    assert saved.warnings == study.model.warnings
    assert labels_of(fit_glm(made_rows(), target="claims", factors=study.design.factors)) == SAID
    assert labels_of(load_model(model_row(study.model.document)["document"])) == SAID


def test_the_audit_labels_the_intervals_of_searched_levels_as_the_model_does(tmp_path: Path) -> None:
    study = opened()
    study.accept("wealth", BY_HAND)
    study.factor("age").optimize().accept()
    model = study.finalize(verify=False).model
    kept = open_store(study.save(tmp_path)).read("coefficients").to_pylist()
    said = {str(row["term"]): row["inference"] for row in kept}
    assert said == {one.term: one.inference for one in model.coefficients}
    assert set(said.values()) == {SEARCHED, None}


def test_the_test_of_a_crossing_of_searched_levels_is_labelled_and_of_a_given_factor_is_not(study: Any) -> None:
    crossed = study.state.comparisons.get("age:area") or study.state.decided[-1].event.payload["evidence"]
    assert (crossed["p_of"], crossed["searched"]) == (f"bins {SEARCHED}", False)
    assert study.branch("a").compare("wealth", dict(BY_HAND, edges=[0.5])).p_of == "levels as given"


def test_the_record_of_a_search_changes_neither_a_fingerprint_nor_a_model(study: Any) -> None:
    without = [unmarked(one) for one in study.design.factors]
    assert not any(map(is_searched, without))
    assert fingerprint(without) == fingerprint(list(study.design.factors))
    plain = fit_glm(made_rows(), target="claims", factors=without)
    assert plain.fingerprint == fit_glm(made_rows(), target="claims", factors=study.design.factors).fingerprint
    assert labels_of(plain)["age"] == {None}


def test_summary_and_notebook_mark_every_number_and_explain_the_mark(study: Any) -> None:
    text, html = study.model.summary(), study.model._repr_html_()
    lines = [one for one in text.splitlines() if one.startswith("age=") and "(base)" not in one]
    assert lines
    assert all(one.count("†") == 3 for one in lines)
    assert f"† {SEARCHED}" in text
    assert "wealth=(0.25, inf)" in text
    assert "†" not in next(one for one in text.splitlines() if one.startswith("wealth=") and "(base)" not in one)
    assert "<b>† Intervals and p-values of age, area, age:area are of levels searched on the same rows" in html


def test_page_and_its_tables_label_every_line_and_warn_in_bold(study: Any) -> None:
    content = study_content(study, None, "", "")
    table = report_tables(content)["coefficients"]
    fitted = table[(table["factor"] == "age") & (table["status"] == "fitted")]
    assert set(fitted["inference"]) == {SEARCHED}
    assert not table.loc[table["factor"] == "wealth", "inference"].any()
    page = study.report()
    assert page.count('<p class="caution"><b>Intervals and p-values of') == 4  # the model's, and three factors'
    labelled = sum(row.inference == SEARCHED for row in content.coefficients)
    assert page.count(f'<span class="note">{SEARCHED}</span>') == 2 * labelled  # on the model's page and the factor's
    assert page.count(f"interval, {SEARCHED}") >= 3  # charts
    assert any("age, area, age:area are of levels searched" in one for one in content.warnings)


def test_bins_written_by_hand_are_labelled_only_where_the_study_searched_for_them() -> None:
    study = opened()
    found = GLM("claims", key="id").optimize(made_rows(), "age").spec
    by_hand = unmarked(found).document() | {"notes": []}
    study.accept("age", by_hand)
    assert labels_of(study.model) == {"age": {None}}
    study.accept("age", dict(BY_HAND, name="age", column="age", edges=[35]))
    study.factor("age").optimize().accept()
    edges = list(study.design["age"].edges)
    study.accept("age", dict(BY_HAND, name="age", column="age", edges=[50]))
    assert labels_of(study.model) == {"age": {None}}
    study.accept("age", dict(BY_HAND, name="age", column="age", edges=edges, base={"level": f"(-inf, {edges[0]}]"}))
    assert labels_of(study.model) == {"age": {SEARCHED}}
    assert is_searched(study.design["age"])


def test_what_a_hand_makes_of_searched_levels_stays_labelled_and_a_loaded_study_knows(tmp_path: Path) -> None:
    study = opened()
    block = study.factor("age").optimize(size=3).accept()
    edge = block.spec.edges[0]
    block.move_edge(edge, edge - 1).accept()
    assert labels_of(study.model) == {"age": {SEARCHED}}
    assert study.compare("age", block.spec.document()).p_of == f"bins {SEARCHED}"
    again = GLMStudy.load(study.save(tmp_path), "study", made_rows())
    assert labels_of(again.model) == {"age": {SEARCHED}}


def test_a_history_without_the_record_is_labelled_by_its_searches() -> None:
    study = opened()
    study.factor("age").optimize().accept()
    proposed = next(one for one in study._history.events if one.kind == "proposed")
    old = dataclasses.replace(proposed, payload=json.loads(json.dumps(proposed.payload)))
    del old.payload["spec"]["learned"]
    state = type(study.state)().after(old)
    assert is_searched(state.proposals["age"].spec)


def test_a_misspelt_record_of_a_search_names_the_nearest_word() -> None:
    with pytest.raises(Exception, match="Nearest: 'searched'"):
        read_factors([BY_HAND | {"learned": {"serched": "by hand"}}])


def test_the_page_of_a_run_labels_the_lines_of_factors_a_study_found(study: Any) -> None:
    model = fit_glm(made_rows(), target="claims", factors=study.design.factors)
    rows = coefficient_rows(model.document)
    page = render_report(ReportContent("run", "", rows, model.validation(made_rows())))
    assert page.count(f'<span class="note">{SEARCHED}</span>') == sum(bool(row.inference) for row in rows) > 0
    assert page.count('<p class="caution"><b>Intervals and p-values of') == 4
    plain = fit_glm(made_rows(), target="claims", factors=[BY_HAND])
    content = ReportContent("run", "", coefficient_rows(plain.document), plain.validation(made_rows()))
    assert SEARCHED not in render_report(content)
