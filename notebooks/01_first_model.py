# Databricks notebook source
# MAGIC %md
# MAGIC # A first model
# MAGIC
# MAGIC Visits to a doctor in the RAND Health Insurance Experiment: 20,190 person-years that come with statsmodels.
# MAGIC The question: how much less is care used when people pay part of it?
# MAGIC
# MAGIC The same cells run on one machine (pandas) and on Spark. On Databricks the widget `engine` says which;
# MAGIC elsewhere: `python notebooks/01_first_model.py --engine pandas` or `--engine spark`.

# COMMAND ----------

from __future__ import annotations

import argparse
import tempfile
from importlib import import_module
from pathlib import Path

if "dbutils" in globals():
    widgets = globals()["dbutils"].widgets
    widgets.dropdown("engine", "spark", ["pandas", "spark"], "Engine")
    widgets.text("folder", "", "Folder for the model file")
    asked_engine, asked_folder = widgets.get("engine"), widgets.get("folder")
else:
    parser = argparse.ArgumentParser(description="A first model on the local engine or on Spark.")
    parser.add_argument("--engine", choices=["pandas", "spark"], default="pandas")
    parser.add_argument("--folder", default="", help="folder for the model file; a temporary one otherwise")
    arguments, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
    asked_engine, asked_folder = arguments.engine, arguments.folder

# The package that is imported is the engine: both have the same names with the same signatures.
glm = import_module({"pandas": "glm_local", "spark": "glm_spark"}[asked_engine])
engine = glm.open_engine()
folder = Path(asked_folder or tempfile.mkdtemp())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Rows, and which of them train
# MAGIC
# MAGIC Rows go to samples by a hash of their key, so the split is the same on both engines and for any order of rows.
# MAGIC The key is the person: all years of a person stay together.

# COMMAND ----------

from glm_local.job.data_sources import packaged_rows

rows = packaged_rows("statsmodels:randhie")  # an Arrow table; any engine takes it
split = glm.learn_split(engine, rows, glm.read_split({
    "method": "hash", "key": "person", "seed": 1974,
    "fractions": {"train": 0.6, "validation": 0.2, "holdout": 0.2},
}))
people = engine.with_columns(rows, {"sample": split.sample(engine.columns(rows))})

# COMMAND ----------

# MAGIC %md
# MAGIC ## Factors
# MAGIC
# MAGIC A factor says how raw columns become levels, and what missing and unseen values become. Nothing is assumed.

# COMMAND ----------

factors = [
    {
        "kind": "numeric", "name": "coinsurance", "column": "lncoins",  # log(coinsurance in percent + 1)
        "edges": [0.1, 3.5, 4.2], "labels": ["0 %", "25 %", "50 %", "95 % and more"],
        "missing": "refuse", "base": {"level": "0 %"},
    },
    {
        "kind": "numeric", "name": "diseases", "column": "disea", "edges": [5, 10, 15, 25],
        "missing": "own_level",  # none is missing here; a later table may have some
    },
    {
        "kind": "categorical", "name": "limited", "column": "physlm", "source": "number",
        "levels": [{"level": "no", "values": [0]}, {"level": "yes", "values": [1]}],
        "missing": "base", "unseen": {"own_level": "imputed"}, "base": {"level": "no"},
    },
    {
        "kind": "linear", "name": "payment", "column": "lpi",  # log of the yearly payment for taking part
        "centre": "mean", "missing": "mean",
    },
]

# COMMAND ----------

# MAGIC %md
# MAGIC ## Fit
# MAGIC
# MAGIC Visits vary more than Poisson counts do. `dispersion="pearson"` makes the standard errors say so.

# COMMAND ----------

train = {"equal": [{"column": "sample", "read": "text"}, {"value": "train"}]}
model = glm.fit_glm(
    people, target="mdvis", factors=factors, family="poisson", dispersion="pearson", where=train, name="visits",
)
print(model.summary())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Validate
# MAGIC
# MAGIC Every table of every sample comes from one pass over the rows.

# COMMAND ----------

report = model.validation(people, sample="sample")
print(report.summary[["sample", "rows", "actual", "predicted", "actual_to_predicted", "mean_deviance"]].to_string())
print(report.gini.to_string())
shown = report.actual_expected["diseases"]
print(shown.loc[shown["sample"] == "validation", ["level", "rows", "actual", "predicted"]].to_string())
print(report.lift[report.lift["sample"] == "validation"].to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Use
# MAGIC
# MAGIC One record, a table and SQL give the same number. The saved file is JSON: no rows, no pickle.

# COMMAND ----------

person = {"lncoins": 0.0, "disea": 12.0, "physlm": 1.0, "lpi": 6.9}
print("expected visits in a year:", model.predict(person))
scored = model.predict(people)
print("columns of the scored table:", ", ".join(engine.columns(scored)))
print(model.to_sql("spark", table="people")[:300], "…")

path = model.save(folder / "visits.json")
again = glm.load_model(path)
assert again.predict(person) == model.predict(person)
print("saved to", path)
