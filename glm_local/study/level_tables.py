"""Tables per level of one factor: rows, exposure, actual, predicted under the current model, on any sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from glm_local.candidates.code_sums import Measure
from glm_local.candidates.sample_codes import SAMPLES, known_sample
from glm_local.errors import ConfigError
from glm_local.factors.compile_factor import compile_factor
from glm_local.factors.compiled_factor import CompiledFactor
from glm_local.factors.factor_spec import FactorSpec
from glm_local.study.closing import look
from glm_local.study.core import StudyCore

MEASURES: tuple[Measure, ...] = ("rows", "weight", "amount", "fitted", "deviance")
NAMES = ("rows", "exposure", "actual", "predicted", "deviance")


def bin_table(
    study: StudyCore[Any], factor: str, spec: FactorSpec, sample: str, reason: str | None = None
) -> pd.DataFrame:
    """One sample, a line per level; a look at the holdout is recorded before it is shown."""
    known_sample(sample)
    table = by_level(study, spec, (sample,)).drop(columns="sample")
    if sample == "holdout":
        figures = {"actual": float(table["actual"].sum()), "predicted": float(table["predicted"].sum())}
        look(study, f"bin_table of {factor}", reason, figures, factor)
    return table


def validation_table(study: StudyCore[Any], factor: str, spec: FactorSpec) -> pd.DataFrame:
    """Train and validation side by side."""
    table = by_level(study, spec, [one for one in SAMPLES[:2] if study.bench.counts.get(one)])
    wide = table.pivot(index="level", columns="sample")
    wide = wide.reindex(pd.unique(table["level"]))
    wide.columns = pd.Index(["_".join(reversed(pair)) for pair in wide.columns.to_flat_index()])
    return wide.reset_index()


def by_level(study: StudyCore[Any], spec: FactorSpec, samples: Sequence[str]) -> pd.DataFrame:
    """Columns: sample, level, rows, exposure, actual, predicted, actual_to_predicted, deviance. One packed pass.

    Causes that follow the base are lines of their own, where they have rows.
    """
    compiled = compile_factor(spec)
    if not isinstance(compiled, CompiledFactor):
        raise ConfigError.because(
            f"{spec.name!r} is {spec.kind}.",
            "Tables per level are for factors with levels of one column.",
            "See study.find_interactions().pair_cells for interactions.",
        )
    rows, model = study.bench.rows, study.current().model
    source = rows.level_source(spec)
    with study.stage("level tables"):
        sums = rows.code_sums(model, [source.fine], MEASURES, "level tables")
    labels = [*compiled.levels, *(f"{one.cause} (as {one.policy})" for one in compiled.extras)]
    tables = []
    for sample in samples:
        keep = rows.codes_of(sample)
        table = pd.DataFrame({"sample": sample, "level": labels})
        for measure, name in zip(MEASURES, NAMES, strict=True):
            by_code = sums.of(source.fine, measure)[:, keep].sum(axis=1)
            table[name] = np.bincount(source.codes, by_code, minlength=len(labels))
        shown = (table["rows"] > 0) | (table.index < len(compiled.levels))
        tables.append(table[shown])
    found = pd.concat(tables, ignore_index=True)
    with np.errstate(all="ignore"):
        ratio = found["actual"] / found["predicted"]
    return found.assign(rows=found["rows"].astype("int64"), actual_to_predicted=ratio)
