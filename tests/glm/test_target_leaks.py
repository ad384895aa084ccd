from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glm_local import ConfigError, FitError, GlmError, fit_glm
from glm_local.job.read_config import read_config

DRAW = np.random.default_rng(5)
ROWS = pd.DataFrame(
    {"claims": DRAW.poisson(0.4, 2_000), "years": DRAW.uniform(0.2, 1, 2_000), "age": DRAW.integers(18, 80, 2_000)}
)
ROWS["bad"] = (ROWS.age + DRAW.normal(0, 20, 2_000) > 60).astype(int)

ON_TARGET: dict[str, dict[str, Any]] = {
    "numeric": {"kind": "numeric", "name": "n", "column": "claims", "edges": [0, 1], "missing": "refuse"},
    "linear": {"kind": "linear", "name": "l", "column": "claims", "missing": "refuse"},
    "categorical": {
        "kind": "categorical",
        "name": "c",
        "column": "claims",
        "source": "integer",
        "missing": "refuse",
        "unseen": "base",
    },
    "an expression": {
        "kind": "linear",
        "name": "e",
        "expression": {"log": {"add": ["claims", "age", 1]}},
        "missing": "refuse",
    },
}


@pytest.mark.parametrize("name", ON_TARGET)
@pytest.mark.parametrize("target", ["claims", {"divide": ["claims", "years"]}])
def test_a_factor_that_reads_the_target_is_refused(name: str, target: Any) -> None:
    with pytest.raises(GlmError, match="reads 'claims', which is the target"):
        fit_glm(ROWS, target=target, factors=[ON_TARGET[name]], weight="years")


def test_a_column_that_is_known_before_the_target_may_be_a_factor() -> None:
    years = {"kind": "numeric", "name": "years", "column": "years", "edges": [0.5], "missing": "refuse"}
    fit_glm(ROWS, target={"divide": ["claims", "years"]}, factors=[years], weight="years")
    fit_glm(ROWS, target="claims", factors=[years], exposure="years")


@pytest.mark.parametrize("reads", ['column = "claims"', 'column = "twice"'])
def test_a_job_refuses_it_too_through_derived_columns(reads: str, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(
        '[job]\nname = "a"\n[data]\npath = "rows.parquet"\n[data.derive]\ntwice = { multiply = ["claims", 2] }\n'
        '[roles]\ntarget = "claims"\nkey = "id"\n[split]\nmethod = "hash"\n[model]\nfamily = "poisson"\n'
        f'[[factors]]\nkind = "linear"\nname = "x"\n{reads}\nmissing = "refuse"\n'
    )
    with pytest.raises(ConfigError, match="which is the target"):
        read_config(str(tmp_path / "job.toml"))


def levels_of(flag: pd.Series) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = ROWS.assign(told=np.where(flag, "yes", "no"))
    return rows, {"kind": "categorical", "name": "told", "column": "told", "missing": "refuse", "unseen": "base"}


def test_a_factor_that_nearly_tells_the_target_is_a_leak_suspect() -> None:
    rows, told = levels_of((ROWS.bad == 1) ^ (ROWS.index % 500 == 0))
    assert any(
        "'told' alone explains" in one
        for one in fit_glm(rows, target="bad", family="binomial", factors=[told]).warnings
    )
    rows, told = levels_of(ROWS.bad == 1)
    with pytest.raises(FitError, match=r"separation.*'told' alone explains 100.0%"):
        fit_glm(rows, target="bad", family="binomial", factors=[told])
    rows, told = levels_of(ROWS.age > 60)
    assert not fit_glm(rows, target="bad", family="binomial", factors=[told]).warnings
