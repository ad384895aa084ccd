"""``python -m tests.benchmarks [name ...]``: run benchmarks, print their tables, write JSON where asked."""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tests.benchmarks.measurement import Report, Settings
from tests.benchmarks.report import printed, write

NAMES = (
    "local_fit",
    "coding",
    "small_parts",
    "spark_fit",
    "spark_ml",
    "scaling",
    "partitions",
    "study_local",
    "study_spark",
    "screening_peers",
    "binning_peers",
    "honesty.pairs",
    "honesty.clusters",
)
ON_REQUEST = ("kill_stress",)
HELP = f"of {', '.join(NAMES)} (all when none is given), or {', '.join(ON_REQUEST)}"
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=HELP)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of freMTPL2freq.parquet")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path(tempfile.gettempdir()) / "glm-spark-benchmarks",
        help="folder where made rows are kept",
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--rounds",
        type=int,
        help="interleaved rounds, or made-up studies of each kind; each benchmark has its own number",
    )
    parser.add_argument("--rows", type=int, help="few made rows instead of the stated ones: only to see that it runs")
    parser.add_argument("--no-peers", action="store_true", help="leave other packages out")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has glum and rustystats")
    asked = parser.parse_args(given)
    unknown = [name for name in asked.names if name not in NAMES + ON_REQUEST]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES + ON_REQUEST)}")
    return asked


def main(given: list[str]) -> list[Report]:
    asked = arguments(given)
    settings = Settings(asked.data, asked.scratch, asked.rounds, asked.rows, not asked.no_peers, asked.peer_python)
    reports: list[Report] = []
    for name in asked.names or NAMES:
        reports.append(import_module(f"tests.benchmarks.{name}").run(settings))
        print(printed(reports[-1]), flush=True)
        if asked.out:
            write(asked.out, reports)
    return reports


if __name__ == "__main__":
    main(sys.argv[1:])
