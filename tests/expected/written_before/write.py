"""Write what this version of the code writes: ``python write.py <version>`` with that version on PYTHONPATH.

A run and a study in one audit store on a local folder, a saved model, and the numbers they gave. The store travels as
one archive: its bytes are sealed, and no editor, formatter or line ending shall touch them. Rows, seeds and decisions
are the same every time; times, names of files and hashes are not. A folder that is there is never written again: it
proves that later code reads what earlier code wrote. Only public names are used, so that any version runs this.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from policies import AREA, JOB, policies

HERE = Path(__file__).resolve().parent
ENVIRONMENT = {"USER": "ann", "LOGNAME": "ann", "PYTHONDONTWRITEBYTECODE": "1"}
KEPT = ("policies.csv", "job.toml", "audit.zip", "model.json", "numbers.json")
PLACE = Path("/var/tmp/written_before")
"""Where it is made: the tables' first commit names the place, which shall tell nothing of a machine."""


def write(version: str) -> Path:
    """The folder of a version, made in a temporary one and moved as a whole."""
    target = HERE / version
    if target.exists():
        raise SystemExit(f"{target.name} is there and is never written again. Give another version.")
    os.environ.update(ENVIRONMENT)
    for name in [one for one in os.environ if one.startswith("GLM_")]:
        del os.environ[name]
    PLACE.mkdir()
    try:
        os.chdir(PLACE)
        _make()
        target.mkdir()
        for name in KEPT:
            shutil.move(name, target / name)
    finally:
        os.chdir(HERE)
        shutil.rmtree(PLACE)
    return target


def _make() -> None:
    policies().to_csv("policies.csv", index=False)
    Path("job.toml").write_text(JOB, encoding="utf-8")
    _glm("run", "job.toml", "--run-id", "first")
    Path("artifacts/audit").rename("audit")
    Path("artifacts/first/model.json").rename("model.json")
    numbers = {"run": _run(), "study": _study()}
    numbers["audit"] = json.loads(_glm("audit", "verify", "--store", "audit", "--json"))
    Path("numbers.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    Path("audit/.write_lock").unlink(missing_ok=True)
    shutil.make_archive("audit", "zip", "audit")


def _glm(*arguments: str) -> str:
    asked = [sys.executable, "-m", "glm_local.cli", *arguments]
    return subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout


def _run() -> dict[str, Any]:
    import pandas as pd

    from glm_local import load_model

    model = load_model("model.json")
    rows = pd.read_csv("policies.csv").head(40)
    return {
        "fingerprint": model.fingerprint,
        "deviance": model.statistics.deviance,
        "predicted": [float(one) for one in model.predict(rows)["prediction"]],
    }


def _study() -> dict[str, Any]:
    import pandas as pd

    from glm_local import GLMStudy

    rows = pd.read_csv("policies.csv")
    study = GLMStudy(rows, target="claims", exposure="exposure", key="policy", name="design", user="ann", store="audit")
    study.rank_candidates()
    study.factor("age").optimize(max_bins=3).accept("The young have more.")
    study.accept("area", AREA, reason="The tariff's areas.")
    study.undo("To be looked at again.")
    study.accept("area", AREA, reason="Looked at again.")
    found = {
        "accepted": list(study.accepted),
        "fingerprint": study.model.fingerprint,
        "deviance": study.model.statistics.deviance,
        "predicted": [float(one) for one in study.model.predict(rows.head(40))["prediction"]],
    }
    study.close()
    return {**found, "events": list(study.history["event"])}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(write(sys.argv[1]))
