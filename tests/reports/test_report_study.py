"""The study report: every section is optional, every name harmless, every number on it in one format; its tables export."""

from __future__ import annotations

import builtins
import html
import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from glm_local.drawing.level_axis import level_axis
from glm_local.drawing.plot_area import PlotArea
from glm_local.drawing.svg import clean, level_text, log_ticks, shortened
from glm_local.errors import ConfigError
from glm_local.factors.spec_words import spec_words
from glm_local.reports import (
    CoefficientRow,
    Decision,
    FactorPage,
    Figure,
    StudyContent,
    bin_path_figure,
    calibration_figure,
    double_lift_figure,
    export_tables,
    factor_figure,
    interaction_figure,
    interactions_html,
    lift_figure,
    lorenz_figure,
    render_study_report,
    screening_html,
)
from glm_local.reports.export_tables import report_tables, unique_names
from glm_local.texts.safe_cell import FORMULA_STARTS
from tests.reports.study_report_content import (
    FORMULA,
    HOSTILE,
    SCRIPT,
    hostile_content,
    level_rows,
    real_content,
    tables_of,
)
from tests.reports.test_report_page import Reader

SECTIONS = (
    "model",
    "factors",
    "screening",
    "interactions",
    "versions",
    "lift",
    "lorenz",
    "calibration",
    "decisions",
    "holdout",
    "opinion",
    "provenance",
)


def words_of(page: str) -> str:
    return " ".join(word for word in Reader(page).words if ":root" not in word)


def sections_of(page: str) -> list[str]:
    return re.findall(r'<h2 id="([a-z]+)"', page)


@pytest.mark.parametrize("content", [real_content, hostile_content])
def test_the_page_runs_nothing_and_loads_nothing(content: Callable[[], StudyContent]) -> None:
    page = render_study_report(content())
    reader = Reader(page)
    assert not {"script", "img", "iframe", "link", "object", "embed", "form", "base"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("src", "style")]
    links = {value for name, value in reader.attributes if name in ("href", "xlink:href")}
    anchors = {value for name, value in reader.attributes if name == "id"}
    assert all(re.fullmatch(r"#[a-z]+(-\d+)?", link) and link[1:] in anchors for link in links)
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page
    assert reader.open == []


def test_every_drawing_of_a_hostile_study_is_xml_without_code() -> None:
    page = render_study_report(hostile_content())
    drawings = re.findall(r"<svg .*?</svg>", page, flags=re.DOTALL)
    assert len(drawings) > 50
    for drawing in drawings:
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawing).iter()}
        assert tags <= {"svg", "text", "title", "line", "rect", "path", "circle", "polygon"}


def test_hostile_names_are_shown_as_they_are_written_and_the_empty_ones_are_named() -> None:
    page = render_study_report(hostile_content())
    words = words_of(page)
    for name in (
        SCRIPT,
        FORMULA,
        "{{ 7*7 }}",
        "&amp;",
        "مرحبا بالعالم",
        "👨‍👩‍👧 family",
        "(empty text)",
        "(3 blanks)",
        "]]></svg>",
    ):
        assert name in words, name
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e]", page)
    assert not re.search(r"\b(nan|None|inf)\b", words.replace("None of the", ""))


def test_sections_come_in_order_and_each_says_how_to_read_it() -> None:
    page = render_study_report(real_content())
    assert sections_of(page) == list(SECTIONS)
    assert page.count('<p class="reading">') == len(SECTIONS)
    assert re.findall(r'<li><a href="#([a-z]+)">', page) == list(SECTIONS)


def test_the_models_page_shows_purpose_roles_samples_figures_and_every_coefficient_with_its_base() -> None:
    content = real_content()
    page = render_study_report(content)
    start, end = page.index('data-section="model"'), page.index('data-section="factors"')
    words = html.unescape(re.sub(r"<[^>]*>", " ", page[start:end]))
    for part in (
        "Built for the yearly review",
        "mdvis",
        "poisson",
        "log",
        "Residual deviance",
        "train",
        "validation",
        "Observed",
        "Predicted",
        "Mean deviance",
        "(Intercept)",
        "lpi",
        "(8.5, 11.5]",
        "base",
        " to ",
    ):
        assert part in words, part
    listed = re.findall(r'<td class="level"><bdi>(.*?)</bdi>', page[start:end])
    assert len(listed) == len(content.coefficients)


def test_a_factor_page_has_figure_words_path_trials_decisions_and_levels() -> None:
    page = render_study_report(real_content())
    section = page[page.index('data-section="factor-1"') : page.index('data-section="factor-2"')]
    for part in (
        "Observed and fitted, holdout",
        "share of exposure",
        "Relativity (logarithmic axis)",
        "version 1",
        "Column disea, cut at 2.5",
        "Deviance by number of bins",
        "cross-validated",
        "chosen: 8 bins",
        "Optimal among all cuts",
        "accepted disea",
        "refined disea",
        "A/E train",
        "A/E validation",
        "A/E holdout",
    ):
        assert part in section, part
    assert '<tr class="judged"><td class="n" data-label="Bins">8</td>' in section
    assert "accepted lncoins" not in section


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("screening", "screening"),
        ("versions", "versions"),
        ("factors", "factor-1"),
        ("interactions", "interactions"),
    ],
)
def test_an_empty_part_is_left_out(name: str, section: str) -> None:
    empty: dict[str, object] = {name: () if name == "factors" else None}
    if name == "interactions":
        empty["pairs"] = ()
    if name == "factors":
        empty["coefficients"] = ()
    page = render_study_report(replace(real_content(), **empty))  # type: ignore[arg-type]
    assert f'data-section="{section}"' not in page
    assert Reader(page).open == []
    frame = pd.DataFrame()
    if name in ("screening", "versions"):
        assert f'data-section="{section}"' not in render_study_report(replace(real_content(), **{name: frame}))


@pytest.mark.parametrize("name", [one.name for one in fields(StudyContent) if one.name != "title"])
def test_any_part_can_be_missing(name: str) -> None:
    default = getattr(StudyContent("x"), name)
    page = render_study_report(replace(hostile_content(), **{name: default}))
    assert Reader(page).open == []


def test_a_title_alone_is_a_page_that_says_what_matters() -> None:
    page = render_study_report(StudyContent("Claims"))
    assert sections_of(page) == ["decisions", "holdout", "provenance"]
    assert "The holdout was never looked at" in page
    assert "No decision was recorded." in page
    assert "No fingerprint was recorded." in page
    assert 'class="verdict"' not in page


def test_a_study_that_only_screened_shows_its_screening() -> None:
    page = render_study_report(StudyContent("Claims", screening=real_content().screening))
    assert sections_of(page) == ["screening", "decisions", "holdout", "provenance"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"holdout": None, "holdout_looks": ()}, "The holdout was never looked at: its rows are still unseen."),
        ({"holdout": None, "holdout_looks": (), "holdout_kept": False}, "No holdout was kept"),
        ({"holdout_looks": ()}, "No look at the holdout was recorded, although results are shown below."),
        ({"holdout": None}, "The results of these looks are not part of this report."),
        ({}, "final check before hand-over"),
        ({"second_opinion": "", "second_opinion_status": "not asked"}, "No second opinion was asked for."),
    ],
)
def test_what_was_not_done_is_said(change: dict[str, object], said: str) -> None:
    assert said in render_study_report(replace(real_content(), **change))  # type: ignore[arg-type]


def test_decisions_are_a_timeline_with_reasons_and_evidence() -> None:
    decision = Decision("2025-01-01", "ann", "accepted age", "because", "deviance −12")
    page = render_study_report(StudyContent("x", decisions=[decision, replace(decision, what="undone")]))
    cells = re.findall(
        r"<tr><td class=\"when\">(.*?)</td><td class=\"who\">(.*?)</td><td class=\"what\">(.*?)</td>"
        r"<td>(.*?)</td><td>(.*?)</td></tr>",
        page,
    )
    assert cells[0] == ("2025-01-01", "ann", "accepted age", "because", "deviance −12")
    assert cells[1][2] == "undone"


def test_a_factor_that_is_only_validated_has_a_page_without_relativities() -> None:
    content = StudyContent("x", validation=tables_of({"area": ("A", "B")}), factors=[FactorPage("area")])
    page = render_study_report(content)
    assert 'data-section="factor-1"' in page
    assert "logarithmic axis" not in page


def test_without_relativities_the_page_shows_estimates() -> None:
    page = render_study_report(replace(real_content(), relativity_name=""))
    assert "0 is the base level" in page
    assert "Estimate (link scale)" in page
    assert ">Relativity<" not in page


def test_a_pinned_level_is_drawn_and_said_to_be_pinned() -> None:
    rows = [
        *level_rows("area", ("A", "B")),
        CoefficientRow("area[C]", "area", "C", 0.2, relativity=1.2214, status="pinned"),
    ]
    page = render_study_report(StudyContent("x", coefficients=rows))
    assert "pinned by hand, no interval" in page
    assert "C: 1.221" in factor_figure(None, rows).svg()


def test_cells_net_of_their_factors_are_not_joined_by_a_line() -> None:
    rows = level_rows("a:b", ("x × u", "x × v", "y × u", "y × v"))
    joined = factor_figure(None, rows).svg()
    apart = factor_figure(None, [replace(row, status="base") if i < 3 else row for i, row in enumerate(rows)]).svg()
    assert joined.count('stroke="#1b4f8a" stroke-width="1.6" stroke-linejoin') == 1
    assert apart.count('stroke="#1b4f8a" stroke-width="1.6" stroke-linejoin') == 0
    assert apart.count("<circle") == joined.count("<circle")


def test_a_bin_path_that_came_back_from_json_is_drawn_and_listed() -> None:
    trials = pd.DataFrame(
        [
            {
                "bins": 0,
                "levels": 1,
                "cv_deviance": 0.5,
                "cv_se": None,
                "bic": 90.0,
                "penalty_small_count": 0,
                "chosen": False,
            },
            {
                "bins": 2,
                "levels": 2,
                "cv_deviance": None,
                "cv_se": None,
                "bic": 88.0,
                "penalty_small_count": 2,
                "chosen": True,
            },
            {
                "bins": 3,
                "levels": 3,
                "cv_deviance": 0.4,
                "cv_se": None,
                "bic": 89.0,
                "penalty_small_count": 3,
                "chosen": False,
            },
        ],
        dtype=object,
    )
    page = render_study_report(StudyContent("x", factors=[FactorPage("a", trials=trials)]))
    for part in (">BIC<", ">Small count<", "0.4000000", "chosen: 2 bins"):
        assert part in page, part
    assert ">± error<" not in page
    assert ">Levels<" not in page


def test_three_hundred_levels_are_drawn_thin_with_thinned_labels_and_all_are_in_the_table() -> None:
    levels = tuple(f"postcode {i:03d}" for i in range(300))
    content = StudyContent("x", coefficients=level_rows("area", levels), validation=tables_of({"area": levels}))
    page = render_study_report(content)
    figure = page[page.index("<figure>") : page.index("</figure>")]
    assert "Every 5th level is named" in figure
    wide, narrow = figure.split('<div class="drawn phone">')
    assert wide.count(": exposure ") == 300
    assert len(re.findall(r"</title>postcode", wide)) == 60
    assert narrow.count(": exposure ") == 60
    assert "largest 60 of 300" in narrow
    section = page[page.index('data-section="factor-1"') :]
    assert len(re.findall(r'<td class="level"><bdi>postcode', section)) == 300
    assert "276 more levels are on the factor" in page


def figures() -> dict[str, Figure]:
    content = hostile_content()
    tables = content.validation
    assert tables is not None
    judged = tables.actual_expected[SCRIPT].query("sample == 'validation'")
    trials = content.factors[0].trials
    assert trials is not None
    return {
        "factor": factor_figure(judged, [row for row in content.coefficients if row.factor == SCRIPT], {SCRIPT: 1.2}),
        "bins": bin_path_figure(trials),
        "pair": interaction_figure(content.pairs[0].cells, SCRIPT, FORMULA),
        "double": double_lift_figure(content.double_lifts[0].table, SCRIPT, FORMULA),
        "lorenz": lorenz_figure(tables.lorenz, tables.gini),
        "calibration": calibration_figure(tables.calibration.query("sample == 'train'"), SCRIPT),
        "lift": lift_figure(tables.lift.query("sample == 'train'"), SCRIPT),
    }


@pytest.mark.parametrize("name", ["factor", "bins", "pair", "double", "lorenz", "calibration", "lift"])
def test_a_figure_shows_itself_in_a_notebook_and_saves_itself(name: str, tmp_path: Path) -> None:
    figure = figures()[name]
    ElementTree.fromstring(figure.svg())
    assert figure.svg() in figure._repr_html_()
    assert figure._repr_svg_() == figure.svg()
    assert "<script" not in figure._repr_html_()
    path = figure.save(tmp_path / "deep" / f"{name}.svg")
    assert path.read_text(encoding="utf-8") == figure.svg()


@pytest.mark.parametrize(
    "empty",
    [
        lambda: bin_path_figure(pd.DataFrame({"bins": [1], "train_deviance": [5.0], "chosen": [True]})),
        lambda: bin_path_figure(pd.DataFrame({"bins": [1, 2]})),
        lambda: bin_path_figure(pd.DataFrame({"bins": [1, 2], "train_deviance": [0.0, np.nan], "cv_se": [1.0, 1.0]})),
        lambda: double_lift_figure(
            pd.DataFrame(
                {
                    "band": [1],
                    "exposure": [0.0],
                    "actual_relative": [np.nan],
                    "relative_a": [np.nan],
                    "relative_b": [np.nan],
                }
            )
        ),
        lambda: bin_path_figure(pd.DataFrame({"bins": [0, 1], "cv_deviance": [np.inf, 2.0], "cv_se": [0.0, np.inf]})),
        lambda: bin_path_figure(
            pd.DataFrame({"bins": [0, 1], "cv_deviance": [3.0, None], "chosen": [1, 0]}, dtype=object)
        ),
        lambda: interaction_figure(
            pd.DataFrame({"row": ["a"], "column": ["b"], "exposure": [0.0], "actual": [0.0], "predicted": [0.0]})
        ),
        lambda: factor_figure(None, [CoefficientRow("a[x]", "a", "x", status="empty")]),
        lambda: factor_figure(None, []),
    ],
)
def test_a_figure_of_next_to_nothing_is_still_a_drawing(empty: Callable[[], Figure]) -> None:
    ElementTree.fromstring(empty().svg())
    assert "nan" not in empty().svg()


def test_a_first_cut_that_wins_most_runs_off_the_scale_so_that_the_rest_can_be_told() -> None:
    trials = pd.DataFrame({"bins": [1, 2, 3, 4], "cv_deviance": [1000.0, 900.0, 898.0, 899.0], "chosen": [0, 0, 1, 0]})
    drawing = bin_path_figure(trials).svg()
    assert "1 bins: cross-validated 0.000 % (off the scale)" in drawing
    assert drawing.count("<polygon") == 1
    even = bin_path_figure(trials.assign(cv_deviance=[1000.0, 960.0, 930.0, 900.0])).svg()
    assert "<polygon" not in even


def test_an_interaction_map_frames_what_is_more_than_chance_and_shrinks_what_is_thin() -> None:
    cells = pd.DataFrame(
        {
            "row": ["a", "a", "b"],
            "column": ["x", "y", "x"],
            "exposure": [500.0, 500.0, 0.5],
            "actual": [60.0, 50.0, 1.0],
            "predicted": [40.0, 50.0, 1.0],
            "lower": [1.2, 0.8, 0.0],
            "upper": [1.8, 1.2, 9.0],
        }
    )
    drawing = interaction_figure(cells, "first", "second").svg()
    assert 'font-weight="600">1.50<' in drawing
    assert ">1.00<" in drawing
    assert drawing.count(">·<") == 1
    assert "b, x: A/E 1.000 (0.000 to 9.000), exposure 0.5" in drawing


def test_an_interaction_map_draws_the_largest_levels_and_says_how_many_it_does_not() -> None:
    pairs = [(f"r{i}", f"c{j}") for i in range(60) for j in range(30)]
    cells = pd.DataFrame(pairs, columns=["row", "column"]).assign(
        exposure=[float(i) for i in range(len(pairs))], actual=1.0, predicted=1.0
    )
    drawing = interaction_figure(cells, "first", "second").svg()
    assert "26 levels with less exposure not drawn" in drawing
    assert "</title>r59<" in drawing
    assert "</title>r0<" not in drawing


def test_blue_and_orange_are_told_apart_by_lightness_order_and_words_too() -> None:
    from glm_local.reports.interaction_chart import HIGH, LOW

    # Deuteranopia leaves the blue-yellow axis: the two ends differ most there.
    assert abs((LOW[2] - LOW[0]) - (HIGH[2] - HIGH[0])) > 200


def test_an_interaction_map_takes_deviations_and_pooled_cells_of_a_ranking() -> None:
    cells = pd.DataFrame(
        {
            "row": ["a", "a"],
            "column": ["x", "y"],
            "exposure": [500.0, 500.0],
            "actual": [60.0, 55.0],
            "predicted": [40.0, 50.0],
            "deviation": [3.1, np.nan],
            "pooled": [False, True],
        }
    )
    drawing = interaction_figure(cells).svg()
    assert 'font-weight="600">1.50<' in drawing
    assert ">1.10<" not in drawing


def test_double_lift_says_which_version_lies_closer() -> None:
    page = render_study_report(real_content())
    found = re.search(
        r"B lies closer to the observed line in (\d) of (\d) bands; the mean distance is ([\d.]+) for A and "
        r"([\d.]+) for B",
        page,
    )
    assert found is not None
    assert float(found.group(4)) < float(found.group(3))


def test_screening_and_interactions_show_in_notebooks() -> None:
    content = hostile_content()
    assert content.screening is not None
    shown = screening_html(content.screening, SCRIPT)
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert '<th class="n">p</th>' in shown
    assert "disea" in interactions_html(real_content().interactions)  # type: ignore[arg-type]
    assert Reader(shown).open == []


def test_labels_of_levels_turn_and_thin_as_they_come_closer() -> None:
    assert (level_axis(["a", "b"], 920).turn, level_axis(["a", "b"], 920).every) == (0, 1)
    assert level_axis([f"a long level name {i}" for i in range(12)], 920).turn == -40
    many = level_axis([f"level {i}" for i in range(300)], 920)
    assert (many.turn, many.every) == (-90, 5)
    assert level_axis([], 920).slot > 0


def test_a_long_legend_breaks_into_rows_above_the_plot() -> None:
    entries = [("x" * 40, "#000", ""), ("y" * 40, "#111", ""), ("z", "#222", "")]
    plain, headed = PlotArea("t", "x", "y", [0, 1], [0, 1]), PlotArea("t", "x", "y", [0, 1], [0, 1], header=entries)
    assert headed.top > plain.top + 34
    assert headed.floor == plain.floor


def test_names_are_cut_at_whole_characters_and_blank_ones_are_told_apart() -> None:
    assert shortened("ab👨‍👩‍👧", 5) == "ab👨…"
    assert shortened("cafe\u0301s", 5) == "caf…"
    assert level_text("") != level_text(" ") != level_text("  ")
    assert clean("\u202eabc\u200b\n") == "\ufffdabc\ufffd\ufffd"


def test_log_ticks_cover_the_range_however_wide() -> None:
    for low, high in ((0.5, 2.0), (0.97, 1.02), (0.001, 900.0), (1e-9, 1e9), (0.03, 0.2), (1.0, 1.0000001)):
        ticks = log_ticks(low, high)
        assert ticks[0] <= low * 1.0000001
        assert ticks[-1] >= high
        assert 2 <= len(ticks) <= 22
        assert all(tick > 0 for tick in ticks)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {
                "kind": "numeric",
                "name": "a",
                "column": "c",
                "edges": [1, 2.5],
                "missing": "own_level",
                "lower": 0,
                "below": "refuse",
                "learned": {"base": "(1, 2.5]"},
            },
            (
                "cut at 1, 2.5 into 3 levels, and 1 of its own",
                "Missing values are a level of their own",
                "Values below 0 are refused",
                "The base level is (1, 2.5], the one with the largest exposure",
            ),
        ),
        (
            {
                "kind": "numeric",
                "name": "a",
                "column": "c",
                "edges": {"method": "quantile", "bins": 4},
                "missing": "base",
            },
            ("to be cut into 4 levels by quantile", "Missing values count as the base level"),
        ),
        (
            {
                "kind": "categorical",
                "name": "a",
                "column": "c",
                "levels": [{"level": "north", "values": ["A", "B"]}, "C"],
                "missing": {"level": "C"},
                "unseen": "base",
                "base": {"level": "C"},
            },
            (
                "3 values in 2 levels",
                "Level north: A, B.",
                "Missing values go to level C",
                "The base level is C, by choice.",
            ),
        ),
        (
            {
                "kind": "ordinal",
                "name": "a",
                "column": "c",
                "levels": ["x", "y"],
                "missing": {"own_level": "?"},
                "unseen": "refuse",
                "notes": ["kept as asked"],
            },
            ("whose order has a meaning", "are a level of their own, ?", "Note: kept as asked"),
        ),
        (
            {
                "kind": "linear",
                "name": "a",
                "column": "c",
                "centre": "mean",
                "scale": "sd",
                "missing": "mean",
                "cap": {"upper": 9},
                "learned": {"mean": 2.5, "sd": 1.25},
            },
            ("moved to at most 9, less its mean (2.5), divided by its sd (1.25)", "Missing values count as the mean"),
        ),
        ({"kind": "linear", "name": "a", "expression": {"log": "c"}, "missing": 0}, ("An expression", "count as 0")),
        (
            {"kind": "interaction", "name": "a", "factors": ["x", "y"], "unseen": "base"},
            ("Interaction of x and y", "Cells without training rows count as the base level"),
        ),
    ],
)
def test_a_spec_is_said_in_words(spec: dict[str, object], said: tuple[str, ...]) -> None:
    from glm_local.factors.spec_problems import read_factors

    words = " ".join(spec_words(spec))
    for part in said:
        assert part in words, words
    if spec["kind"] != "interaction":
        assert spec_words(read_factors([spec])[0]) == spec_words(spec)


def test_tables_export_as_csv_whole_and_harmless(tmp_path: Path) -> None:
    content = hostile_content()
    files = export_tables(content, tmp_path / "tables")
    assert len(files) == len(report_tables(content)) == len({file.name.lower() for file in files})
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.csv", file.name) for file in files)
    for file in files:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        for text in [*table.columns, *table.to_numpy().ravel()]:
            bare = str(text).lstrip(" \u00a0")
            assert not bare.startswith(FORMULA_STARTS) or re.fullmatch(r"[+-][\d.e+-]+", bare), text
    levels = pd.read_csv(tmp_path / "tables" / "coefficients.csv", keep_default_na=False)
    assert len(levels) == len(content.coefficients)
    assert levels["level"].tolist().count(f"'{FORMULA}") == 1
    assert {"screening.csv", "decisions.csv", "holdout_looks.csv", "provenance.csv", "validation_lorenz.csv"} <= {
        file.name for file in files
    }


def test_names_of_files_and_sheets_stay_apart() -> None:
    names = ["a/b", "A.b", "../../x", "x" * 90, "x" * 91, "", "=1", "CON", "日本", "中国"]
    given = unique_names(names, 31)
    assert len({one.lower() for one in given.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,31}", one) for one in given.values())


def test_tables_export_as_a_workbook_without_formulas(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="workbooks are written by openpyxl")
    content = hostile_content()
    (path,) = export_tables(content, tmp_path / "deep" / "study.xlsx")
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == len(report_tables(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n", "b"}
    texts = {cell.value for cell in cells if isinstance(cell.value, str)}
    assert f"'{FORMULA}" in texts
    assert FORMULA not in texts


def test_a_workbook_without_openpyxl_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None)
    with pytest.raises(ConfigError, match=re.escape("glm-spark[excel]")):
        export_tables(real_content(), tmp_path / "study.xlsx")
    assert not (tmp_path / "study.xlsx").exists()


def test_an_empty_study_exports_nothing(tmp_path: Path) -> None:
    assert export_tables(StudyContent("x"), tmp_path / "none") == []


def test_the_page_opens_no_file_and_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    render_study_report(real_content())
    monkeypatch.setattr(builtins, "open", lambda *_, **__: pytest.fail("the page opened a file"))
    page = render_study_report(hostile_content())
    assert 100_000 < len(page) < 1_500_000
    assert len(HOSTILE) == 17
