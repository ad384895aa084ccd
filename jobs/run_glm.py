"""The main job on Spark: spark-submit jobs/run_glm.py --conf conf/base/quickstart.toml; options as of glm run."""

from __future__ import annotations

import argparse
import sys

from glm_local.job.command import RunArguments, answered, run_answer
from glm_spark.job_environment import spark_environment


def main() -> int:
    """Run the job and return its exit code: 0 ok, 2 bad configuration, 3 bad data, 4 not converged, 1 anything else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conf", required=True, help="the job's TOML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="put into the file: model.ridge=0.1"
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="value of a ${NAME} in the file"
    )
    parser.add_argument("--run-id", help="name of the run; made of configuration, data and code otherwise")
    parser.add_argument("--out", help="folder for the run's files; wins over output.directory")
    parser.add_argument("--store", help="folder or URI of the audit; wins over output.store")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument("--json", action="store_true", help="one JSON line on standard output")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    asked = parser.parse_args()
    arguments = RunArguments(asked.conf, asked.set, asked.param, asked.run_id, asked.out, asked.store, asked.quiet)
    return answered(lambda: run_answer(arguments, spark_environment), asked.json, asked.debug)


if __name__ == "__main__":
    code = main()
    if code:  # Databricks takes any sys.exit for a failure
        sys.exit(code)
