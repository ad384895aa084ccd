# Databricks notebook source
# MAGIC %md
# MAGIC # Audit on Delta
# MAGIC
# MAGIC What a validator asks of a study that others made: what happened, who decided, why is a factor in, what changed
# MAGIC between two runs, who looked at the holdout, and was the history tampered with. Reading Delta tables is enough:
# MAGIC the questions are plain SQL.
# MAGIC
# MAGIC The same cells run on one machine (deltalake) and on Spark. Give the widget `store` the folder of an audit; without
# MAGIC one, two small studies are made first, so that there is something to ask.

# COMMAND ----------

from __future__ import annotations

import argparse
import tempfile
from importlib import import_module
from pathlib import Path

if "dbutils" in globals():
    widgets = globals()["dbutils"].widgets
    widgets.dropdown("engine", "spark", ["pandas", "spark"], "Engine")
    widgets.text("store", "", "Folder of the audit's Delta tables")
    widgets.text("folder", "", "Folder for the two small studies, when no audit is given")
    asked_engine, asked_store, asked_folder = widgets.get("engine"), widgets.get("store"), widgets.get("folder")
else:
    parser = argparse.ArgumentParser(description="The auditor's questions, on the local engine or on Spark.")
    parser.add_argument("--engine", choices=["pandas", "spark"], default="pandas")
    parser.add_argument("--store", default="", help="folder of the audit's Delta tables")
    parser.add_argument("--folder", default="", help="folder for the two small studies, when no audit is given")
    arguments, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
    asked_engine, asked_store, asked_folder = arguments.engine, arguments.store, arguments.folder

glm = import_module({"pandas": "glm_local", "spark": "glm_spark"}[asked_engine])
engine = glm.open_engine()
location = asked_store or str(Path(asked_folder or tempfile.mkdtemp()) / "audit")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Something to ask about
# MAGIC
# MAGIC Two analysts design a model of the same rows, one with fewer factors.

# COMMAND ----------

from glm_local.job.data_sources import packaged_rows

if not asked_store:
    rows = packaged_rows("statsmodels:randhie")
    for name, user, most in (("visits 1", "anna", 2), ("visits 2", "bruno", 3)):
        result = glm.run_workflow(
            rows, target="mdvis", key="person", seed=1974, candidates=["disea", "physlm", "fmde", "lpi"],
            binning=glm.BinningRules(max_bins=5, min_rows=300), max_factors=most, name=name, user=user, store=location,
        )
        model, report = result.model, result.finalization.report
        print(name, "by", user, "kept", ", ".join(result.selected_factors))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The studies and their runs

# COMMAND ----------

import pandas as pd

from glm_local import audit
from glm_local.audit.queries import audit_query, tables_at

if asked_engine == "spark":
    from glm_spark.delta_store import open_store as open_on_spark
    from glm_spark.job_environment import has_delta

    store = open_on_spark(engine.spark, location)
    by_sql = has_delta(engine.spark)
else:
    from glm_local.stores.delta_store import open_store

    store = open_store(location)
    by_sql = False


def told(events: list, *columns: str) -> None:
    """Print some columns of events."""
    print(pd.DataFrame(events, columns=list(columns)).to_string(index=False) if events else "nothing")


everything = audit.history(store)
studies = list(dict.fromkeys(event["study_id"] for event in everything))
runs = {study: [e["run_id"] for e in everything if e["study_id"] == study][-1] for study in studies}
print(pd.Series(runs, name="last run").to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## What happened

# COMMAND ----------

told(audit.history(store, studies[0]), "seq", "by_user", "event", "factor", "reason")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who decided on a factor, and why is it in

# COMMAND ----------

decided = [event for event in everything if event["event"] == "accepted"]
factor = decided[0]["factor"]
who = audit.who_decided(store, factor)
told(who, "study_id", "by_user", "at", "event", "reason")
why = audit.why_is_it_in(store, runs[studies[0]], factor)
told(why, "seq", "event", "reason")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What changed between two runs
# MAGIC
# MAGIC Relativities side by side, where they differ.

# COMMAND ----------

changes = audit.what_changed(store, runs[studies[0]], runs[studies[-1]])
told(changes, "term", "relativity_a", "relativity_b")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who looked at the holdout

# COMMAND ----------

looks = {study: audit.holdout_looks(store, study) for study in studies}
for study in studies:
    told(looks[study], "study_id", "by_user", "at", "reason")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What it takes to run it again

# COMMAND ----------

again = audit.reproduce(store, runs[studies[-1]])
print("models:", again["models"])
print("data:", again["run"]["data"], "code:", again["run"]["package_version"])
print("decisions:", len(again["decisions"]))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The same as plain SQL
# MAGIC
# MAGIC No package of ours is needed to ask: these statements run wherever the tables can be read.

# COMMAND ----------

questions = {
    "who_decided": {"study": studies[0], "factor": factor},
    "holdout_looks": {"study": studies[0]},
    "what_changed": {"run_a": runs[studies[0]], "run_b": runs[studies[-1]]},
}
answers = {}
for question, asked in questions.items():
    sql = audit_query(question, asked, tables_at(location))
    print(sql, end="\n\n")
    if by_sql:
        answers[question] = engine.spark.sql(sql).toPandas()
        print(answers[question].drop(columns="payload", errors="ignore").to_string(index=False))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Was anything changed
# MAGIC
# MAGIC Every event carries the hash of the one before and of the rows written with it.

# COMMAND ----------

verified = audit.verify(store)
print(verified)
