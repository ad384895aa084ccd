"""The shortest ways to a model: one object that fits, predicts, reports, ranks and bins for one target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Unpack

from glm_local.arguments.checked import arguments_checked
from glm_local.binning.result import BinningResult
from glm_local.binning.rules import BinningOptions, BinningRules
from glm_local.errors import ConfigError, SpecError
from glm_local.expressions.expression import Expression
from glm_local.factors.applied_levels import applied
from glm_local.factors.compile_factor import Compiled, compile_factor
from glm_local.factors.factor_spec import EdgeMethod, FactorSpec, Spec
from glm_local.factors.spec_problems import read_factor
from glm_local.glm.request import FitOptions, FitRequest
from glm_local.models.fit_frame import fit_frame
from glm_local.models.model import Model
from glm_local.rows.engine import Frame
from glm_local.rows.new_columns import with_new_columns
from glm_local.screening.rank_factors import RankingOptions
from glm_local.screening.ranking import Ranking
from glm_local.study.proposing import optimized
from glm_local.study.setup import Dispersion
from glm_local.study.study import Study
from glm_local.validation import ValidationReport
from glm_local.workflow.binned import binned
from glm_local.workflow.rules import given_twice

ALL_TRAIN = (1.0, 0.0, 0.0)
"""Rows given to these verbs are training rows; a study divides them, these do not."""


@arguments_checked
class Glm(Generic[Frame]):
    """A model of one target, and the verbs around it.

    Parameters
    ----------
    target, family, link, exposure, offset, weight
        As of `fit_glm`.
    prediction
        Name of the column predictions go to.
    key, folds, seed, dispersion
        As of `GLMStudy`: what stays in one cross-validation fold when factors are ranked or binned, and how their tests
        take rows that share a key. `fit` has a dispersion of its own.
    """

    _study: ClassVar[type[Study[Any]]]

    def __init__(
        self,
        target: Any,
        family: Any = "poisson",
        exposure: Any = None,
        weight: Any = None,
        *,
        link: Any = None,
        offset: Any = None,
        prediction: str = "predicted",
        key: str | Sequence[str] | None = None,
        folds: int = 5,
        seed: int = 0,
        dispersion: Dispersion = "by_key",
    ) -> None:
        self.prediction = prediction
        self._roles: dict[str, Any] = {
            "target": target,
            "family": family,
            "link": link,
            "exposure": exposure,
            "offset": offset,
            "weight": weight,
        }
        self._folding: dict[str, Any] = {"key": key, "folds": folds, "seed": seed, "dispersion": dispersion}
        self.model_: Model[Any] | None = None
        """The model of the last `fit`."""

    def fit(self, frame: Any, factors: Sequence[Any], **options: Unpack[FitOptions]) -> Any:
        """Fit given factors on all rows; `options` are further arguments of `fit_glm`. Returns the `Model`."""
        environment = self._study._open_environment(None)
        request = FitRequest(factors=factors, **self._roles, **options)
        self.model_ = fit_frame(environment.engine, frame, request, environment.references)
        return self.model_

    def predict(self, frame: Any, model: Model[Any] | None = None, *, overwrite: bool = False) -> Any:
        """The frame with the prediction as a column more; a row is scored alike alone and among others.

        A column that is there is replaced only with `overwrite`.
        """
        return self._fitted(model).predict(frame, output=self.prediction, overwrite=overwrite)

    def report(
        self, frame: Any, bands: int = 10, model: Model[Any] | None = None, sample: str | None = None
    ) -> ValidationReport:
        """Summary, calibration, lift, Lorenz, Gini and A/E by level on some rows. One pass."""
        return self._fitted(model).validation(frame, sample, bands)

    def rank(self, frame: Any, candidates: Sequence[Any] | None = None, **options: Unpack[RankingOptions]) -> Ranking:
        """Rank candidates by what they gain out of fold over the intercept; see `GLMStudy.rank_candidates`."""
        return self._review(frame, candidates).rank_candidates(**options)

    def bins(self, frame: Any, factor: Any, bins: int | None = None, method: EdgeMethod | None = None) -> FactorSpec:
        """A factor's specification with bins of about equal exposure; categories in groups by their experience.

        Every row is a training row and nothing is measured out of fold, so any number of rows will do.

        Parameters
        ----------
        frame
            Training rows.
        factor
            Column or specification.
        bins
            Most bins; None is what the specification asks for, else 10.
        method
            "uniform" for bins of equal width; None is what the specification asks for, else "quantile".

        Raises
        ------
        ConfigError, DataError, SpecError
            Bins of equal width for categories; a column that is not there; a wrong specification.
        """
        engine = self._study._open_environment(None).engine
        return binned(engine, frame, FitRequest(factors=(), **self._roles), factor, bins, method)

    def optimize(
        self,
        frame: Any,
        factor: Any,
        rules: BinningRules | None = None,
        *,
        fixed_factors: Sequence[Any] = (),
        **rule: Unpack[BinningOptions],
    ) -> BinningResult:
        """Provably best bins of one factor; `rule` are fields of `BinningRules`.

        Parameters
        ----------
        frame
            Training rows.
        factor
            Column or specification.
        fixed_factors
            Specifications of factors already in the model; they are fitted first and kept as offset.
        """
        if rules is not None and rule:
            raise given_twice()
        study = self._review(frame, [factor])
        for one in fixed_factors:
            study.accept(_name(one), _spec(one), "fixed")
        return optimized(study, _name(factor), rules or BinningRules(**rule))

    def apply(self, frame: Any, *specs: Any, suffix: str | None = None, overwrite: bool = False) -> Any:
        """The frame with what each specification makes of a row in a column of its own, `age_bin` for a factor `age`.

        The name of the level, of an interaction the name of the cell, of a linear term the number it is in the model.
        Rows that go to the base level show its name once a fit has found it or the specification names it; before
        that they show "(base level)". Cells without an effect of their own show "(pooled cells)", refused rows are
        missing.

        Parameters
        ----------
        frame
            Rows.
        specs
            Specifications, learned or as they were given to the last `fit`. An interaction finds its factors among
            them, or among those of the fitted model.
        suffix
            What a new column's name adds to the factor's; None is "_bin", for linear terms "_value".
        overwrite
            Whether a column that is there may be replaced.

        Raises
        ------
        SpecError
            A specification that is not learned yet, an interaction of factors that are not known.
        ConfigError
            A new column would replace one of the frame, or another new one.
        """
        engine = self._study._open_environment(None).engine
        columns: dict[str, Expression] = {}
        for name, spec, value in self._applied([_spec(one) for one in specs]):
            column = f"{name}{suffix if suffix is not None else '_value' if spec.kind == 'linear' else '_bin'}"
            if column in columns:
                raise ConfigError.because(
                    f"two columns would be named {column!r}.",
                    "No column replaces another.",
                    "Give specs different names.",
                    path="specs",
                )
            columns[column] = value
        return with_new_columns(engine, frame, columns, "suffix", overwrite)

    def _applied(self, asked: Sequence[FactorSpec]) -> list[tuple[str, FactorSpec, Expression]]:
        fitted = [] if self.model_ is None else [_spec(one) for one in self.model_.document.factors]
        given = [next((one for one in fitted if is_learned_from(one, spec)), spec) for spec in asked]
        known = {one.name: one for one in [*fitted, *given]}
        for spec in given:
            absent = [one for one in getattr(spec, "factors", ()) if one not in known]
            if absent:
                raise SpecError.because(
                    f"{spec.name!r} is made of {absent[0]!r}, which is not known.",
                    "A cell is made of its factors' levels.",
                    f"Give the spec of {absent[0]!r} too, or fit first.",
                    path="/factors",
                )
        needed = {one.name for one in given} | {name for one in given for name in getattr(one, "factors", ())}
        compiled = {name: compile_factor(known[name]) for name in needed}
        bases = {name: base for name in needed if (base := _base(known[name], compiled[name])) is not None}
        return [(one.name, one, applied(compiled[one.name], compiled, bases)) for one in given]

    def _fitted(self, model: Model[Any] | None) -> Model[Any]:
        found = model if model is not None else self.model_
        if found is None:
            rule = "Predictions and reports are those of a model."
            raise ConfigError.because("there is no model yet.", rule, "Call fit first.", path="model")
        return found

    def _review(self, frame: Any, candidates: Sequence[Any] | None) -> Study[Any]:
        return self._study(frame, **self._roles, **self._folding, candidates=candidates, split=ALL_TRAIN)


def _spec(factor: Any) -> FactorSpec:
    return read_factor(factor.document() if isinstance(factor, Spec) else factor)


def _base(spec: FactorSpec, compiled: Compiled) -> str | None:
    return getattr(getattr(spec, "learned", None), "base", None) or getattr(compiled, "base", None)


def is_learned_from(fitted: FactorSpec, spec: FactorSpec) -> bool:
    """Whether a fitted specification is this one with more learned."""
    ours, theirs = fitted.document(), spec.document()
    learned, known = ours.pop("learned", {}), theirs.pop("learned", {})
    return bool(ours == theirs and all(learned.get(name) == part for name, part in known.items()))


def _name(factor: Any) -> str:
    if isinstance(factor, str):
        return factor
    return str(factor["name"]) if isinstance(factor, dict) else str(factor.name)
