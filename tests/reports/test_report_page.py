"""The report page: self-contained, harmless whatever names the data hold, complete, and one number one format."""

from __future__ import annotations

import html.parser
import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from glm_local.drawing.svg import nice_ticks, tick_text
from glm_local.expressions.expression import Read
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.reports import CoefficientRow, Decision, ReportContent, render_report, safe_table
from glm_local.reports.factor_chart import MOST_LEVELS, factor_chart, interval_bar, interval_scale
from glm_local.reports.factor_section import MOST_ROWS
from glm_local.reports.verdict import plain_verdict
from glm_local.texts.safe_cell import safe_cell
from glm_local.validation import ValidationReport, validation_report

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|'/C calc'!A1"
HOSTILE = (SCRIPT, FORMULA, '"><img src=x onerror=alert(1)>', "a\x00b\x1b]0;c", "{{ 7*7 }}", "Île-de-France", "&amp;")


def validated(
    labels: tuple[str, ...], rows: int = 4_000, samples: tuple[str, ...] = ("train", "holdout")
) -> ValidationReport:
    draw = np.random.default_rng(1)
    code = draw.integers(0, len(labels), rows)
    m = 0.1 * (1 + code % 5) * draw.uniform(0.8, 1.2, rows)
    drawn = draw.choice(samples, rows)
    frame = pd.DataFrame({"y": draw.poisson(m).astype(float), "m": m, "code": code, "sample": drawn})
    return validation_report(
        PandasEngine(),
        frame,
        target="y",
        prediction="m",
        family="poisson",
        sample="sample",
        factors={"area": (Read("code", "integer"), labels)},
    )


def coefficients(labels: tuple[str, ...]) -> list[CoefficientRow]:
    rows = [
        CoefficientRow(
            "(Intercept)",
            estimate=-2.3,
            std_error=0.05,
            statistic=-46.0,
            p_value=0.0,
            lower=-2.4,
            upper=-2.2,
            relativity=0.1,
            relativity_lower=0.09,
            relativity_upper=0.11,
        )
    ]
    rows.append(
        CoefficientRow(
            f"area[{labels[0]}]", "area", labels[0], 0.0, relativity=1.0, rows=90, exposure=80.0, status="base"
        )
    )
    for i, label in enumerate(labels[1:], start=1):
        estimate = 0.1 * (i % 7)
        rows.append(
            CoefficientRow(
                f"area[{label}]",
                "area",
                label,
                estimate,
                0.1,
                estimate / 0.1,
                0.04,
                estimate - 0.196,
                estimate + 0.196,
                math.exp(estimate),
                math.exp(estimate - 0.196),
                math.exp(estimate + 0.196),
                50,
                40.0 + i,
            )
        )
    return rows


def content_of(labels: tuple[str, ...] = HOSTILE, **options: object) -> ReportContent:
    known: dict[str, object] = {
        "title": f"Model {SCRIPT}",
        "subtitle": "Poisson, log link",
        "coefficients": coefficients(labels),
        "validation": validated(labels),
        "warnings": [f"level {SCRIPT} is aliased"],
        "fit_figures": {"AIC": "1,234.5"},
        "fingerprints": {"data": "a" * 64},
        "versions": {"numpy": "2.3"},
        "decisions": [Decision("2025-01-01", SCRIPT, "accepted area", FORMULA)],
        "convergence": "5 steps",
        "passes": {"fit": "1"},
        "second_opinion": "largest difference 3e-10",
        "second_opinion_status": "agrees",
        "created": "2025-01-02 10:00 UTC",
    }
    return ReportContent(**(known | options))  # type: ignore[arg-type]


class Reader(html.parser.HTMLParser):
    """Collects tags and attributes, and checks that tags close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "line", "rect", "path", "circle", "polygon"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open[-1:]:
            self.open.pop()
        elif tag not in ("line", "rect", "path", "circle", "polygon"):
            raise AssertionError(f"</{tag}> closes {self.open[-1:]}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_runs_nothing_and_loads_nothing_whatever_names_the_data_hold() -> None:
    page = render_report(content_of())
    reader = Reader(page)
    assert not {"script", "img", "iframe", "link", "object", "embed", "form"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("src", "style")]
    assert all(re.fullmatch(r"#[a-z-]+\d*", value) for name, value in reader.attributes if name == "href")
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page


def test_every_tag_of_the_page_closes() -> None:
    assert Reader(render_report(content_of())).open == []


def test_hostile_names_are_shown_as_they_are_written() -> None:
    words = " ".join(Reader(render_report(content_of())).words)
    for name in (SCRIPT, FORMULA, "{{ 7*7 }}", "Île-de-France", "&amp;", '"><img src=x onerror=alert(1)>'):
        assert name in words, name


def test_control_characters_do_not_reach_the_page() -> None:
    page = render_report(content_of())
    assert "a\ufffdb\ufffd]0;c" in page
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", page)


def test_every_drawing_is_valid_xml() -> None:
    page = render_report(content_of())
    drawings = re.findall(r"<svg .*?</svg>(?!</svg>)", re.sub(r"<svg x=", "<svg  x=", page), flags=re.DOTALL)
    assert len(drawings) > len(HOSTILE)
    for chart in (
        factor_chart(validated(HOSTILE).actual_expected["area"].query("sample == 'train'"), SCRIPT),
        validated(HOSTILE).plot()._repr_svg_(),
    ):  # type: ignore[attr-defined]
        ElementTree.fromstring(chart)


def test_the_page_has_every_part_a_reader_looks_for() -> None:
    page = render_report(content_of())
    for part in (
        "Key figures",
        "Warnings",
        "Calibration",
        "Lift",
        "Lorenz",
        "Second opinion",
        "Convergence",
        "Reads of all rows",
        "Fingerprints",
        "Versions",
        "Decisions",
        "Definitions",
        "A/E train",
        "base",
        "(Intercept)",
        "1,234.5",
        "a" * 64,
        "largest difference 3e-10",
        "2025-01-02 10:00 UTC",
    ):
        assert part in page, part


def test_every_level_is_listed_in_the_factors_order_with_its_base() -> None:
    labels = tuple(f"bin_{i}" for i in range(1, 13))
    page = render_report(content_of(labels))
    cells = re.findall(r'<td class="level">(bin_\d+)', page)
    assert cells == list(labels)
    assert page.count('<tr class="base">') == 1


def test_a_dropped_level_says_why_and_shows_no_number() -> None:
    labels = ("A", "B", "C", "D")
    rows = coefficients(labels)
    for i, status in zip((2, 3, 4), ("aliased", "empty", "separated"), strict=True):
        rows[i] = CoefficientRow(f"area[{labels[i - 1]}]", "area", labels[i - 1], status=status)
    page = render_report(content_of(labels, coefficients=rows))
    for note in ("aliased: determined by other terms", "no training rows", "separated: the estimate runs away"):
        assert note in page
    words = " ".join(word for word in Reader(page).words if ":root" not in word)
    assert not re.search(r"\b(nan|None|inf)\b", words.replace("None of the", ""))


def test_a_factor_of_thousands_of_levels_stays_readable() -> None:
    labels = tuple(f"postcode {i}" for i in range(2_000))
    page = render_report(content_of(labels))
    assert page.count('<td class="level">') == MOST_ROWS + 1
    assert f"{2_000 - MOST_ROWS} levels with less exposure are not shown" in page
    assert re.search(rf"the {MOST_LEVELS} of \d+ levels with most exposure", page)
    assert len(page) < 600_000


def test_a_model_without_factors_or_warnings_still_has_a_page() -> None:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"y": draw.poisson(0.2, 500).astype(float), "m": 0.2})
    report = validation_report(PandasEngine(), frame, target="y", prediction="m", family="poisson")
    page = render_report(
        content_of(
            coefficients=[CoefficientRow("(Intercept)", estimate=-1.6)],
            validation=report,
            warnings=[],
            decisions=[],
            fit_figures={},
            passes={},
        )
    )
    assert Reader(page).open == []
    assert "Warnings</h2>" not in page


def test_without_relativities_the_page_shows_estimates() -> None:
    labels = ("A", "B", "C")
    page = render_report(content_of(labels, relativity_name=""))
    assert "Relativity" not in page


def test_rows_left_out_are_reported() -> None:
    frame = pd.DataFrame({"y": [1.0, None, 0.0, 2.0], "m": [0.5, 0.5, 0.5, 0.5]})
    report = validation_report(PandasEngine(), frame, target="y", prediction="m", family="poisson")
    page = render_report(content_of(("A", "B"), validation=report))
    assert "target missing" in page
    assert "some rows left out" in page


def test_the_verdict_says_in_words_what_the_tables_say() -> None:
    verdict = plain_verdict(content_of(("A", "B", "C")))
    assert "On the holdout" in verdict
    assert "within chance" in verdict
    assert "None of the 3 factor levels" in verdict
    assert "second, independent solver gives the same" in verdict
    assert "There is 1 warning below." in verdict


def test_the_verdict_names_levels_that_are_off_and_a_level_that_is_wrong() -> None:
    draw = np.random.default_rng(3)
    code = draw.integers(0, 3, 9_000)
    m = np.full(9_000, 0.3)
    frame = pd.DataFrame({"y": draw.poisson(m * np.where(code == 1, 1.6, 1.05)).astype(float), "m": m, "code": code})
    report = validation_report(
        PandasEngine(),
        frame,
        target="y",
        prediction="m",
        family="poisson",
        factors={"area": (Read("code", "integer"), ("A", "B", "C"))},
    )
    verdict = plain_verdict(
        content_of(("A", "B", "C"), validation=report, converged=False, second_opinion_status="differs")
    )
    assert verdict.startswith("The fit did not converge")
    assert "leaves out 1, so the level is too low" in verdict
    assert "area = B (A/E 1." in verdict
    assert "look into this" in verdict


def test_spreadsheets_run_nothing() -> None:
    for text in (FORMULA, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "＝1"):
        assert safe_cell(text) == f"'{text}"
    for value in ("R24", "(1, 2]", "-1", "+1.5e3", "12 %", "", 1, -1.5, None, True):
        assert safe_cell(value) == value


def test_a_table_for_a_spreadsheet_is_safe_in_cells_names_and_index() -> None:
    table = pd.DataFrame({FORMULA: [FORMULA, "A"], "n": [-1.0, 2.0]}, index=["@x", "y"])
    safe = safe_table(table)
    assert list(safe.columns) == [f"'{FORMULA}", "n"]
    assert safe.iloc[0, 0] == f"'{FORMULA}"
    assert list(safe.index) == ["'@x", "y"]
    assert safe["n"].tolist() == [-1.0, 2.0]
    assert table.columns[0] == FORMULA


def test_an_interval_bar_clips_and_marks_what_is_off_its_scale() -> None:
    scale = interval_scale([0.9, 1.1], [0.8, 0.0001], [1.2, 9_000.0], logarithmic=True)
    assert scale.low < 0.9 < 1.1 < scale.high < 9_000
    bar = interval_bar(1.1, 0.0001, 9_000.0, scale)
    assert bar.count("<polygon") == 2
    assert interval_bar(1.0, math.nan, math.nan, scale).count("<polygon") == 0


def test_ticks_cover_the_range_and_share_their_decimals() -> None:
    for low, high in ((0, 0.43), (0.097, 0.103), (-3.2, 7.7), (0, 24_641), (1, 1), (0, 1e-9)):
        ticks = nice_ticks(low, high)
        assert ticks[0] <= low
        assert ticks[-1] >= high
        texts = [tick_text(tick, ticks) for tick in ticks]
        assert len({len(text.rpartition(".")[2]) for text in texts if "." in text}) <= 1


@pytest.mark.parametrize("samples", [("train",), ("train", "validation"), ("a", "b", "c", "d", "e", "f")])
def test_any_set_of_samples_can_be_drawn(samples: tuple[str, ...]) -> None:
    page = render_report(content_of(("A", "B"), validation=validated(("A", "B"), samples=samples)))
    for name in samples:
        assert f"{name}: Gini" in page
