"""The main job on Spark: spark-submit jobs/run_glm.py --conf conf/base/quickstart.toml; options as of glm run."""

from glm_local.job.command import run_answer
from glm_local.job.script import run_script
from glm_spark.job_environment import spark_environment

if __name__ == "__main__":
    run_script(run_answer, spark_environment, __doc__)
