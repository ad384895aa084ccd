"""An automatic study on Spark: spark-submit jobs/run_study.py --conf conf/base/study_quickstart.toml; as glm study."""

from glm_local.job.command import study_answer
from glm_local.job.script import run_script
from glm_spark.job_environment import spark_environment

if __name__ == "__main__":
    run_script(study_answer, spark_environment, __doc__)
