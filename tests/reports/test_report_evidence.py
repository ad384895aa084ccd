"""A page judges by the best evidence there is, shows its charts on the same rows, and keeps its form everywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from glm_local.drawing.svg import DARK
from glm_local.expressions.expression import Read
from glm_local.job.read_config import read_config
from glm_local.job.run_job import JobOptions, run_job
from glm_local.on_pandas.local_environment import local_environment
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.reports import render_report, render_study_report
from glm_local.reports.factor_chart import factor_chart
from glm_local.reports.validation_charts import lift_chart, of
from glm_local.reports.verdict import plain_verdict
from glm_local.validation import ValidationReport, validation_report
from tests.bad_inputs.bad_cases import BASE, good_frame
from tests.reports.study_report_content import real_content
from tests.reports.test_report_page import content_of, validated

LEVELS = ("A", "B", "C")


def headline(page: str) -> str:
    return html.unescape(re.findall(r'<p class="verdict">(.*?)</p>', page)[0])


def charted(page: str) -> set[str]:
    return set(re.findall(r"Observed and fitted, ([a-z0-9]+)", page))


def run_page(*samples: str) -> str:
    return render_report(content_of(LEVELS, validation=validated(LEVELS, samples=samples)))


@pytest.mark.parametrize(
    ("samples", "judged", "said"),
    [
        (("train", "validation", "holdout"), "holdout", "On the holdout"),
        (("holdout", "validation", "train"), "holdout", "On the holdout"),
        (("train", "validation"), "validation", "On the validation sample"),
        (("2019", "train"), "2019", "On sample '2019'"),
    ],
)
def test_the_headline_of_a_run_and_its_charts_are_of_the_best_evidence(
    samples: tuple[str, ...], judged: str, said: str
) -> None:
    page = run_page(*samples)
    assert headline(page).startswith(said)
    assert charted(page) == {judged}
    assert re.search(rf'<tr class="judged"><td[^>]*>{judged}</td>', page)


def test_rows_a_model_was_fitted_on_are_never_shown_as_proof() -> None:
    said = headline(run_page("train"))
    assert "Nothing here tells how the model does on new rows" in said
    assert "it was fitted on" in said
    assert "within chance" not in said
    assert not re.search(r"Gini of|explains|factor levels", said)


def test_the_headline_of_a_study_is_the_holdout_once_it_was_looked_at_and_validation_before() -> None:
    content = real_content()
    page = render_study_report(content)
    assert headline(page).startswith("On the holdout")
    assert charted(page) == {"holdout"}
    before = render_study_report(replace(content, holdout=None, holdout_looks=()))
    assert headline(before).startswith("On the validation sample")
    assert charted(before) == {"validation"}


def test_the_figures_of_a_studys_headline_are_those_of_the_holdout() -> None:
    content = real_content()
    assert content.holdout is not None
    (line,) = content.holdout.summary.to_dict("records")
    verdict = plain_verdict(content)
    for figure in (f"{line['rows']:,} rows", f"A/E {line['actual_to_predicted']:.3f}", "(train: "):
        assert figure in verdict
    off = content.holdout.actual_expected
    assert f"{sum(table['deviation'].notna().sum() for table in off.values())} factor levels" in verdict


def test_a_study_with_train_alone_claims_nothing() -> None:
    content = replace(real_content(), holdout=None, holdout_looks=(), validation=validated(LEVELS, samples=("train",)))
    assert plain_verdict(content).startswith("Nothing here tells how the model does on new rows")


def marks(drawing: str) -> tuple[list[float], list[float]]:
    """Middles, across, of observed dots and of fitted squares."""
    dots = re.findall(r'<circle cx="([\d.]+)"[^>]*><title>[^<]*observed', drawing)
    squares = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*><title>[^<]*fitted', drawing)
    return [float(one) for one in dots], [float(x) + float(width) / 2 for x, width in squares]


def test_observed_stands_beside_fitted_where_the_two_agree() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0] * 30, "m": [1.0, 2.0, 4.0] * 30, "code": [0, 1, 2] * 30})
    report = validation_report(
        PandasEngine(),
        frame,
        target="y",
        prediction="m",
        family="poisson",
        bands=3,
        factors={"area": (Read("code", "integer"), LEVELS)},
    )
    drawings = [factor_chart(report.actual_expected["area"]), lift_chart(of(report.lift, "all"), "all")]
    for drawing in drawings:
        observed, fitted = marks(drawing)
        assert len(observed) == len(fitted) == 3
        assert all(right - left > 5 for left, right in zip(observed, fitted, strict=True))


def test_a_run_has_contents_whose_links_lead_somewhere_and_every_section_is_in_them() -> None:
    page = run_page("train", "validation", "holdout")
    listed = re.findall(
        r'<li><a href="#([a-z0-9-]+)">([^<]*)</a></li>', page[page.index("<nav>") : page.index("</nav>")]
    )
    sections = re.findall(r'<h2 id="([a-z-]+)">([^<]*)</h2>', page)
    assert listed == sections
    assert {"figures", "ranking", "double-lift", "model", "factors", "decisions", "provenance"} <= dict(sections).keys()
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def test_a_run_draws_relativities_of_every_factor_with_their_interval() -> None:
    page = run_page("train", "holdout")
    section = page[page.index('id="factor-1"') :]
    drawing = section[section.index("<svg xmlns") :]
    for part in ("Relativity (logarithmic axis)", "base level", "interval", "share of exposure"):
        assert part in section
    assert "B: 1.105" in drawing


def test_a_run_is_set_against_one_rate_for_every_row_where_no_baseline_is_given() -> None:
    report = validated(LEVELS, samples=("train", "holdout"))
    page = render_report(content_of(LEVELS, validation=report))
    section = page[page.index('id="double-lift"') : page.index('id="model"')]
    assert "A is one rate for every row; B is this model." in section
    assert "On sample holdout" in section
    bands = report.calibration.query("sample == 'holdout'")
    average = bands["actual"].sum() / bands["exposure"].sum()
    rows = re.findall(r"<tr>(.*?)</tr>", section)[-len(bands) :]
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows]
    assert [float(row[4]) for row in cells] == pytest.approx([average] * len(bands), rel=1e-3)
    assert [float(row[5]) for row in cells] == pytest.approx(list(bands["predicted_rate"]), rel=1e-3)


def baseline_job(folder: Path, *sets: str) -> Any:
    frame = good_frame()
    draw = np.random.default_rng(3)
    frame["in_use"] = draw.uniform(0.05, 0.5, len(frame))
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "rows.parquet")
    (folder / "job.toml").write_text(BASE.replace("${data}", str(folder / "rows.parquet")))
    return read_config(folder / "job.toml", sets, {})


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ('report.baseline="in_use"', "the column 'in_use'"),
        ('report.baseline={multiply=["in_use", 2]}', "the expression given as baseline"),
    ],
)
def test_a_run_is_set_against_the_predictions_in_use_on_the_judged_sample(
    tmp_path: Path, asked: str, named: str
) -> None:
    result = run_job(baseline_job(tmp_path, asked), local_environment(), JobOptions("one", str(tmp_path / "out")))
    page = html.unescape((Path(result.folder) / "report.html").read_text())
    section = page[page.index('id="double-lift"') : page.index('id="model"')]
    assert f"A is {named}; B is this model." in section
    assert "On sample holdout" in section


def test_a_run_that_may_not_look_at_the_holdout_sets_its_baseline_on_validation(tmp_path: Path) -> None:
    config = baseline_job(tmp_path, 'report.baseline="in_use"', "report.holdout=false")
    result = run_job(config, local_environment(), JobOptions("one", str(tmp_path / "out")))
    page = (Path(result.folder) / "report.html").read_text()
    assert "On sample validation" in page
    assert "looked at the holdout" not in page


PAGES: dict[str, Callable[[], str]] = {
    "study": lambda: render_study_report(real_content()),
    "run": lambda: run_page("train", "validation", "holdout"),
}


@pytest.mark.parametrize("name", PAGES)
def test_cells_of_wide_tables_say_on_a_phone_what_they_are(name: str) -> None:
    page = PAGES[name]()
    for table in re.findall(r"<table.*?</table>", page, flags=re.DOTALL):
        headings = re.findall(r"<th[ >]", table[: table.index("</thead>")])
        kinds = re.findall(r'<table class="([^"]*)"', table)
        if len(headings) <= 4 or "timeline" in (kinds or [""])[0]:
            continue
        assert "cards" in kinds[0]
        assert not re.search(r'<td class="n(?: far)?">', table)
    assert "@media screen and (max-width:640px)" in page
    labels = set(re.findall(r'data-label="([^"]*)"', page))
    assert {"A/E from", "A/E to"} <= labels
    assert not {"from", "to"} & labels


@pytest.mark.parametrize("name", PAGES)
def test_a_chart_wider_than_a_phone_is_there_in_a_phones_width_too(name: str) -> None:
    page = PAGES[name]()
    page = re.sub(r'<figure class="map">.*?</figure>', "", page, flags=re.DOTALL)
    page = re.sub(r'<td class="bar">.*?</td>', "", page)
    for group, width in re.findall(r'(<div class="drawn[^"]*">)?<svg xmlns[^>]*? width="([\d.]+)"', page):
        assert float(width) <= 356 or group == '<div class="drawn">'
    wide, narrow = page.count('<div class="drawn">'), page.count('<div class="drawn phone">')
    assert wide == narrow > 0


@pytest.mark.parametrize("name", PAGES)
def test_every_colour_of_a_drawing_has_one_for_dark_pages(name: str) -> None:
    page = PAGES[name]()
    drawn = re.sub(r'<figure class="map">.*?</figure>', "", page, flags=re.DOTALL)
    drawings = " ".join(re.findall(r"<svg .*?</svg>", drawn, flags=re.DOTALL))
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', drawings))
    assert used
    assert used <= set(DARK)
    assert "@media screen and (prefers-color-scheme:dark)" in page
    for colour in used:
        assert f'svg [fill="{colour}"] {{ fill:{DARK[colour]} }}' in page


@pytest.mark.parametrize("name", PAGES)
def test_a_table_that_fits_a_printed_page_stays_whole(name: str) -> None:
    page = PAGES[name]()
    for table in re.findall(r"<table.*?</table>", page, flags=re.DOTALL):
        lines = table.count("<tr") - 1
        kinds = (re.findall(r'<table class="([^"]*)"', table) or [""])[0].split()
        assert ("short" in kinds) is (lines <= 32)
    printed = page[page.index("@media print") :]
    assert re.search(r"[ ,]table\.short \{ break-inside:avoid \}", printed)


def test_nothing_scrolls_on_paper() -> None:
    style = PAGES["study"]()
    style = style[style.index("<style>") : style.index("</style>")]
    rules = re.findall(r"@media ([^{]*?)\s*\{([^@]*)", style)
    scrolling = [medium for medium, body in rules if "overflow-x:auto" in body]
    assert scrolling
    assert all(medium.startswith("screen") for medium in scrolling)


def test_any_validation_has_a_best_sample() -> None:
    report: ValidationReport = validated(LEVELS, samples=("new", "old"))
    assert headline(render_report(content_of(LEVELS, validation=report))).startswith("On sample 'old'")
