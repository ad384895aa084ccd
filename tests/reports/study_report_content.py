"""Contents for the study report's tests: a real fit on the RAND rows, and one whose every name is hostile."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from glm_local.diagnostics import double_lift
from glm_local.expressions.expression import Read
from glm_local.factors.spec_words import spec_words
from glm_local.job.data_sources import packaged_rows
from glm_local.models.model import Model
from glm_local.models.model_lines import (
    coefficient_rows,
    convergence_words,
    fit_figures,
    model_facts,
    relativity_name,
    role_words,
)
from glm_local.on_pandas.fitting import fit_glm
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.reports import CoefficientRow, Decision, DoubleLift, FactorPage, PairCells, StudyContent
from glm_local.validation import ValidationReport, validation_report

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|'/C calc'!A1"
LONG = "a very long name " * 60
HOSTILE = (
    SCRIPT,
    FORMULA,
    LONG,
    "",
    "   ",
    '"><img src=x onerror=alert(1)>',
    "a\x00b\x1b]0;c",
    "{{ 7*7 }}",
    "&amp;",
    "مرحبا بالعالم",
    "שלום עולם",
    "👨‍👩‍👧 family",
    "東京都",
    "\u202eevil",
    "line\nbreak",
    "@SUM(A1)",
    "]]></svg>",
)
SCREENED = ("disea", "lncoins", "health", "fmde", "lpi", "physlm", "idp", "noise")


def _rows() -> pd.DataFrame:
    rows = packaged_rows("statsmodels:randhie").to_pandas()
    rows["health"] = np.select(
        [rows["hlthp"] == 1, rows["hlthf"] == 1, rows["hlthg"] == 1], ["poor", "fair", "good"], "excellent"
    )
    draw = np.random.default_rng(1974)
    rows["noise"] = draw.normal(size=len(rows))
    person = draw.permutation(int(rows["person"].max()) + 1)[rows["person"]] % 10
    rows["sample"] = np.select([person < 6, person < 8], ["train", "validation"], "holdout")
    return rows


def _numeric(column: str, edges: list[float], **more: Any) -> dict[str, Any]:
    return {"kind": "numeric", "name": column, "column": column, "edges": edges, "missing": "refuse", **more}


HEALTH = {
    "kind": "ordinal",
    "name": "health",
    "column": "health",
    "levels": ["excellent", "good", "fair", "poor"],
    "missing": "refuse",
    "unseen": "refuse",
    "base": {"level": "excellent"},
}
SPECS: tuple[dict[str, Any], ...] = (
    _numeric("disea", [2.5, 5.5, 8.5, 11.5, 15.5, 20.5, 28.5]),
    _numeric("lncoins", [0.5, 3.4, 4.3]),
    HEALTH,
    _numeric("physlm", [0.5], labels=["no", "yes"]),
    {"kind": "linear", "name": "lpi", "column": "lpi", "centre": "mean", "missing": "refuse"},
)


def _fit(rows: pd.DataFrame, specs: Any) -> Model[Any]:
    return fit_glm(rows[rows["sample"] == "train"], target="mdvis", factors=list(specs), dispersion="pearson")


def _deviance(model: Model[Any], rows: pd.DataFrame, sample: str) -> float:
    part = rows[rows["sample"] == sample]
    y, m = part["mdvis"].to_numpy(float), model.predict(part)["prediction"].to_numpy(float)
    return float(2 * np.sum(np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / m), 0) - (y - m)))


def _trials(rows: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for bins in range(1, 9):
        edges = sorted(set(rows["disea"].quantile(np.linspace(0, 1, bins + 1)[1:-1]).round(2)))
        fitted = _fit(rows, [_numeric("disea", edges), *SPECS[1:]])
        train = _deviance(fitted, rows, "train")
        lines.append(
            {
                "bins": bins,
                "train_deviance": train,
                "cv_deviance": train + 18.0 * bins,
                "cv_se": 90.0,
                "validation_deviance": _deviance(fitted, rows, "validation"),
                "bin_count": 4.0 * bins,
                "score": train + 22.0 * bins,
                "chosen": bins == 8,
            }
        )
    return pd.DataFrame(lines)


def _screening(rows: pd.DataFrame) -> pd.DataFrame:
    empty = _deviance(_fit(rows, [_numeric("noise", [-9.0])]), rows, "train")
    draw = np.random.default_rng(3)
    lines = []
    for name in SCREENED:
        edges = sorted(set(np.unique(rows[name].quantile([0.25, 0.5, 0.75])))) if name != "health" else []
        edges = [edge for edge in edges if rows[name].min() <= edge < rows[name].max()] if edges else []
        fitted = _fit(rows, [HEALTH if name == "health" else _numeric(name, edges or [0.5])])
        gain = empty - _deviance(fitted, rows, "train")
        flags = [] if name != "noise" else ["no cross-validated gain"]
        lines.append(
            {
                "factor": name,
                "kind": "ordinal" if name == "health" else "numeric",
                "levels": len(edges) + 1,
                "statistic": gain / 8.6,
                "df": max(len(edges), 1),
                "p_value": float(np.exp(-gain / 17)),
                "q_value": float(min(1, 2 * np.exp(-gain / 17))),
                "train_gain": gain,
                "cv_gain": gain - 30 + draw.normal() * 5,
                "cv_gain_se": 20 + gain / 9,
                "validation_gain": gain / 3,
                "information_value": gain / 4_000,
                "gini": gain / 9_000,
                "missing_share": 0.0,
                "flags": flags,
                "status": "candidate" if name in ("noise", "idp", "fmde") else "in the model",
            }
        )
    table = pd.DataFrame(lines).sort_values("train_gain", ascending=False)
    return table.assign(rank=range(1, len(table) + 1)).reset_index(drop=True)


def _cells(rows: pd.DataFrame, model: Model[Any]) -> pd.DataFrame:
    part = model.predict(rows[rows["sample"] == "train"])
    part["row"] = pd.cut(part["disea"], [-1, 5, 8, 11, 15, 20, 99])
    part["column"] = pd.Categorical(part["health"], HEALTH["levels"])
    grouped = part.groupby(["row", "column"], observed=True)
    cells = grouped.agg(rows=("mdvis", "size"), actual=("mdvis", "sum"), predicted=("prediction", "sum")).reset_index()
    half = 1.96 * np.sqrt(8.6 * cells["predicted"]) / cells["predicted"]
    ratio = cells["actual"] / cells["predicted"]
    return cells.assign(exposure=cells["rows"], lower=ratio - half, upper=ratio + half)


def _double_lift(rows: pd.DataFrame, first: Model[Any], second: Model[Any]) -> pd.DataFrame:
    part = rows[rows["sample"] == "validation"]
    one, two = (model.predict(part)["prediction"].to_numpy(float) for model in (first, second))
    both = double_lift(PandasEngine(), part.assign(first=one, second=two), "first", "second", target="mdvis", bands=8)
    return both[both["sample"] == both["sample"].iloc[0]]


def _validation(model: Model[Any], rows: pd.DataFrame, *samples: str) -> ValidationReport:
    return model.validation(rows[rows["sample"].isin(samples)], sample="sample")


DECISIONS = (
    Decision(
        "2025-03-03 09:12 UTC",
        "m.weber",
        "accepted disea",
        "strongest candidate; eight bins rise smoothly",
        "deviance −2,904 train, −561 ± 71 cross-validated",
    ),
    Decision(
        "2025-03-03 09:31 UTC",
        "m.weber",
        "accepted lncoins",
        "the plan is what the study is about",
        "deviance −701 train, −149 ± 40 cross-validated",
    ),
    Decision(
        "2025-03-03 10:05 UTC", "m.weber", "rejected noise", "gain is within its error", "−3 ± 22 cross-validated"
    ),
    Decision(
        "2025-03-04 08:47 UTC",
        "a.novak",
        "refined disea",
        "levels 6 to 8 were merged and split again after health came in",
        "joint deviance −37; every relativity rises",
    ),
)


@cache
def real_content() -> StudyContent:
    """A study of the RAND rows: five factors, validated, the holdout looked at once."""
    rows = _rows()
    model, before = _fit(rows, SPECS), _fit(rows, [_numeric("disea", [5.5, 11.5, 20.5]), *SPECS[1:3]])
    document = model.document
    old = {one.level or "": one.relativity for one in before.document.coefficients if one.factor == "disea"}
    new = [one.level or "" for one in document.coefficients if one.factor == "disea"]
    lines = dict(zip(new, np.repeat([float(one or 1.0) for one in old.values()], 2), strict=True))
    versions = pd.DataFrame(
        [
            {
                "version": f"v{i}",
                "change": change,
                "factors": len(one.document.factors),
                "coefficients": one.document.statistics.parameters,
                "train_deviance": _deviance(one, rows, "train") / 12_100,
                "validation_deviance": _deviance(one, rows, "validation") / 4_050,
                "fingerprint": one.fingerprint[:12],
            }
            for i, (change, one) in enumerate(
                [("first three factors", before), ("disea refined, physlm and lpi", model)], 1
            )
        ]
    )
    pages = [
        FactorPage(
            str(spec["name"]),
            spec_words(document.factors[i]),
            decisions=[one for one in DECISIONS if str(spec["name"]) in one.what],
        )
        for i, spec in enumerate(SPECS)
    ]
    pages[0] = FactorPage(
        "disea",
        pages[0].words,
        _trials(rows),
        "Optimal among all cuts of 58 pre-bins, bins rising.",
        lines,
        "version 1",
        pages[0].decisions,
    )
    pairs = pd.DataFrame(
        [
            {
                "rank": i,
                "first": a,
                "second": b,
                "cells": c,
                "statistic": s,
                "df": d,
                "p_value": p,
                "q_value": min(1, 2 * p),
                "stability": f,
                "flags": g,
            }
            for i, (a, b, c, s, d, p, f, g) in enumerate(
                [
                    ("disea", "health", 32, 61.2, 21, 0.00001, 1.0, ""),
                    ("lncoins", "health", 16, 14.9, 9, 0.094, 0.6, ""),
                    ("disea", "physlm", 16, 9.1, 7, 0.246, 0.4, "3 thin cells"),
                ],
                1,
            )
        ]
    )
    return StudyContent(
        title="Doctor visits by insurance plan and health",
        subtitle="Visits per person-year, Poisson, log link",
        purpose="How much less is care used when people pay part of it, for whom, and is that more than chance? "
        "Built for the yearly review of cost sharing; not meant to price single contracts.",
        roles={**role_words(document), "Key of the split": "person"},
        model=model_facts(document),
        coefficients=coefficient_rows(document),
        fit_figures=fit_figures(document),
        validation=_validation(model, rows, "train", "validation"),
        factors=pages,
        screening=_screening(rows),
        interactions=pairs,
        pairs=[PairCells("disea", "health", _cells(rows, model), "Training rows, under version 2.")],
        versions=versions,
        double_lifts=[DoubleLift("version 1", "version 2", _double_lift(rows, before, model))],
        decisions=DECISIONS,
        holdout=_validation(model, rows, "holdout"),
        holdout_looks=[
            Decision(
                "2025-03-05 16:20 UTC",
                "a.novak",
                "holdout report",
                "final check before hand-over",
                "A/E and lift by band",
            )
        ],
        second_opinion="statsmodels refitted the model on 214 cells: largest difference of a coefficient 3.1e-11.",
        second_opinion_status="agrees",
        warnings=document.warnings,
        convergence=convergence_words(document),
        fingerprints={"data": "5f" * 32, "specs": "0c" * 32, "model": document.fingerprint},
        packages={**document.versions, "glm_local": "0.1.0"},
        passes={"of the table": "6", "of its packed copy": "31"},
        created="2025-03-05 16:21 UTC",
        relativity_name=relativity_name(document.spec.link),
        exposure_name="person-years",
    )


def level_rows(factor: str, levels: tuple[str, ...], seed: int = 1) -> list[CoefficientRow]:
    """Coefficients of a factor with such levels; the first is the base."""
    draw = np.random.default_rng(seed)
    rows = [
        CoefficientRow(
            f"{factor}[{levels[0]}]", factor, levels[0], 0.0, relativity=1.0, rows=900, exposure=800.0, status="base"
        )
    ]
    for level in levels[1:]:
        estimate, error = float(draw.normal() * 0.3), float(draw.uniform(0.03, 0.3))
        ends = (estimate - 1.96 * error, estimate + 1.96 * error)
        rows.append(
            CoefficientRow(
                f"{factor}[{level}]",
                factor,
                level,
                estimate,
                error,
                estimate / error,
                0.04,
                *ends,
                *(float(np.exp(one)) for one in (estimate, *ends)),
                50,
                float(draw.uniform(5, 200)),
            )
        )
    return rows


def tables_of(
    factors: dict[str, tuple[str, ...]], samples: tuple[str, ...] = ("train", "validation"), rows: int = 6_000
) -> ValidationReport:
    """A validation of random rows over such factors."""
    draw = np.random.default_rng(5)
    codes = {f"code{i}": draw.integers(0, len(levels), rows) for i, levels in enumerate(factors.values())}
    m = 0.2 * np.exp(0.4 * np.sin(codes["code0"])) * draw.uniform(0.7, 1.3, rows)
    frame = pd.DataFrame({"y": draw.poisson(m).astype(float), "m": m, "sample": draw.choice(samples, rows), **codes})
    read = {name: (Read(f"code{i}", "integer"), levels) for i, (name, levels) in enumerate(factors.items())}
    return validation_report(
        PandasEngine(), frame, target="y", prediction="m", family="poisson", sample="sample", factors=read
    )


@cache
def hostile_content() -> StudyContent:
    """Every name and sentence that can come from data or users is hostile; one factor has 300 levels."""
    many = tuple(f"postcode {i:03d} {SCRIPT if i % 50 == 0 else ''}" for i in range(300))
    factors = {SCRIPT: HOSTILE, FORMULA: many, LONG: ("A", "B"), "short": ("no", "yes", "unknown")}
    coefficients = [
        CoefficientRow(
            "(Intercept)",
            estimate=-1.6,
            std_error=0.1,
            statistic=-16.0,
            p_value=0.0,
            lower=-1.8,
            upper=-1.4,
            relativity=0.2,
            relativity_lower=0.165,
            relativity_upper=0.247,
        )
    ]
    for i, (name, levels) in enumerate(factors.items()):
        # A coefficient's level "" means none: the empty text is named, as `coefficient_rows` does.
        coefficients += level_rows(name, tuple(level or "(empty text)" for level in levels), seed=i)
    draw = np.random.default_rng(9)
    decision = Decision("2025-01-01", SCRIPT, FORMULA, LONG, SCRIPT)
    screening = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "factor": [SCRIPT, FORMULA, LONG],
            "p_value": [0.0, np.nan, 1.0],
            "train_gain": [1e9, -3.0, np.nan],
            "flags": [[SCRIPT, FORMULA], (), LONG],
        }
    )
    cells = pd.DataFrame(
        [
            {
                "row": a,
                "column": b,
                "rows": 5,
                "exposure": float(draw.uniform(0, 9)),
                "actual": float(draw.poisson(4)),
                "predicted": float(draw.uniform(0, 6)),
            }
            for a in HOSTILE
            for b in HOSTILE
        ]
    )
    trials = pd.DataFrame(
        {
            "bins": [1, 2, 3],
            "train_deviance": [9.0, 8.0, 7.5],
            "cv_deviance": [9.0, np.nan, np.inf],
            FORMULA: [1.0, 2.0, 3.0],
            "chosen": [False, True, False],
        }
    )
    lift = pd.DataFrame(
        {
            "band": [1, 2, 3],
            "exposure": [5.0, 5.0, 0.0],
            "lowest": [0.5, 1.0, np.nan],
            "highest": [1.0, 2.0, np.inf],
            "actual_rate": [0.2, 0.4, np.nan],
            "rate_a": [0.22, 0.38, np.nan],
            "rate_b": [0.18, 0.44, np.nan],
            "actual_relative": [0.67, 1.33, np.nan],
            "relative_a": [0.73, 1.27, np.nan],
            "relative_b": [0.58, 1.42, np.nan],
        }
    )
    return StudyContent(
        title=SCRIPT,
        subtitle=LONG,
        purpose=f"{SCRIPT} {FORMULA}",
        roles={SCRIPT: FORMULA, "target": LONG},
        model={FORMULA: SCRIPT},
        coefficients=coefficients,
        fit_figures={SCRIPT: FORMULA},
        validation=tables_of(factors),
        factors=[
            FactorPage(SCRIPT, [SCRIPT, LONG], trials, SCRIPT, dict.fromkeys(HOSTILE, 1.1), SCRIPT, [decision]),
            FactorPage(FORMULA, previous={many[i]: 1.0 + i / 900 for i in range(300)}),
        ],
        screening=screening,
        interactions=screening.assign(first=SCRIPT, second=FORMULA),
        pairs=[PairCells(SCRIPT, LONG, cells, SCRIPT)],
        versions=pd.DataFrame(
            {"version": [SCRIPT, FORMULA], "change": [LONG, ""], "fingerprint": ["a" * 64, "b" * 64]}
        ),
        double_lifts=[DoubleLift(SCRIPT, LONG, lift, SCRIPT)],
        decisions=[decision] * 3,
        holdout=tables_of({"short": ("no", "yes")}, ("holdout",)),
        holdout_looks=[decision],
        second_opinion=SCRIPT,
        second_opinion_status="differs",
        warnings=[SCRIPT, LONG],
        convergence=FORMULA,
        converged=False,
        fingerprints={SCRIPT: "a" * 64},
        packages={FORMULA: SCRIPT},
        passes={SCRIPT: "1"},
        created=SCRIPT,
        exposure_name=SCRIPT,
    )
