"""Functions are short, take few arguments, and rooms have tests of their own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.tree import PRODUCT, ROOT, source_files

MOST_STATEMENTS = 40
"""Statements of a body, those of nested blocks included: a formatter cannot change their number."""

MOST_PARAMETERS = 6
WIDE = {
    "glm_local/audit/seals.py": {"write_seal"},
    "glm_local/binning/optimal_bins.py": {"_result", "judge_groups"},
    "glm_local/candidates/candidate.py": {"spec"},
    "glm_local/candidates/open_rows.py": {"open_rows", "opened_rows"},
    "glm_local/candidates/study_rows.py": {"StudyRows.__init__"},
    "glm_local/drawing/plot_area.py": {"PlotArea.__init__"},
    "glm_local/drawing/svg.py": {"text"},
    "glm_local/glm/reference_fit.py": {"fit_statsmodels"},
    "glm_local/glm/reference_problem.py": {"of"},
    "glm_local/job/baseline_lift.py": {"baseline_lift"},
    "glm_local/job/report_content.py": {"report_content"},
    "glm_local/reports/factor_figure.py": {"factor_figure", "_Relativities.__init__"},
    "glm_local/rows/blocks.py": {"make_block"},
    "glm_local/sampling/stratified.py": {"_cut", "draw_sample"},
    "glm_spark/block_store.py": {"SparkBlocks.__init__"},
    "glm_spark/spark_ml.py": {"fit_spark_ml"},
}
"""Functions with more parameters than they should have, that nobody outside calls; the list may only become shorter."""

PUBLIC_ROOMS = ("cli", "diagnostics", "factors", "on_pandas", "study", "workflow", "validation", "screening")
"""Rooms whose functions and methods users call with options by name."""

WITHOUT_TESTS_OF_THEIR_OWN = {"drawing", "on_pandas"}
"""Rooms that are tried where they are used: pictures by the pages, bindings by every public name."""


def _functions() -> Iterator[tuple[str, str, ast.FunctionDef]]:
    for path in source_files(*PRODUCT):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.FunctionDef):
                        yield path.as_posix(), f"{node.name}.{one.name}", one
            elif isinstance(node, ast.Module):
                for one in node.body:
                    if isinstance(one, ast.FunctionDef):
                        yield path.as_posix(), one.name, one


def _statements(function: ast.FunctionDef) -> int:
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1


def _parameters(function: ast.FunctionDef) -> int:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_a_body_has_few_statements() -> None:
    long = {
        f"{path} {name}": _statements(one) for path, name, one in _functions() if _statements(one) > MOST_STATEMENTS
    }
    assert long == {}


def test_functions_nobody_outside_calls_take_few_parameters() -> None:
    wide = {
        (path, name)
        for path, name, one in _functions()
        if _parameters(one) > MOST_PARAMETERS
        and not path.startswith(tuple(f"glm_local/{room}/" for room in PUBLIC_ROOMS))
    }
    known = {(path, name) for path, names in WIDE.items() for name in names}
    assert {one for one in wide if one not in known and (one[0], one[1].split(".")[-1]) not in known} == set()
    plain = {(path, name.split(".")[-1]) for path, name in wide} | wide
    assert {one for one in known if one not in plain} == set(), "no longer wide: take them off the list"


def test_every_room_has_tests_of_its_own() -> None:
    rooms = {path.parts[1] for path in source_files("glm_local") if len(path.parts) > 2}
    tested = {path.parts[1] for path in source_files("tests") if len(path.parts) > 2}
    assert rooms - tested == WITHOUT_TESTS_OF_THEIR_OWN
