# Databricks notebook source
# MAGIC %md
# MAGIC # Factor design
# MAGIC
# MAGIC A study of visits to a doctor: which columns earn a place in the model, with which bins, and why. Every decision is
# MAGIC compared with the model so far, has a reason, and is written to Delta tables as it happens.
# MAGIC
# MAGIC The same cells run on one machine (pandas) and on Spark. On Databricks the widget `engine` says which;
# MAGIC elsewhere: `python notebooks/02_factor_design.py --engine pandas` or `--engine spark`.

# COMMAND ----------

from __future__ import annotations

import argparse
import tempfile
from importlib import import_module
from pathlib import Path

if "dbutils" in globals():
    widgets = globals()["dbutils"].widgets
    widgets.dropdown("engine", "spark", ["pandas", "spark"], "Engine")
    widgets.text("folder", "", "Folder for the history, the model and the report")
    asked_engine, asked_folder = widgets.get("engine"), widgets.get("folder")
else:
    parser = argparse.ArgumentParser(description="Factor design on the local engine or on Spark.")
    parser.add_argument("--engine", choices=["pandas", "spark"], default="pandas")
    parser.add_argument("--folder", default="", help="folder for what the study leaves; a temporary one otherwise")
    arguments, _ = parser.parse_known_args()  # a notebook's kernel has arguments of its own
    asked_engine, asked_folder = arguments.engine, arguments.folder

# The package that is imported is the engine: both have the same names with the same signatures.
glm = import_module({"pandas": "glm_local", "spark": "glm_spark"}[asked_engine])
folder = Path(asked_folder or tempfile.mkdtemp())

# COMMAND ----------

# MAGIC %md
# MAGIC ## A study
# MAGIC
# MAGIC Rows are divided once, by a hash of the person: train (in five folds), validation, and a holdout nobody looks at
# MAGIC without leaving a trace. All candidates are packed in one pass; what follows works on sums.

# COMMAND ----------

from glm_local.job.data_sources import packaged_rows

rows = packaged_rows("statsmodels:randhie")  # an Arrow table; any engine takes it
study = glm.GLMStudy(
    rows, target="mdvis", family="poisson", key="person", seed=1974,
    candidates=["disea", "physlm", "lncoins", "fmde", "lpi", "idp", "hlthg", "hlthf", "hlthp"],
    name="visits", store=str(folder / "audit"), user="analyst",
)
print(study.samples)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who matters
# MAGIC
# MAGIC Score tests against the current model, and what each candidate gains out of fold.

# COMMAND ----------

ranking = study.rank_candidates()
print(ranking.table[["factor", "cv_gain", "cv_gain_se", "q_value", "flags"]].to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## One factor by hand
# MAGIC
# MAGIC `optimize` finds the best bins under the rules and says what is proven about them. `compare` refits the model with
# MAGIC the factor. Nothing is in the model until it is accepted.

# COMMAND ----------

disea = study.factor("disea").optimize(max_bins=6, min_rows=300, trend="ascending")
print(disea.result.proof.guarantee)
print(disea.result.trials[["bins", "train_deviance", "cv_deviance", "chosen"]].to_string())
print(disea.compare().table.T.to_string())
disea.accept("The number of chronic diseases: strongest candidate, and its effect rises.")

# COMMAND ----------

# MAGIC %md
# MAGIC Bins may be set by hand too, and a decision may be taken back: the history keeps both.

# COMMAND ----------

study.factor("physlm").set_spec(
    {"kind": "numeric", "edges": [0.5], "labels": ["no", "yes"], "column": "physlm", "missing": "base"},
    reason="Values between 0 and 1 are imputed shares; half is nearer to yes.",
).accept("A limitation is a yes or no question.")

study.factor("lpi").coarse_bins(5).accept("A first try with bins of equal exposure.")
study.undo("The payment for taking part says nothing once the others are in.")
study.reject("lpi", "It is set by the design of the experiment.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## The rest by rule
# MAGIC
# MAGIC A candidate stays if its out-of-fold gain is above one standard error and its likelihood-ratio test below 1 %.
# MAGIC Accepted factors are then refined together. Pairs are tested net of both margins.

# COMMAND ----------

others = ["lncoins", "fmde", "idp", "hlthf", "hlthp"]
study.auto_design(candidates=others, rules=glm.BinningRules(max_bins=6, min_rows=300))
print("accepted:", ", ".join(study.accepted))
print(study.model_versions[["version", "event", "factor", "parameters", "cv_mean_deviance"]].to_string())

pairs = study.find_interactions()
print(pairs.table[["first", "second", "cv_gain", "q_value", "stability"]].head().to_string())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Look, then finalize
# MAGIC
# MAGIC The validation report never shows the holdout. `finalize` fits on source rows, has an independent solver refit the
# MAGIC model, and looks at the holdout; that look is an event.

# COMMAND ----------

report = study.validation_report()
print(report.summary[["sample", "rows", "actual_to_predicted", "mean_deviance"]].to_string())

final = study.finalize(reason="Ready for review.")
model = study.model
print(model.summary())
print(final.opinion)
print(final.report.gini.to_string())

study.report(folder / "visits.html", title="Visits to a doctor", exposure_name="person-year")
model.save(folder / "visits.json")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Go on another day
# MAGIC
# MAGIC A study reopens from its events, in another process or on the other engine, if the rows are the same.

# COMMAND ----------

again = glm.GLMStudy.load(str(folder / "audit"), "visits", rows, user="reviewer")
print(again, again.model.fingerprint == model.fingerprint)
trial = again.branch("visits without limits", "What if physical limitations may not be used?")
trial.remove("physlm", "Not allowed in this line of business.")
print(trial.accepted, "against", again.accepted)

# COMMAND ----------

# MAGIC %md
# MAGIC ## All of it in one call

# COMMAND ----------

result = glm.run_workflow(
    rows, target="mdvis", key="person", seed=1974, candidates=["disea", "physlm", "fmde", "idp"],
    binning=glm.BinningRules(max_bins=6, min_rows=300), max_factors=3, finalize=False,
)
print(result.selected_factors, result.rejected)
