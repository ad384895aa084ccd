"""What an automatic study explains of the holdout, on seven sets of real rows.

`python -m tests.benchmarks.honesty.real_rows`. A line per set: the share of the null deviance explained on the holdout,
the mean of the splits, and how many levels are thin. The rule before: ``--before``; another floor, or none: ``--evidence 0``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glm_local.binning.rules import BinningRules
from glm_local.candidates.measured_model import sample_deviances
from glm_local.inference.thin_levels import SHARES, thin_levels
from glm_local.on_pandas.studies import GLMStudy
from glm_local.study.design import Design
from tests.benchmarks.honesty.__main__ import BEFORE

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
MOTOR_ROWS = 80_000

Set = tuple[pd.DataFrame, dict[str, Any]]


def german_credit(folder: Path) -> Set:
    rows = _read(folder, "german_credit")
    rows["bad"] = (rows.pop("creditability") == "bad").astype(float)
    return rows, {"target": "bad", "family": "binomial"}


def hmeq(folder: Path) -> Set:
    rows = _read(folder, "hmeq")
    rows["BAD"] = rows["BAD"].astype(float)
    return rows, {"target": "BAD", "family": "binomial"}


def swmotorcycle(folder: Path) -> Set:
    rows = _read(folder, "swmotorcycle")
    rows = rows[rows["Exposure"] > 0].drop(columns="ClaimAmount")
    return rows, {"target": "ClaimNb", "exposure": "Exposure"}


def ausprivauto_frequency(folder: Path) -> Set:
    rows = _read(folder, "ausprivauto0405").drop(columns=["ClaimOcc", "ClaimAmount"])
    return rows, {"target": "ClaimNb", "exposure": "Exposure"}


def ausprivauto_severity(folder: Path) -> Set:
    return _severity(_read(folder, "ausprivauto0405").drop(columns=["ClaimOcc", "Exposure"]))


def motor_frequency(folder: Path) -> Set:
    rows = _read(folder, "freMTPL2freq")
    rows["ClaimNb"], rows["Exposure"] = rows["ClaimNb"].clip(upper=4), rows["Exposure"].clip(upper=1)
    rows = rows.drop(columns="IDpol").sample(MOTOR_ROWS, random_state=0)
    return rows, {"target": "ClaimNb", "exposure": "Exposure"}


def motor_severity(folder: Path) -> Set:
    claims = _read(folder, "freMTPL2sev").groupby("IDpol")["ClaimAmount"].agg(["sum", "size"])
    rows = _read(folder, "freMTPL2freq").merge(claims, left_on="IDpol", right_index=True)
    rows["ClaimAmount"], rows["ClaimNb"] = rows.pop("sum"), rows.pop("size")
    return _severity(rows.drop(columns=["IDpol", "Exposure"]))


SETS: dict[str, Callable[[Path], Set]] = {
    "German credit": german_credit,
    "hmeq": hmeq,
    "swmotorcycle": swmotorcycle,
    "ausprivauto frequency": ausprivauto_frequency,
    "ausprivauto severity": ausprivauto_severity,
    "freMTPL2 frequency": motor_frequency,
    "freMTPL2 severity": motor_severity,
}


def _read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def _severity(rows: pd.DataFrame) -> Set:
    rows = rows[rows["ClaimAmount"] > 0]
    rows["ClaimAmount"] = rows["ClaimAmount"] / rows["ClaimNb"]
    return rows, {"target": "ClaimAmount", "weight": "ClaimNb", "family": "gamma", "link": "log"}


def explained(given: Set, seed: int, asked: dict[str, Any]) -> tuple[float, int, float]:
    """Share of the holdout's null deviance explained, thin levels, and CPU seconds of the automatic study."""
    rows, said = given
    roles = {said[one] for one in ("target", "exposure", "weight") if one in said}
    rows = rows.reset_index(drop=True).assign(row_id=np.arange(len(rows)))
    names = [name for name in rows if name not in roles and name != "row_id"]
    study = GLMStudy(rows, key="row_id", candidates=names, name="s", seed=seed, **said)
    begun = time.process_time()
    study.auto_design(**asked)
    seconds = time.process_time() - begun
    model, nothing = study.current().model, study.bench.fitted(Design()).model
    now, before = (
        sample_deviances(study.bench.rows, one, ("holdout",))["holdout"].deviance for one in (model, nothing)
    )
    return 1 - now / before, len(thin_levels(model)), seconds


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--before", action="store_true", help="one standard error and the test of the searched bins")
    parser.add_argument("--evidence", type=float, help="another floor than the profile's; 0 is none")
    parser.add_argument("--profile", choices=list(SHARES))
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    given = parser.parse_args()
    rules = BinningRules(min_evidence=given.evidence, profile=given.profile or "insurance")
    asked = BEFORE if given.before else {"rules": rules}
    print("| Rows | holdout explained | split by split | thin levels | CPU s |")
    print("|---|---|---|---|---|")
    for name in given.sets:
        lines = np.array([explained(SETS[name](given.data), seed, asked) for seed in range(given.splits)])
        each = ", ".join(f"{one:.4f}" for one in lines[:, 0])
        print(
            f"| {name} | {lines[:, 0].mean():.4f} | {each} | {lines[:, 1].mean():.1f} | {lines[:, 2].mean():.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
