"""Bad inputs of an automatic study, beside those every job has."""

from __future__ import annotations

import numpy as np

from tests.bad_inputs.bad_cases import BadCase, column, config, data, put

STUDY_BASE = """
[job]
name = "bad"
study = "bad-studies"

[parameters]

[data]
path = "${data}"

[roles]
target = "claims"
exposure = "years"
key = "id"

[split]
method = "hash"

[model]
family = "poisson"

[study]
folds = 3
candidates = ["age", "region", { kind = "categorical", name = "area", column = "part" }]

[study.binning]
max_bins = 4
min_rows = 20

[report]
bands = 5
"""

FORM = [
    BadCase("a study's file without a section study", 2, "/study", "not given", whole=b'[job]\nname = "a"\n'),
    config("a section of the study nobody knows", "/study/bining", "Nearest: 'binning'", "study.bining={}"),
    config(
        "a rule of binning nobody knows", "/study/binning/max_bin", "Nearest: 'max_bins'", "study.binning.max_bin=3"
    ),
    config("folds that are a text", "/study/folds", "whole number", "study.folds='five'"),
    config("one fold", "/study/folds", "greater than or equal to 2", "study.folds=1"),
    config("a level of 0", "/study/acceptance/level", "greater than 0", "study.acceptance.level=0.0"),
    config(
        "no factor allowed",
        "/study/acceptance/max_factors",
        "greater than or equal to 1",
        "study.acceptance.max_factors=0",
    ),
    config("a negative round", "/study/refine_rounds", "greater than or equal to 0", "study.refine_rounds=-1"),
    config("a trend nobody knows", "/study/binning/trend", "Nearest: 'ascending'", "study.binning.trend='ascendin'"),
    config("a screening share above 1", "/study/screening/q", "less than or equal to 1", "study.screening.q=1.5"),
    config("interactions as a number", "/study/interactions", "table", "study.interactions=3"),
    config("no pair counted", "/study/interactions/count", "greater than or equal to 1", "study.interactions.count=0"),
    config("an empty reason", "/study/finalize/reason", "at least 1", "study.finalize.reason=''"),
    config("a ridge asked of a study", "/model/ridge", "not a key", "model.ridge=1.0"),
    config("factors given to a study", "/factors", "not a key", "factors=[]"),
]

MEANING = [
    config("candidates as a text", "/study/candidates", "not a list", "study.candidates='age'"),
    config("a candidate that is a number", "/study/candidates/0", "neither", "study.candidates.0=3"),
    config("a candidate twice", "/study/candidates/1", "there twice", "study.candidates.1='age'"),
    config(
        "a candidate of a kind nobody knows", "/study/candidates/2/kind", "numeric", "study.candidates.2.kind='nominal'"
    ),
    config(
        "a linear candidate",
        "/study/candidates/2/kind",
        "no levels",
        "study.candidates.2={kind='linear', name='bonus', column='bonus', missing='refuse'}",
    ),
    config(
        "a candidate without a name",
        "/study/candidates/2/name",
        "not given",
        "study.candidates.2={kind='ordinal', column='part'}",
    ),
    config(
        "a candidate that refuses missing",
        "/study/candidates/2/missing",
        "apart",
        "study.candidates.2.missing='refuse'",
    ),
    config("left out of a list", "/study/leave_out", "all", "study.leave_out=['age']"),
    config("more bins at least than at most", "/study/binning/max_bins", "min_bins", "study.binning.min_bins=9"),
    config("a size nobody knows", "/study/binning/size", "Nearest: 'bic'", "study.binning.size='bicc'"),
    config("a size outside the bounds", "/study/binning/size", "max_bins", "study.binning.size=9"),
    config("a pair of one", "/study/binning/apart/0", "two labels", "study.binning.apart=[['a']]"),
    config(
        "a penalty nobody knows",
        "/study/binning/penalties/bin_cont",
        "Nearest: 'bin_count'",
        "study.binning.penalties={bin_cont={}}",
    ),
    config(
        "a penalty without its number",
        "/study/binning/penalties/small_count/min_count",
        "not given",
        "study.binning.penalties={small_count={}}",
    ),
    config(
        "a number of a penalty nobody knows",
        "/study/binning/penalties/bin_count/per_bn",
        "Nearest: 'per_bin'",
        "study.binning.penalties={bin_count={per_bn=1}}",
    ),
    config(
        "a penalty with a text",
        "/study/binning/penalties/bin_count/per_bin",
        "number",
        "study.binning.penalties={bin_count={per_bin='much'}}",
    ),
    config(
        "a ratio of a penalty below 1",
        "/study/binning/penalties/unstable_relativity/max_ratio",
        "above 1",
        "study.binning.penalties={unstable_relativity={max_ratio=0.5}}",
    ),
    config(
        "a split by time and no key for folds",
        "/roles/key",
        "Folds",
        "split={method='time', column='start'}",
        text=('key = "id"\n', ""),
    ),
    config("intervals nobody knows", "/study/inference", "Nearest: 'selective'", "study.inference='selectiv'"),
    config(
        "selective intervals without other rows",
        "/study/inference",
        "no row is left",
        "study.inference='selective'",
        "split={method='none'}",
    ),
    config(
        "selective intervals on a holdout nobody looks at",
        "/study/inference",
        "no row is left",
        "study.inference='selective'",
        "study.finalize.enabled=false",
        "split.fractions={train=0.8, validation=0.0, holdout=0.2}",
    ),
    config(
        "selective intervals on rows that chose the bins",
        "/study/inference",
        "validation rows",
        "study.inference='selective'",
        "study.finalize.enabled=false",
        "study.binning.penalties={train_validation_gap={}}",
    ),
    config("an exposure of a study without a log link", "/roles/exposure", "log link", "model.link='identity'"),
    config("a family of a study nobody knows", "/model/family", "Nearest: 'poisson'", "model.family='poison'"),
]

COLUMNS = [
    column("a candidate that is no column", "/study/candidates/0", "Nearest: 'age'", "study.candidates.0='agee'"),
    column(
        "a specification of no column",
        "/study/candidates/2/column",
        "Nearest: 'part'",
        "study.candidates.2.column='parts'",
    ),
    column(
        "a column left out that is not there",
        "/study/leave_out/0",
        "Nearest: 'bonus'",
        "study.candidates='all'",
        "study.leave_out=['bonuss']",
    ),
    column(
        "everything left out",
        "/study/candidates",
        "no column",
        "study.candidates='all'",
        "study.leave_out=['age', 'region', 'bonus', 'weight', 'part', 'start', 'group', 'share']",
    ),
    column(
        "a key for folds that is a fraction",
        "/roles/key",
        "float64",
        "split={method='time', column='start'}",
        "roles.key='bonus'",
    ),
]

ROWS = [
    data("a study of no row", "/data", "no row", lambda frame: frame.iloc[:0]),
    data(
        "a missing date of a split by time",
        "/split/column",
        "3 of 900 rows",
        put("start", None),
        "split={method='time', column='start', max_lost_share=0}",
    ),
    data("a missing target of a study", "/roles/target", "target missing", put("claims", None)),
    data("an infinite exposure of a study", "/roles/exposure", "exposure missing", put("years", np.inf)),
    data("no exposure in a study", "/roles/exposure", "exposure not positive", put("years", 0.0)),
    data("a negative count in a study", "/roles/target", "target outside the family", put("claims", -1)),
    data(
        "a negative weight in a study", "/roles/weight", "weight negative", put("weight", -1.0), "roles.weight='weight'"
    ),
]

STUDY_CASES: list[BadCase] = [*FORM, *MEANING, *COLUMNS, *ROWS]
