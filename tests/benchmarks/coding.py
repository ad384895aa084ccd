"""Raw frame to codes and to blocks, in units of the same coding written by hand in numpy for these columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.benchmarks.measurement import Report, Settings, interleaved, ratio, timed
from tests.benchmarks.motor_design import EXPOSURE, MADE_EDGES, MADE_LEVELS, TARGET, made_factors
from tests.benchmarks.motor_rows import motor_frame

NAME, TITLE = "coding", "1M made rows to factor codes and to packed blocks"
ROWS = 1_000_000


def run(settings: Settings) -> Report:
    from glm_local.expressions.evaluate import evaluate_all
    from glm_local.pandas_rows.pandas_columns import FrameColumns
    from glm_local.pandas_rows.pandas_engine import PandasEngine

    frame = motor_frame(settings.scratch, settings.rows or ROWS)
    design, counting = _design()
    codes = [one.code for one in design.fields]
    engine = PandasEngine()
    contenders = {
        "by hand": timed(lambda: codes_by_hand(frame)),
        "expressions": timed(lambda: evaluate_all(codes, FrameColumns(frame))),
        "blocks": timed(lambda: engine.blocks(frame, design).sum(counting, "benchmark")),
    }
    seconds = interleaved(contenders, settings.rounds or 5)
    ratios = [ratio(f"{name} / by hand", seconds[name], seconds["by hand"]) for name in ("expressions", "blocks")]
    return Report(NAME, TITLE, ratios, seconds)


def codes_by_hand(frame: pd.DataFrame) -> list[NDArray[np.integer]]:
    """Binary search for numbers, factorising for texts: nothing is checked, no value is ever missing."""
    numbers = [np.searchsorted(np.array(edges), frame[name].to_numpy()) for name, edges in MADE_EDGES.items()]
    texts = [pd.Index(levels).get_indexer(pd.Index(pd.unique(frame[name]))) for name, levels in MADE_LEVELS.items()]
    return [*numbers, *(text[pd.factorize(frame[name])[0]] for text, name in zip(texts, MADE_LEVELS, strict=True))]


def _design() -> tuple[Any, Any]:
    """The block design `fit_glm` would pack, and the kernel of its first pass."""
    from glm_local.factors.spec_problems import read_factors
    from glm_local.families.families import family_from, resolve_link
    from glm_local.glm.fit_plan import plan_fit
    from glm_local.glm.kernels import SummaryKernel
    from glm_local.scoring.model_spec import ModelSpec

    family = family_from("poisson")
    link = resolve_link(family, None)
    spec = ModelSpec(
        target=TARGET,
        family=str(family),
        link=str(link),
        exposure=EXPOSURE,
        offset=None,
        weight=None,
        intercept=True,
        ridge=0.0,
        dispersion="fixed",
        confidence=0.95,
    )
    design = plan_fit(read_factors(made_factors()), spec, family, link).design
    return design, SummaryKernel(family, tuple(atom.size for atom in design.atoms), len(design.numerics))
