"""What people read: decisions in words, numbers rounded alike in a column, edges short wherever they are written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local import fit_glm
from glm_local.cli.commands import run_app
from glm_local.drawing.tables import Column, printed
from glm_local.factors.level_names import level_names
from glm_local.factors.spec_words import spec_words
from glm_local.on_pandas.studies import GLMStudy
from glm_local.texts.number_format import amount_text
from tests.bad_inputs.bad_cases import BASE, good_frame
from tests.reports.test_report_page import Reader
from tests.study.study_rows import motor_study

LONG = re.compile(r"\d\.\d{9,}|\d{7,}\.\d")
"""A number nobody rounded."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    parquet.write_table(pa.Table.from_pandas(good_frame(), preserve_index=False), folder / "rows.parquet")
    (folder / "job.toml").write_text(BASE.replace("${data}", str(folder / "rows.parquet")))
    assert run_app(["run", str(folder / "job.toml"), "--out", str(folder / "out"), "--quiet", "--run-id", "one"]) == 0
    return folder


@pytest.fixture(scope="module")
def study() -> GLMStudy:
    draw = np.random.default_rng(4)
    rows = 6_000
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "income": np.exp(draw.normal(3.5, 0.6, rows)),
            "smoker": draw.integers(0, 2, rows),
            "paid": draw.choice([True, False], rows),
            "fuel": draw.choice(["petrol", "diesel"], rows),
            "noise": draw.normal(0, 1, rows),
            "years": draw.uniform(0.2, 1, rows),
        }
    )
    risk = 0.2 * np.exp(
        0.7 * frame["smoker"] + 0.7 * frame["paid"] - 0.6 * (frame["income"] > 40.3) + 0.6 * (frame["fuel"] == "diesel")
    )
    frame["claims"] = draw.poisson(risk * frame["years"]).astype(float)
    return GLMStudy(frame, target="claims", exposure="years", key="id", user="ann").auto_design()


def words(page: str) -> str:
    return " ".join(word for word in Reader(page).words if ":root" not in word)


def test_the_decisions_of_a_run_are_told_in_words_with_rounded_numbers(finished: Path) -> None:
    said = words((finished / "out" / "one" / "report.html").read_text())
    decisions = said[said.rindex("Decisions") : said.rindex("Provenance and definitions")]
    assert not set("{}'") & set(decisions)
    assert not LONG.search(decisions)
    assert "looked at the holdout" in decisions
    assert re.search(r"holdout: [\d,]+ rows, A/E \d\.\d{3}, mean deviance [\d.]+, Gini", decisions)
    assert re.search(r"[\d,]+ train, [\d,]+ validation, [\d,]+ holdout", decisions)


def test_nothing_on_a_page_is_an_unrounded_number_or_a_document(finished: Path, study: GLMStudy) -> None:
    for page in ((finished / "out" / "one" / "report.html").read_text(), study.report()):
        said = words(page)
        assert not LONG.search(re.sub(r"[0-9a-f]{32,}", "", said))
        assert "{'" not in said


def test_glm_says_rounded_figures_and_writes_exact_ones(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = finished / "out" / "one"
    asked = ["score", str(run / "model.json"), str(finished / "rows.parquet"), "--out", str(finished / "scored.csv")]
    capsys.readouterr()
    assert run_app(asked) == 0
    said = capsys.readouterr().out
    mean = pd.read_csv(finished / "scored.csv")["prediction"].mean()
    found = re.search(r"mean ([\d.]+);", said)
    assert found
    assert len(found[1].replace(".", "").lstrip("0")) == 4
    assert float(found[1]) == pytest.approx(mean, rel=1e-3)
    again = ["run", str(finished / "job.toml"), "--out", str(finished / "out"), "--run-id", "one"]
    assert run_app(again) == 0
    assert not LONG.search(re.sub(r"[0-9a-f]{32,}", "", capsys.readouterr().out))


def test_no_sentence_is_said_twice(study: GLMStudy) -> None:
    reasons = [str(one) for one in study.history["reason"] if one]
    assert any("screening q" in one for one in reasons)
    for reason in reasons:
        assert len(re.findall("no factor at all", reason, re.IGNORECASE)) < 2
    rows = re.findall(r"<tr><td class=\"when\">.*?</tr>", study.report())
    assert rows
    assert all(row.count("out-of-fold gain") < 2 for row in rows)


def test_a_verdict_says_gain_and_test_against_what_was_asked(study: GLMStudy) -> None:
    (reason,) = study.history.query("event == 'accepted' and factor == 'paid'")["reason"]
    assert re.fullmatch(
        r"kept: screening q < 0\.001 among 5 candidates, at most 0\.05 \(p < 0\.001\); "
        r"out-of-fold gain of the search [\d,]+\.\d, above 0 \(± [\d,]+\.\d\); "
        r"p < 0\.001 \(bins searched on the same rows\)",
        reason,
    )


def test_a_column_of_two_values_has_levels_by_its_values_in_spec_chart_and_words(study: GLMStudy) -> None:
    expected = {"smoker": {"0", "1"}, "paid": {"false", "true"}, "fuel": {"petrol", "diesel"}}
    page = study.report()
    for name, levels in expected.items():
        assert set(level_names(study.design[name].document()) or []) == levels
        section = page[page.index(f"<bdi>{name}</bdi></h3>") :]
        drawn = set(
            re.findall(r"<text[^>]*>(?:<title>[^<]*</title>)?([^<]+)</text>", section[: section.index("</svg>")])
        )
        assert levels <= drawn


def test_learned_edges_are_short_in_names_words_chart_and_sql_alike(study: GLMStudy) -> None:
    spec = study.design["income"]
    edges = [str(edge) for edge in spec.document()["edges"]]
    names, said, sql = level_names(spec.document()) or [], " ".join(spec_words(spec)), study.model.to_sql()
    section = study.report()
    section = section[section.index("<bdi>income</bdi></h3>") :]
    chart = section[: section.index("</svg>")]
    for edge in edges:
        assert len(edge) <= 6
        for place in (" ".join(names), said, chart):
            assert edge.removesuffix(".0") in place
        assert re.search(rf"(?<![\d.]){re.escape(edge.removesuffix('.0'))}(\.0)?(?![\d])", sql)


@pytest.mark.parametrize("method", ["quantile", "uniform"])
def test_a_rule_of_edges_gives_short_numbers_in_model_and_sql(method: str) -> None:
    draw = np.random.default_rng(6)
    frame = pd.DataFrame({"x": draw.normal(51.2345678, 9.87654321, 900), "y": draw.poisson(0.6, 900).astype(float)})
    x: Any = {
        "kind": "numeric",
        "name": "x",
        "column": "x",
        "edges": {"method": method, "bins": 5},
        "missing": "refuse",
    }
    model = fit_glm(frame, target="y", factors=[x])
    levels = [one.level or "" for one in model.document.coefficients if one.factor]
    assert not LONG.search(" ".join(levels))
    assert not re.search(r"x[^.]{0,40}<=? \d+\.\d{6,}", model.to_sql())
    edges = [number for level in levels for number in re.findall(r"\d+(?:\.\d+)?", level)]
    assert edges
    assert max(map(len, edges)) <= 7
    assert all(edge in model.to_sql() for edge in edges)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([2567.6, 874.8, -134.2, 0.02, 0.0], ["2,568", "875", "−134", "0.02", "0"]),
        ([12.34, 1.5, None], ["12.3", "1.5", "–"]),
        ([3.0, 1200.0], ["3", "1,200"]),
        ([0.0328, 0.015, float("nan")], ["0.0328", "0.0150", "–"]),
    ],
)
def test_amounts_of_a_column_have_the_same_decimals(values: list[float | None], texts: list[str]) -> None:
    table = pd.DataFrame({"gain": pd.Series(values, dtype=object)})
    assert [row[0] for row in printed(table, [Column("gain", "Gain", amount_text)]).rows] == texts


def test_a_motor_study_rejects_noise_in_plain_words() -> None:
    study = motor_study(candidates=["age", "noise"]).auto_design()
    assert "No factor at all is best" in study.state.rejected["noise"] or "not kept" in study.state.rejected["noise"]
