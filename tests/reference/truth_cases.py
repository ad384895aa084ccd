"""R's reference cases as requests: which columns, how they are read, how R names the coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.expected.golden import figures as truth
from tests.expected.golden import rows

__all__ = ["CASES", "Case", "as_array", "by_r_name", "factors", "r_name", "rows", "truth"]


@dataclass(frozen=True)
class Case:
    """A model of tests/expected/r: `terms` lists factors ("c:Name"), numbers ("n:Name") and crosses ("x:A:B")."""

    id: str
    csv: str
    target: Any
    terms: tuple[str, ...]
    family: str = "poisson"
    options: Mapping[str, Any] = field(default_factory=dict)


def _divide(one: str, two: str) -> dict[str, Any]:
    return {"divide": [one, two]}


CASES = (
    Case(
        "insurance_poisson_offset",
        "insurance",
        "Claims",
        ("c:District", "c:Group", "c:Age"),
        options={"offset": {"log": "Holders"}},
    ),
    Case(
        "insurance_poisson_offset",
        "insurance",
        "Claims",
        ("c:District", "c:Group", "c:Age"),
        options={"exposure": "Holders"},
    ),
    Case(
        "insurance_quasipoisson_offset",
        "insurance",
        "Claims",
        ("c:District", "c:Group", "c:Age"),
        options={"exposure": "Holders", "dispersion": "pearson"},
    ),
    Case(
        "insurance_rate_weights",
        "insurance",
        _divide("Claims", "Holders"),
        ("c:District", "c:Group", "c:Age"),
        options={"weight": "Holders", "dispersion": "pearson"},
    ),
    Case(
        "insurance_interaction",
        "insurance",
        "Claims",
        ("c:District", "c:Group", "c:Age", "x:District:Group"),
        options={"exposure": "Holders"},
    ),
    Case(
        "insurance_no_intercept",
        "insurance",
        "Claims",
        ("c:District", "c:Group", "c:Age"),
        options={"exposure": "Holders", "intercept": False},
    ),
    Case("quine_poisson", "quine", "Days", ("c:Eth", "c:Sex", "c:Age", "c:Lrn")),
    Case("quine_tweedie15", "quine", "Days", ("c:Eth", "c:Sex", "c:Age", "c:Lrn"), "tweedie(1.5)"),
    Case("budworm_logit", "budworm", _divide("dead", "n"), ("c:sex", "n:ldose"), "binomial", {"weight": "n"}),
    Case(
        "budworm_probit",
        "budworm",
        _divide("dead", "n"),
        ("c:sex", "n:ldose"),
        "binomial",
        {"weight": "n", "link": "probit"},
    ),
    Case(
        "budworm_cloglog",
        "budworm",
        _divide("dead", "n"),
        ("c:sex", "n:ldose"),
        "binomial",
        {"weight": "n", "link": "cloglog"},
    ),
    Case(
        "budworm_quasi",
        "budworm",
        _divide("dead", "n"),
        ("c:sex", "n:ldose"),
        "binomial",
        {"weight": "n", "dispersion": "pearson"},
    ),
    Case("warpbreaks_poisson", "warpbreaks", "breaks", ("c:wool", "c:tension")),
    Case("warpbreaks_quasipoisson", "warpbreaks", "breaks", ("c:wool", "c:tension"), options={"dispersion": "pearson"}),
    Case("warpbreaks_interaction", "warpbreaks", "breaks", ("c:wool", "c:tension", "x:wool:tension")),
    Case("warpbreaks_tweedie15", "warpbreaks", "breaks", ("c:wool", "c:tension"), "tweedie(1.5)"),
    Case("dobson", "dobson", "counts", ("c:outcome", "c:treatment")),
    Case("anorexia", "anorexia", "Postwt", ("n:Prewt", "c:Treat"), "gaussian", {"offset": "Prewt"}),
    Case("clotting1_inverse", "clotting", "lot1", ("n:logu",), "gamma", {"link": "inverse"}),
    Case("clotting2_inverse", "clotting", "lot2", ("n:logu",), "gamma", {"link": "inverse"}),
    Case("clotting1_log", "clotting", "lot1", ("n:logu",), "gamma"),
    Case("ships_poisson", "ships", "incidents", ("c:type", "c:year", "c:period"), options={"exposure": "service"}),
    Case(
        "ships_quasi",
        "ships",
        "incidents",
        ("c:type", "c:year", "c:period"),
        options={"exposure": "service", "dispersion": "pearson"},
    ),
    Case(
        "birthwt_logit",
        "birthwt",
        "low",
        ("n:age", "n:lwt", "c:race", "n:smoke", "c:ptd", "n:ht", "n:ui", "c:ftv"),
        "binomial",
    ),
    Case("infert_logit", "infert", "case", ("n:spontaneous", "n:induced"), "binomial"),
    Case("menarche_logit", "menarche", _divide("Menarche", "Total"), ("n:Age",), "binomial", {"weight": "Total"}),
    Case("trees_gamma_log", "trees", "Volume", ("n:lG", "n:lH"), "gamma"),
    Case(
        "recreation_poisson",
        "recreation",
        "trips",
        ("n:quality", "c:ski", "n:income", "c:userfee", "n:costC", "n:costS", "n:costH"),
    ),
    Case(
        "nmes_poisson", "nmes", "visits", ("n:hospital", "c:health", "n:chronic", "c:gender", "n:school", "c:insurance")
    ),
    Case("biochemists_poisson", "biochemists", "art", ("c:fem", "c:mar", "n:kid5", "n:phd", "n:ment")),
)


def factors(case: Case, levels: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Factor documents of a case; the first level is the base, as in R."""
    documents: list[dict[str, Any]] = []
    for term in case.terms:
        kind, *names = term.split(":")
        if kind == "c":
            column = names[0]
            documents.append(
                {
                    "kind": "categorical",
                    "name": column,
                    "column": column,
                    "levels": list(levels[column]),
                    "missing": "refuse",
                    "unseen": "refuse",
                    "base": {"level": levels[column][0]},
                }
            )
        elif kind == "n":
            documents.append({"kind": "linear", "name": names[0], "column": names[0], "missing": "refuse"})
        else:
            documents.append({"kind": "interaction", "name": ":".join(names), "factors": names, "unseen": "refuse"})
    return documents


def r_name(factor: str | None, level: str | None) -> str:
    """R's name of a coefficient."""
    if factor is None:
        return "(Intercept)"
    if level is None:
        return factor
    if ":" in factor:
        return ":".join(f"{name}{one}" for name, one in zip(factor.split(":"), level.split(" × "), strict=True))
    return f"{factor}{level}"


def by_r_name(model: Any, field_name: str) -> dict[str, float]:
    """Coefficient figures under R's names, fitted lines only."""
    return {
        r_name(one.factor, one.level): getattr(one, field_name)
        for one in model.document.coefficients
        if one.status == "fitted"
    }


def as_array(reference: Mapping[str, float | None], names: list[str]) -> np.ndarray:
    """Reference figures in the order of names."""
    return np.array([np.nan if reference[name] is None else reference[name] for name in names], dtype=np.float64)
