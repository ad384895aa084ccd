"""A hundred bad inputs: what is wrong, where the message must point, what it must name, the exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

BASE = """
[job]
name = "bad"
study = "bad-inputs"

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

[[factors]]
kind = "numeric"
name = "age"
column = "age"
edges = [25, 40, 60]
missing = "refuse"

[[factors]]
kind = "categorical"
name = "region"
column = "region"
missing = "own_level"
unseen = "base"

[[factors]]
kind = "linear"
name = "bonus"
column = "bonus"
missing = "refuse"

[[factors]]
kind = "interaction"
name = "age_region"
factors = ["age", "region"]
unseen = "base"

[report]
bands = 5
"""


def good_frame() -> pd.DataFrame:
    """Rows that fit `BASE`."""
    random = np.random.default_rng(20)
    rows = 900
    age, bonus = random.integers(18, 80, rows), random.integers(50, 120, rows)
    years = random.uniform(0.2, 1.0, rows)
    rate = np.exp(-0.6 + 0.5 * (age < 26) + 0.004 * bonus)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "claims": random.poisson(rate * years),
            "years": years,
            "age": age.astype(float),
            "region": random.choice(["north", "south", "west"], rows),
            "bonus": bonus.astype(float),
            "weight": random.uniform(0.5, 2, rows),
            "part": random.choice(["a", "b", "c"], rows),
            "start": pd.date_range("2020-01-01", periods=rows, freq="D").date,
            "group": random.choice(["x", "y"], rows),
        }
    )
    frame["share"] = random.binomial(1, 0.3, rows).astype(float)
    return frame


Edit = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class BadCase:
    """One bad input.

    Parameters
    ----------
    name
        A sentence fragment that says what is wrong.
    exit_code, path, words
        What must come back: code, path of one of the problems, words that problem must hold.
    sets
        Overrides of the base file.
    text
        Replacements in the base file's text.
    whole
        The whole file instead.
    edit
        Change of the rows.
    arguments
        More arguments of the command.
    """

    name: str
    exit_code: int
    path: str
    words: str
    sets: tuple[str, ...] = ()
    text: tuple[tuple[str, str], ...] = ()
    whole: bytes | None = None
    edit: Edit | None = None
    arguments: tuple[str, ...] = ()


def config(name: str, path: str, words: str, *sets: str, text: tuple[str, str] | None = None) -> BadCase:
    return BadCase(name, 2, path, words, sets, (text,) if text else ())


def data(name: str, path: str, words: str, edit: Edit, *sets: str, code: int = 3) -> BadCase:
    return BadCase(name, code, path, words, sets, edit=edit)


def column(name: str, path: str, words: str, *sets: str, text: tuple[str, str] | None = None) -> BadCase:
    return BadCase(name, 3, path, words, sets, (text,) if text else ())


def put(where: str, value: object, rows: slice = slice(0, 3)) -> Edit:
    """Put a value into some rows of a column."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.copy()
        if isinstance(value, str) or value is None:
            changed[where] = changed[where].astype(object)
        elif isinstance(value, float):
            changed[where] = changed[where].astype(float)
        changed.iloc[rows, changed.columns.get_loc(where)] = value
        return changed

    return edit


FORM = [
    BadCase("an empty file", 2, "/job", "not given", whole=b""),
    BadCase("a file that is not TOML", 2, "conf", "not TOML", whole=b"[job\nname = 1"),
    BadCase("a file that is not UTF-8", 2, "conf", "UTF-8", whole=b'[job]\nname = "\xff\xfe"'),
    BadCase("a key given twice", 2, "conf", "not TOML", text=(('name = "bad"', 'name = "bad"\nname = "worse"'),)),
    BadCase("an array where a table belongs", 2, "/job", "table", whole=b"job = [1]"),
    config("a section nobody knows", "/modell", "Nearest: 'model'", "modell.family='poisson'"),
    config("a key nobody knows", "/model/famly", "Nearest: 'family'", "model.famly='gamma'"),
    config("a key of a section misspelt", "/output/directry", "Nearest: 'directory'", "output.directry='x'"),
    config("no name of the job", "/job/name", "not given", text=('name = "bad"\n', "")),
    config("a name that is no file name", "/job/name", "letters, digits", "job.name='a/b'"),
    config("a name that is too long", "/job/name", "80", f"job.name='{'a' * 81}'"),
    config("an empty study", "/job/study", "at least 1", "job.study=''"),
    config("a seed that is a text", "/job/seed", "whole number", "job.seed='one'"),
    config("a seed that is a fraction", "/job/seed", "whole number", "job.seed=1.5"),
    config("a ridge below 0", "/model/ridge", "greater than or equal to 0", "model.ridge=-1"),
    config("a ridge that is a text", "/model/ridge", "number", "model.ridge='much'"),
    config("an infinite tolerance", "/model/tolerance", "finite", "model.tolerance=inf"),
    config("no step allowed", "/model/max_iterations", "greater than or equal to 1", "model.max_iterations=0"),
    config("a coverage of 1", "/model/confidence", "between 0 and 1", "model.confidence=1.0"),
    config("an intercept that is a text", "/model/intercept", "true or false", "model.intercept='yes'"),
    config("a solver nobody knows", "/model/solver", "Nearest: 'statsmodels'", "model.solver='statsmodel'"),
    config("a dispersion nobody knows", "/model/dispersion", "Nearest: 'pearson'", "model.dispersion='pearsn'"),
    config("one band", "/report/bands", "greater than or equal to 2", "report.bands=1"),
    config("bands as a text", "/report/bands", "whole number", "report.bands='ten'"),
    config("a format nobody knows", "/data/format", "Nearest: 'parquet'", "data.format='parkett'"),
    config("two separators", "/data/delimiter", "Separator", "data.delimiter=';;'"),
    config("a store without a name", "/output/store", "at least 1", "output.store=''"),
    config("factors that are no list", "/factors", "list", "factors={}"),
]

ARGUMENTS = [
    BadCase("an override without a value", 2, "--set", "key=value", ("model.ridge",)),
    BadCase("an override without a key", 2, "--set", "key=value", ("=3",)),
    BadCase("an override below a value", 2, "--set", "no table", ("job.name.first='a'",)),
    BadCase("an override of a factor that is not there", 2, "--set", "factors.9", ("factors.9.edges=[1]",)),
    BadCase("a parameter without a value", 2, "--param", "name=value", arguments=("--param", "data")),
    BadCase("a parameter nobody asks for", 2, "--param", "Nearest: 'data'", arguments=("--param", "dat=x")),
    config("a parameter that was not given", "/roles/target", "${target}", "roles.target='${target}'"),
    config("parameters that are no table", "/parameters", "not a table", "parameters=3"),
    BadCase("an option nobody knows", 2, "", "--jsn", arguments=("--jsn",)),
]

PLACES = [
    config("neither path nor dataset", "/data", "neither", text=('path = "${data}"', "")),
    config("a path and a dataset", "/data", "one place", "data.dataset='statsmodels:randhie'"),
    config(
        "a dataset nobody knows",
        "/data/dataset",
        "Nearest: 'statsmodels:randhie'",
        "data.dataset='statsmodels:randhi'",
        text=('path = "${data}"', ""),
    ),
    config(
        "a table asked of the local engine",
        "/data/table",
        "Spark",
        "data.table='main.motor'",
        text=('path = "${data}"', ""),
    ),
    config("a version of a CSV file", "/data/version", "Delta", "data.format='csv'", "data.version=3"),
    config("a negative version", "/data/version", "greater than or equal to 0", "data.version=-1"),
    column("a path that is not there", "/data/path", "does not exist", text=("${data}", "nowhere.parquet")),
    column("a file that is not Parquet", "/data/path", "could not be read as parquet", text=("${data}", "job.toml")),
    column("a folder without files", "/data/path", "empty folder", text=("${data}", "nothing")),
    column("a Delta table that is none", "/data/path", "could not be read as delta", "data.format='delta'"),
]

EXPRESSIONS = [
    config("an operation nobody knows", "/data/derive/age/lg", "Nearest: 'log'", "data.derive.age={lg='age'}"),
    config("an expression of two operations", "/data/derive/age", "one key", "data.derive.age={log='age', exp='age'}"),
    config("arithmetic with one side", "/data/derive/age/add", "", "data.derive.age={add=['age']}"),
    config("text and number joined", "/data/derive/age", "", "data.derive.age={add=['age', {value='x'}]}"),
    config("a filter that is a number", "/data/where", "true or false", "data.where='age'"),
    config("a filter nobody can read", "/data/where/greter", "Nearest: 'greater'", "data.where={greter=['age', 1]}"),
    config("a clip upside down", "/data/derive/age", "", "data.derive.age={clip={of='age', lower=5, upper=1}}"),
    config("a target that is a text", "/roles/target", "number", "roles.target={column='region', read='text'}"),
    config("a target nobody can read", "/roles/target/lg", "Nearest: 'log'", "roles.target={lg='claims'}"),
    config(
        "a derived column read as something else",
        "/factors/1/column",
        "derived column 'region' is number",
        "data.derive.region={log='age'}",
    ),
]

MODEL = [
    config("no target", "/roles/target", "not given", text=('target = "claims"\n', "")),
    config("no family", "/model/family", "not given", text=('family = "poisson"\n', "")),
    config("a family nobody knows", "/model/family", "Nearest: 'poisson'", "model.family='poison'"),
    config("a tweedie without power", "/model/family", "power", "model.family='tweedie'"),
    config("a tweedie power that does not exist", "/model/family/power", "0.5", "model.family='tweedie(0.5)'"),
    config("a link nobody knows", "/model/link", "", "model.link='logg'"),
    config("a link that does not fit the family", "/model/link", "logit", "model.link='logit'"),
    config("exposure without a log link", "/roles/exposure", "log link", "model.link='identity'"),
    config(
        "a penalty asked of a reference solver",
        "/model/ridge",
        "penalty",
        "model.ridge=1.0",
        "model.solver='statsmodels'",
    ),
    config("neither factor nor intercept", "/factors", "neither", "factors=[]", "model.intercept=false"),
    config("a split nobody knows", "/split/method", "hash", "split.method='random'"),
    config("fractions above 1", "/split/fractions", "", "split.fractions={train=0.9, validation=0.2, holdout=0.2}"),
    config(
        "a fraction below 0", "/split/fractions/train", "", "split.fractions={train=1.2, validation=-0.1, holdout=-0.1}"
    ),
    config("a key of the split misspelt", "/split/fractons", "Nearest: 'fractions'", "split.fractons={}"),
    config("a hash split without a key", "/split/key", "", text=('key = "id"\n', "")),
    config("a time split without a column", "/split/column", "", "split.method='time'"),
    config("a column split without values", "/split/values", "", "split.method='column'", "split.column='part'"),
    config(
        "a report of a factor that is not there", "/report/factors/0", "Nearest: 'region'", "report.factors=['regio']"
    ),
    config(
        "an extra factor of the model",
        "/report/extra_factors/0/name",
        "factor of the model",
        "report.extra_factors=[{kind='numeric',name='age',column='age',edges=[3],missing='base'}]",
    ),
    config(
        "an extra factor without levels",
        "/report/extra_factors/0/kind",
        "no levels",
        "report.extra_factors=[{kind='linear',name='b2',column='bonus',missing=0}]",
    ),
]

SPECS = [
    config("edges that fall", "/factors/0/edges", "[25, 40, 60]", "factors.0.edges=[60, 40, 25]"),
    config("edges twice", "/factors/0/edges", "increasing", "factors.0.edges=[25, 25]"),
    config("edges that are a text", "/factors/0/edges", "list", "factors.0.edges='25'"),
    config("an edge that is a text", "/factors/0/edges/0", "", "factors.0.edges=['low']"),
    config("a rule of edges nobody knows", "/factors/0/edges/method", "", "factors.0.edges={method='quantil', bins=5}"),
    config("no bins", "/factors/0/edges/bins", "1 to 1000", "factors.0.edges={method='quantile', bins=0}"),
    config("labels that do not match edges", "/factors/0/labels", "", "factors.0.labels=['young', 'old']"),
    config(
        "no policy for missing",
        "/factors/0/missing",
        "not given",
        text=('edges = [25, 40, 60]\nmissing = "refuse"', "edges = [25, 40, 60]"),
    ),
    config("a policy nobody knows", "/factors/0/missing", "", "factors.0.missing='ignore'"),
    config("a policy to a level that is not there", "/factors/0/missing/level", "", "factors.0.missing={level='none'}"),
    config("a limit without a policy", "/factors/0/below", "not given", "factors.0.lower=18"),
    config("a field of another kind", "/factors/0/levels", "", "factors.0.levels=['a']"),
    config("a kind nobody knows", "/factors/0/kind", "numeric", "factors.0.kind='numerical'"),
    config("a factor without a name", "/factors/0/name", "not given", text=('name = "age"\n', "")),
    config("two factors of one name", "/factors/1/name", "distinct", "factors.1.name='age'"),
    config("a base that is no level", "/factors/0/base/level", "", "factors.0.base={level='teen'}"),
    config(
        "a value in two levels",
        "/factors/1/levels/1/values/0",
        "",
        "factors.1.levels=[{level='a', values=['north']}, {level='b', values=['north']}]",
    ),
    config(
        "a level without values",
        "/factors/1/levels/0/values",
        "at least one",
        "factors.1.levels=[{level='a', values=[]}]",
    ),
    config(
        "no policy for unseen",
        "/factors/1/unseen",
        "not given",
        text=('unseen = "base"\n\n[[factors]]\nkind = "linear"', '\n[[factors]]\nkind = "linear"'),
    ),
    config("an interaction with itself", "/factors/3/factors", "", "factors.3.factors=['age', 'age']"),
    config(
        "an interaction of a factor that is not there",
        "/factors/3/factors/1",
        "Nearest: 'region'",
        "factors.3.factors=['age', 'regoin']",
    ),
    config("an interaction of one factor", "/factors/3/factors", "", "factors.3.factors=['age']"),
    config("a scale of 0", "/factors/2/scale", "above 0", "factors.2.scale=0"),
    config("a linear factor with a level for missing", "/factors/2/missing", "number", "factors.2.missing='own_level'"),
    config(
        "a linear factor without a column",
        "/factors/2/column",
        "column",
        text=('name = "bonus"\ncolumn = "bonus"', 'name = "bonus"'),
    ),
    config("a cap upside down", "/factors/2/cap", "", "factors.2.cap={lower=9, upper=1}"),
    config("a version of specs nobody knows", "/factors/2/version", "", "factors.2.version=2"),
]

COLUMNS = [
    column("a target that is not a column", "/roles/target", "Nearest: 'claims'", "roles.target='claim'"),
    column("an exposure that is not a column", "/roles/exposure", "Nearest: 'years'", "roles.exposure='year'"),
    column("a factor's column that is not there", "/factors/0/column", "Nearest: 'age'", "factors.0.column='ages'"),
    column("a key that is not a column", "/roles/key", "not a column", "roles.key='policy'"),
    column("a key that is a fraction", "/roles/key", "float64", "roles.key='bonus'"),
    column(
        "a filter on a column that is not there", "/data/where", "Nearest: 'age'", "data.where={at_least=['agee', 18]}"
    ),
    column("a derived column of nothing", "/data/derive/x", "Nearest: 'bonus'", "data.derive.x={log='bonuss'}"),
    column("a date read as a number's text", "/factors/1/column", "float64", "factors.1.column='bonus'"),
    column(
        "a split column that is not there",
        "/split/column",
        "Nearest: 'start'",
        "split.method='time'",
        "split.column='starts'",
    ),
    column(
        "a stratum that is not there",
        "/split/strata",
        "not a column",
        "split.method='stratified'",
        "split.strata=['zone']",
    ),
]

ROWS = [
    data("a table without rows", "/data", "no row", lambda frame: frame.iloc[:0]),
    data("a filter that leaves nothing", "/data", "no row", lambda frame: frame, "data.where={greater=['age', 200]}"),
    data("a missing target", "/roles/target", "3 of 900 rows", put("claims", None)),
    data("an infinite target", "/roles/target", "missing or infinite", put("claims", np.inf)),
    data("a negative count", "/roles/target", "outside the family", put("claims", -1)),
    data("no exposure", "/roles/exposure", "not above 0", put("years", 0.0)),
    data("a missing exposure", "/roles/exposure", "3 of 900 rows", put("years", None)),
    data("an infinite exposure", "/roles/exposure", "missing or infinite", put("years", np.inf)),
    data("a missing factor that is refused", "/factors/0/missing", "refuses missing", put("age", None)),
    data("a missing linear term", "/factors/2/missing", "refuses missing", put("bonus", None)),
    data(
        "a value no level names",
        "/factors/1/unseen",
        "refuses unseen",
        lambda frame: frame,
        "factors.1.levels=['north', 'south']",
        "factors.1.unseen='refuse'",
    ),
    data(
        "a value above its limit",
        "/factors/0/above",
        "refuses above",
        lambda frame: frame,
        "factors.0.upper=70",
        "factors.0.above='refuse'",
    ),
    data("a negative weight", "/roles/weight", "negative", put("weight", -1.0), "roles.weight='weight'"),
    data(
        "a missing offset",
        "/roles/offset",
        "missing",
        put("bonus", None),
        "roles.offset='bonus'",
        "factors.2.missing=0",
    ),
    data(
        "a share above 1",
        "/roles/target",
        "from 0 to 1",
        put("share", 1.5),
        "model.family='binomial'",
        "roles.target='share'",
        "roles={target='share', key='id'}",
    ),
    data("a claim of nothing for gamma", "/roles/target", "above 0", lambda frame: frame, "model.family='gamma'"),
    data(
        "no row in train",
        "/split",
        "No row is in train",
        lambda frame: frame,
        "split={method='column', column='part', values={train=['z'], holdout=['a']}}",
    ),
    data("a text where numbers belong", "/factors/0/missing", "900 of 900", lambda frame: frame.assign(age="old")),
]

FITS = [
    data(
        "a level without claims",
        "coefficient region=none",
        "separation",
        lambda frame: put("claims", 0, slice(0, 200))(put("region", "none", slice(0, 200))(frame)),
        "factors=[{kind='categorical',name='region',column='region',missing='own_level',unseen='base',base={level='north'}}]",
        code=4,
    ),
    data("too few steps", "", "did not converge", lambda frame: frame, "model.max_iterations=1", code=4),
]

CASES: list[BadCase] = [*FORM, *ARGUMENTS, *PLACES, *EXPRESSIONS, *MODEL, *SPECS, *COLUMNS, *ROWS, *FITS]
