"""What is held against an automatic study: each method learns from rows and answers means of others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from glm_local import fit_glm
from glm_local.factors.searched_levels import unmarked
from glm_local.models.model import Model
from glm_local.on_pandas.studies import GLMStudy
from glm_local.pandas_rows.pandas_engine import PandasEngine
from glm_local.scoring.model_spec import ModelDocument
from tests.benchmarks.honesty.__main__ import BEFORE
from tests.benchmarks.honesty.captured_truth import TRUE, Array, KnownRows, Truth, candidates_of
from tests.benchmarks.honesty.spline_gam import SplineGam

Predictor = Callable[[KnownRows], Array]

DEFAULT, BEFORE_RULE, REFITTED = "default study", "rule before", "default's factors, refitted"
GAM, GAM_TRAIN, PLAIN_GAM = "spline GAM", "spline GAM, training rows alone", "spline GAM, terms that stay"
BOOSTING, ORACLE, ORACLE_TRAIN = "gradient boosting", "oracle GLM", "oracle GLM, training rows alone"
BOOSTED: Mapping[str, Any] = {
    "objective": "poisson",
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "cat_smooth": 50.0,
    "max_cat_to_onehot": 1,
    "num_threads": 1,
    "seed": 0,
    "verbose": -1,
}
MOST_TREES, PATIENCE = 2_000, 100


@dataclass(frozen=True)
class Portfolio:
    """The rows of one study, all of which it is given; their truth is for the oracle alone.

    Parameters
    ----------
    truth
        Of the rows.
    rows
        Training, validation and holdout rows.
    """

    truth: Truth
    rows: KnownRows

    def studied(self, **rule: Any) -> GLMStudy:
        """An automatic study, as `kept.py` makes it; `rule` are arguments of `auto_design`."""
        frame = self.rows.frame
        study = GLMStudy(frame, target="y", family="poisson", key="id", candidates=candidates_of(frame), name="s")
        return study.auto_design(**rule)

    @cached_property
    def study(self) -> GLMStudy:
        """The default automatic study."""
        return self.studied()

    @cached_property
    def sample(self) -> NDArray[Any]:
        """Sample of each row, as the study has divided them."""
        rows = self.study.bench.rows
        marked = rows.engine.with_columns(rows.frame, {"sample": rows.sample_expression})
        return np.asarray(marked["sample"], dtype=str)

    def of(self, *samples: str) -> KnownRows:
        """Rows of some samples."""
        return self.rows.of(np.isin(self.sample, samples))

    @cached_property
    def seen(self) -> KnownRows:
        """Training and validation rows."""
        return self.of("train", "validation")

    @cached_property
    def gam(self) -> SplineGam:
        """The GAM of all candidates on training and validation rows."""
        return fitted_gam(self.seen)


Method = Callable[[Portfolio], Predictor]


def by_default(portfolio: Portfolio) -> Predictor:
    """The automatic study: designed and fitted on training rows."""
    return means_of(portfolio.study.current().model)


def by_rule_before(portfolio: Portfolio) -> Predictor:
    """One standard error and the likelihood-ratio test of the searched bins."""
    return means_of(portfolio.studied(**BEFORE).current().model)


def refitted(portfolio: Portfolio) -> Predictor:
    """The default study's factors, their coefficients from training and validation rows."""
    factors = [unmarked(spec) for spec in portfolio.study.current().model.factors]
    return means_of(fitted_glm(portfolio.seen.frame, factors))


def by_gam(portfolio: Portfolio) -> Predictor:
    """The GAM of all candidates on training and validation rows."""
    return gam_means(portfolio.gam)


def by_gam_of_training(portfolio: Portfolio) -> Predictor:
    """The same on the rows the study's model is fitted on."""
    return gam_means(fitted_gam(portfolio.of("train")))


def by_plain_gam(portfolio: Portfolio) -> Predictor:
    """The GAM whose straight lines are not penalised."""
    return gam_means(fitted_gam(portfolio.seen, vanishing=False))


def by_boosting(portfolio: Portfolio) -> Predictor:
    """LightGBM; the number of trees by the study's validation rows, then as many on these rows too."""
    import lightgbm  # type: ignore[import-not-found]

    train, validation, seen = portfolio.of("train"), portfolio.of("validation"), portfolio.seen
    names = candidates_of(seen.frame)
    kinds = {name: pd.CategoricalDtype(sorted(set(seen.frame[name]))) for name in texts_of(seen.frame, names)}

    def data(rows: KnownRows) -> Any:
        return lightgbm.Dataset(rows.frame[names].astype(kinds), rows.frame["y"], free_raw_data=False)

    learned, parameters = data(train), dict(BOOSTED)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    held_out = lightgbm.Dataset(
        validation.frame[names].astype(kinds), validation.frame["y"], reference=learned, free_raw_data=False
    )
    trial = lightgbm.train(parameters, learned, MOST_TREES, valid_sets=[held_out], callbacks=[stop])
    model = lightgbm.train(parameters, data(seen), max(trial.best_iteration, 1))
    return lambda rows: np.asarray(model.predict(rows.frame[names].astype(kinds)), dtype=np.float64)


def by_oracle(portfolio: Portfolio) -> Predictor:
    """The true columns, cuts, groups and curves; coefficients by `fit_glm` on training and validation rows."""
    return oracle_means(portfolio, portfolio.seen)


def by_oracle_of_training(portfolio: Portfolio) -> Predictor:
    """The same on training rows."""
    return oracle_means(portfolio, portfolio.of("train"))


METHODS: dict[str, Method] = {
    DEFAULT: by_default,
    BEFORE_RULE: by_rule_before,
    GAM: by_gam,
    PLAIN_GAM: by_plain_gam,
    BOOSTING: by_boosting,
    ORACLE: by_oracle,
    REFITTED: refitted,
    GAM_TRAIN: by_gam_of_training,
    ORACLE_TRAIN: by_oracle_of_training,
}
"""In the order of the table; the default study comes first, others use its split."""


def available_methods(names: Sequence[str] = tuple(METHODS)) -> dict[str, Method]:
    """The methods of some names, boosting left out where LightGBM is not installed; says so on standard error."""
    kept = {name: METHODS[name] for name in METHODS if name in names}
    if BOOSTING in kept and find_spec("lightgbm") is None:
        sys.stderr.write(f"  lightgbm is not in {sys.executable}; {BOOSTING} is left out (pip install lightgbm)\n")
        del kept[BOOSTING]
    return kept


# -- what methods are made of ---------------------------------------------------------------------------------------


def means_of(document: ModelDocument) -> Predictor:
    """Predictions of a model of the product."""
    model = Model(document, PandasEngine())
    return lambda rows: np.asarray(model.predict(rows.frame)["prediction"], dtype=np.float64)


def fitted_glm(frame: pd.DataFrame, factors: Sequence[Any]) -> ModelDocument:
    """Factors as they are, fitted by the product on some rows."""
    return fit_glm(frame, target="y", factors=factors, family="poisson", on_separation="warn").document


def fitted_gam(rows: KnownRows, vanishing: bool = True) -> SplineGam:
    """A GAM of all candidates."""
    return SplineGam(candidates_of(rows.frame), vanishing).fit(rows.frame)


def gam_means(model: SplineGam) -> Predictor:
    """Predictions of a GAM."""
    return lambda rows: model.predict(rows.frame)


def oracle_means(portfolio: Portfolio, rows: KnownRows) -> Predictor:
    """Predictions of the GLM that knows everything but its coefficients."""
    predict = means_of(fitted_glm(with_curves(rows).frame, oracle_factors(portfolio.truth)))
    return lambda others: predict(with_curves(others))


def with_curves(rows: KnownRows) -> KnownRows:
    """Rows with the true curves of the smooth numbers as columns."""
    curves = {f"{name} curve": rows.effects[name] for name in ("slope", "valley")}
    return KnownRows(rows.frame.assign(**curves), rows.effects, rows.mean)


def oracle_factors(truth: Truth) -> list[dict[str, Any]]:
    """True factors: steps by their cuts, curves by one coefficient, categories by their groups."""
    steps = {"kind": "numeric", "name": "steps", "column": "steps", "edges": list(truth.cuts), "missing": "refuse"}
    curves = [
        {"kind": "linear", "name": name, "column": f"{name} curve", "centre": "mean", "missing": "refuse"}
        for name in ("slope", "valley")
    ]
    return [steps, *curves, *(grouped(name, truth.effects[name]) for name in ("six", "forty"))]


def grouped(name: str, effects: Sequence[float]) -> dict[str, Any]:
    """A category whose levels of the same effect are one."""
    assert name in TRUE
    values = {effect: [f"l{at:02}" for at, own in enumerate(effects) if own == effect] for effect in set(effects)}
    levels = [{"level": f"group {at}", "values": values[effect]} for at, effect in enumerate(sorted(values))]
    policies = {"missing": "refuse", "unseen": "base"}
    return {"kind": "categorical", "name": name, "column": name, "levels": levels, **policies}


def texts_of(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns of text."""
    return [name for name in names if not pd.api.types.is_numeric_dtype(frame[name])]
