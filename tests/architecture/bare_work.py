"""Run as a script, with names of packages to block: import all of glm_local, fit, score, store and verify without them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class Blocker:
    """Makes packages look as if they were not installed."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = set(packages)

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)
        return None


def import_everything() -> None:
    import glm_local

    for module in pkgutil.walk_packages(glm_local.__path__, "glm_local."):
        if not module.name.endswith("conformance"):  # suites for tests; they bring pytest
            importlib.import_module(module.name)


def work(folder: str) -> None:
    import pandas as pd

    from glm_local import fit_glm, load_model
    from glm_local.cli.commands import run_app

    frame = pd.DataFrame(
        {"claims": [0, 1, 2, 1, 3, 0, 1, 1], "years": [1.0, 1, 2, 1, 2, 1, 1, 2], "area": [*"ABABBAAB"]}
    )
    area = {"kind": "categorical", "name": "area", "column": "area", "missing": "refuse", "unseen": "base"}
    for solver in ("auto", "cells", "blocks", "statsmodels"):
        model = fit_glm(frame, target="claims", factors=[area], exposure="years", solver=solver)
    loaded = load_model(model.save(f"{folder}/model.json"))
    assert loaded.predict({"area": "B", "years": 1}) == model.predict({"area": "B", "years": 1})
    assert "EXP" in model.to_sql("duckdb").upper()
    frame.assign(row=range(len(frame))).to_parquet(f"{folder}/rows.parquet")
    with open(f"{folder}/job.toml", "w", encoding="utf-8") as job:
        job.write(JOB.replace("FOLDER", folder.replace("\\", "/")))
    assert run_app(["run", f"{folder}/job.toml", "--quiet"]) == 0
    assert run_app(["audit", "verify", "--store", f"{folder}/artifacts/audit"]) == 0


JOB = """
job = { name = "bare" }
data = { path = "FOLDER/rows.parquet" }
roles = { target = "claims", exposure = "years" }
split = { method = "column", column = "row", values = { train = [0, 1, 2, 3, 4, 5], holdout = [6, 7] } }
model = { family = "poisson" }
output = { directory = "FOLDER/artifacts" }
[[factors]]
kind = "categorical"
name = "area"
column = "area"
missing = "refuse"
unseen = "base"
"""

if __name__ == "__main__":
    sys.meta_path.insert(0, Blocker(sys.argv[1:]))
    import_everything()
    with tempfile.TemporaryDirectory() as scratch:
        work(scratch)
    assert not {"pyspark", "py4j", "delta"} & {name.partition(".")[0] for name in sys.modules}
