"""An automatic study of all nine factors of the public motor data, in units of one fit of them; and its holdout."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from tests.benchmarks.measurement import Ratio, Report, Settings, at_most, interleaved, ratio, timed
from tests.benchmarks.motor_design import EXPOSURE, PUBLIC_EDGES, PUBLIC_TEXTS, TARGET, made_factors, public_factors
from tests.benchmarks.motor_rows import motor_frame

NAME, TITLE = "study_local", "freMTPL2, automatic study of 9 factors, raw frame to finalized model and report"
PUBLISHED_LOSS = 32.17123
"""Noll, Salzmann and Wüthrich's GLM1 on the rows they held out, in 100 times the mean Poisson deviance."""


def run(settings: Settings) -> Report:
    found = settings.data / "freMTPL2freq.parquet"
    if settings.rows is None and not found.exists():
        return Report(NAME, TITLE, skipped=f"no {found.name} in the data folder; give it by --data")
    rows = _rows(settings)
    factors = public_factors() if settings.rows is None else made_factors()
    last: dict[str, Any] = {}
    contenders = {
        "fit": timed(partial(_fit, rows, factors)),
        "study": timed(lambda: last.update(_study(rows, verify=False))),
        "study with second opinion": timed(lambda: last.update(_study(rows, verify=True))),
    }
    seconds = interleaved(contenders, settings.rounds or 3, warm_up=1)
    ratios = [
        ratio("study / fit", seconds["study"], seconds["fit"], at_most(30)),
        ratio("study with second opinion / fit", seconds["study with second opinion"], seconds["fit"]),
    ]
    if settings.rows is None:
        share = last["holdout loss"] / PUBLISHED_LOSS
        ratios.append(Ratio("holdout deviance / published GLM1", share, share, share, at_most(1)))
    return Report(NAME, TITLE, ratios, seconds, last)


def _rows(settings: Settings) -> pd.DataFrame:
    """The published rows with their published samples; made ones where only few are asked for."""
    if settings.rows is not None:
        made = motor_frame(settings.scratch, settings.rows)
        return made.assign(IDpol=range(len(made)), sample=["holdout" if at % 10 == 0 else "train" for at in made.index])
    rows = pd.read_parquet(settings.data / "freMTPL2freq.parquet").merge(
        pd.read_parquet(settings.data / "freMTPL2_splits.parquet"), on="IDpol"
    )
    learned = rows.pop("noll2018_learn").map({True: "train", False: "holdout"})
    return rows.assign(ClaimNb=rows[TARGET].clip(upper=4), Exposure=rows[EXPOSURE].clip(upper=1), sample=learned)


def _fit(rows: pd.DataFrame, factors: Any) -> None:
    from glm_local import fit_glm

    fit_glm(rows, target=TARGET, factors=factors, exposure=EXPOSURE, on_separation="warn")


def _study(rows: pd.DataFrame, verify: bool) -> dict[str, Any]:
    from glm_local import GLMStudy

    split = {"method": "column", "column": "sample", "values": {"train": ["train"], "holdout": ["holdout"]}}
    study = GLMStudy(
        rows,
        target=TARGET,
        exposure=EXPOSURE,
        key="IDpol",
        candidates=[*PUBLIC_EDGES, *PUBLIC_TEXTS],
        split=split,
    )
    study.auto_design()
    final = study.finalize(verify=verify)
    page = study.report()
    holdout = final.report.summary.set_index("sample").loc["holdout"]
    return {
        "holdout loss": 100 * float(holdout["deviance"]) / int(holdout["rows"]),
        "factors": list(study.accepted),
        "events": len(study.history),
        "page, bytes": len(page),
        "seconds by step": {name: round(taken, 2) for name, taken in study.timings.items()},
    }
