"""How the study report looks in a browser: nothing overflows, no label covers another, every section can be seen."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from glm_local.reports import StudyContent, render_report, render_study_report
from tests.reports.study_report_content import hostile_content, real_content
from tests.reports.test_report_page import content_of

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
CONTENTS: dict[str, Callable[[], StudyContent]] = {"real": real_content, "hostile": hostile_content}

PROBE = """
<pre id="probe"></pre>
<script>
const width = document.documentElement.clientWidth;
const corners = (text) => {
  const box = text.getBBox(), to = text.getScreenCTM(), cut = 1.5;
  return [[box.x + cut, box.y + cut], [box.x + box.width - cut, box.y + cut],
          [box.x + box.width - cut, box.y + box.height - cut], [box.x + cut, box.y + box.height - cut]]
    .map(([x, y]) => [to.a * x + to.c * y + to.e, to.b * x + to.d * y + to.f]);
};
const apart = (a, b) => [a, b].some((shape) => shape.some((p, i) => {
  const q = shape[(i + 1) % 4], axis = [q[1] - p[1], p[0] - q[0]];
  const on = (points) => points.map(([x, y]) => x * axis[0] + y * axis[1]);
  return Math.max(...on(a)) <= Math.min(...on(b)) || Math.max(...on(b)) <= Math.min(...on(a));
}));
const overlaps = [], outside = [];
for (const svg of document.querySelectorAll('main svg')) {
  const texts = [...svg.querySelectorAll('text')].filter((one) => one.textContent && one.getBBox().width > 3);
  const shapes = texts.map(corners), frame = svg.getBoundingClientRect();
  const said = (i) => texts[i].lastChild.textContent;
  shapes.forEach((a, i) => {
    if (a.some(([x, y]) => x < frame.left - 2 || x > frame.right + 2 || y < frame.top - 2 || y > frame.bottom + 2))
      outside.push(svg.getAttribute('aria-label').slice(0, 60) + ': ' + said(i));
    for (let j = i + 1; j < shapes.length; j++)
      if (!apart(a, shapes[j])) overlaps.push(said(i) + ' | ' + said(j));
  });
}
const seen = (one) => { const box = one.getBoundingClientRect(); return box.width > 200 && box.height > 20; };
const wide = [...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > width + 1
  && !one.closest('.wide, .map'));
const covered = [...document.querySelectorAll('td, th')].filter((one) => one.scrollWidth > one.clientWidth + 1);
const headless = [...document.querySelectorAll('section.chapter')].filter(
  (one) => !(one.querySelector('h2') && one.querySelector('p.reading')));
document.getElementById('probe').textContent = JSON.stringify({
  overflow: document.documentElement.scrollWidth - width, overlaps, outside,
  wide: wide.slice(0, 5).map((one) => one.tagName + ': ' + one.textContent.slice(0, 60)),
  covered: covered.slice(0, 5).map((one) => one.textContent.slice(0, 60)),
  sections: [...document.querySelectorAll('[data-section]')].map((one) => [one.dataset.section, seen(one)]),
  unread: headless.map((one) => one.dataset.section), texts: document.querySelectorAll('main svg text').length,
  dead: [...document.querySelectorAll('a')].filter((one) => !document.querySelector(one.getAttribute('href'))).length,
  smallest: Math.min(...[...document.querySelectorAll('main svg text')].filter(
    (one) => one.getBBox().width > 3 && !one.closest('.map')).map(
    (one) => parseFloat(one.getAttribute('font-size')) * one.ownerSVGElement.getScreenCTM().a)),
  paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
  drawn: [...new Set([...document.querySelectorAll('main svg text')].filter(
    (one) => one.getBBox().width > 3 && !one.closest('.map')).map((one) => getComputedStyle(one).fill))],
  ran: typeof window.alerted !== 'undefined',
});
</script>
"""


SMALLEST_WINDOW = 500
"""A window is no narrower; what is, is measured in a frame."""

FRAME = """<!doctype html><body style="margin:0"><pre id="probe"></pre>
<iframe id="phone" src="{page}" style="border:0;width:{width}px;height:1400px"></iframe>
<script>window.onload = () => {{ document.getElementById('probe').textContent =
document.getElementById('phone').contentDocument.getElementById('probe').textContent }}</script></body>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here to draw the page with")
    return found


def run_browser(browser: str, folder: Path, *options: str) -> str:
    asked = [
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        *options,
    ]
    done = subprocess.run(asked, capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        pytest.skip(f"Chromium does not run here: {done.stderr.decode(errors='replace')[-200:]}")
    return done.stdout.decode("utf-8", "replace")


@cache
def page_of(name: str) -> str:
    return render_study_report(CONTENTS[name]())


@cache
def _facts(browser: str, folder: Path, name: str, width: int) -> dict[str, Any]:
    return probed(browser, folder, page_of(name), width)


def probed(browser: str, folder: Path, page: str, width: int = 1000, *options: str) -> dict[str, Any]:
    # The page forbids scripts; the copy that is measured allows the probe and notes whether any other one ran.
    page = POLICY.sub("<script>window.alert = () => { window.alerted = true };</script>", page)
    file = folder / "measured.html"
    file.write_text(page.replace("</main>", f"</main>{PROBE}"), encoding="utf-8")
    if width < SMALLEST_WINDOW:
        framed = folder / "phone.html"
        framed.write_text(FRAME.format(page=file.name, width=width), encoding="utf-8")
        file, options = framed, ("--allow-file-access-from-files", "--virtual-time-budget=4000", *options)
    window = f"--window-size={max(width, SMALLEST_WINDOW)},1400"
    printed = run_browser(browser, folder, window, *options, "--dump-dom", file.as_uri())
    found = re.search(r'<pre id="probe">(.*?)</pre>', printed, re.DOTALL)
    assert found is not None
    facts: dict[str, Any] = json.loads(html.unescape(found.group(1)))
    return facts


@pytest.fixture(scope="module")
def measured(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    folder = tmp_path_factory.mktemp("layout")
    return lambda name, width=1000: _facts(browser, folder, name, width)


def test_the_probe_sees_what_is_wrong(browser: str, tmp_path: Path) -> None:
    texts = "".join(f'<text x="{x}" y="20" font-size="12">{x} label</text>' for x in (10, 30, 190))
    page = (
        f'<main><div style="width:1300px">wide</div><svg aria-label="bad" width="200" height="40">{texts}</svg>'
        '<section class="chapter" data-section="x">no heading</section><a href="#nowhere">dead</a>'
        "<img src=x onerror=alert(1)></main>"
    )
    facts = probed(
        browser, tmp_path, page.replace("<main>", '<meta http-equiv="Content-Security-Policy" content=""><main>')
    )
    assert facts["overlaps"] == ["10 label | 30 label"]
    assert facts["outside"] == ["bad: 190 label"]
    assert facts["overflow"] > 200
    assert facts["unread"] == ["x"]
    assert facts["dead"] == 1


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("width", [1000, 1400])
def test_nothing_is_wider_than_the_window(measured: Callable[..., dict[str, Any]], name: str, width: int) -> None:
    facts = measured(name, width)
    assert facts["overflow"] <= 0
    assert facts["wide"] == []


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("width", [641, 700, 760, 900])
def test_a_narrow_window_scrolls_wide_tables_alone(
    measured: Callable[..., dict[str, Any]], name: str, width: int
) -> None:
    facts = measured(name, width)
    assert facts["overflow"] <= 0
    assert facts["covered"] == []


@pytest.mark.parametrize("name", CONTENTS)
def test_no_label_of_a_drawing_covers_another_or_leaves_it(measured: Callable[..., dict[str, Any]], name: str) -> None:
    facts = measured(name)
    assert facts["texts"] > 100
    assert facts["overlaps"] == []
    assert facts["outside"] == []


@pytest.mark.parametrize("name", CONTENTS)
def test_no_cell_of_a_table_is_cut_off(measured: Callable[..., dict[str, Any]], name: str) -> None:
    assert measured(name)["covered"] == []


@pytest.mark.parametrize("name", CONTENTS)
def test_every_section_can_be_seen_and_says_how_to_read_it(measured: Callable[..., dict[str, Any]], name: str) -> None:
    facts = measured(name)
    assert [section for section, seen in facts["sections"] if not seen] == []
    assert facts["unread"] == []
    assert facts["dead"] == 0
    names = [section for section, _ in facts["sections"]]
    for section in (
        "model",
        "factors",
        "factor-1",
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
    ):
        assert section in names


@pytest.mark.parametrize("name", CONTENTS)
def test_no_script_of_a_name_runs_even_without_the_policy(measured: Callable[..., dict[str, Any]], name: str) -> None:
    assert measured(name)["ran"] is False


def test_the_report_prints_a_factor_to_a_page(browser: str, tmp_path: Path) -> None:
    file, printed = tmp_path / "study.html", tmp_path / "study.pdf"
    file.write_text(page_of("real"), encoding="utf-8")
    run_browser(browser, tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", file.as_uri())
    pages = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
    assert 8 <= pages <= 14


@cache
def run_page() -> str:
    labels = ("(-inf, 18]", "(18, 25]", "(25, 40]", "(40, 60]", "(60, inf)", "a rather long name of a level", "missing")
    return render_report(content_of(labels, title="Motor frequency", warnings=["Level missing has 3 rows."]))


PAGES: dict[str, Callable[[], str]] = {
    "study": lambda: page_of("real"),
    "hostile study": lambda: page_of("hostile"),
    "run": run_page,
}


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_no_table_is_cut_and_every_chart_can_be_read(browser: str, tmp_path: Path, name: str) -> None:
    facts = probed(browser, tmp_path, PAGES[name](), 390)
    assert facts["overflow"] <= 0
    assert facts["wide"] == []
    assert facts["covered"] == []
    assert facts["overlaps"] == []
    assert facts["smallest"] >= 10


@pytest.mark.parametrize("name", ["study", "run"])
def test_on_a_dark_screen_text_and_drawings_stand_out_from_a_dark_page(browser: str, tmp_path: Path, name: str) -> None:
    for options, dark in (((), False), (("--blink-settings=preferredColorScheme=0",), True)):
        facts = probed(browser, tmp_path, PAGES[name](), 1000, *options)
        paper = luminance(facts["paper"])
        assert (paper < 0.05) is dark
        for colour in (facts["ink"], *facts["drawn"]):
            light, shade = sorted((luminance(colour), paper), reverse=True)
            assert (light + 0.05) / (shade + 0.05) >= 4.5, colour


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)`` (WCAG 2.1)."""
    red, green, blue = (int(one) / 255 for one in re.findall(r"\d+", colour)[:3])
    parts = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_a_screenshot_of_the_report_is_not_blank(browser: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow reads the screenshot")
    file, shot = tmp_path / "study.html", tmp_path / "study.png"
    file.write_text(page_of("real"), encoding="utf-8")
    run_browser(browser, tmp_path, "--window-size=1000,2400", f"--screenshot={shot}", file.as_uri())
    drawn = image.open(shot).convert("L")
    ink = sum(drawn.histogram()[:200]) / (drawn.width * drawn.height)
    # A page of text and charts covers some percent; a blank or broken one none or nearly all.
    assert 0.01 < ink < 0.25
