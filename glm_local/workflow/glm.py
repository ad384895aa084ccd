"""The shortest ways to a model: one object that fits, predicts, reports, ranks and bins for one target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, cast

from glm_local.binning.result import BinningResult
from glm_local.binning.rules import BinningRules
from glm_local.contract.compile_factor import compile_factor
from glm_local.contract.compiled_factor import CompiledFactor
from glm_local.contract.engine import Frame
from glm_local.contract.factor_spec import FactorSpec, Spec
from glm_local.contract.spec_problems import read_factor
from glm_local.errors import ConfigError, SpecError
from glm_local.fitting import fit_frame
from glm_local.model import Model, level_labels
from glm_local.screening.ranking import Ranking
from glm_local.study.proposing import optimized
from glm_local.study.study import Study
from glm_local.validation import ValidationReport
from glm_local.workflow.rules import given_twice

ALL_TRAIN = (1.0, 0.0, 0.0)
"""Rows given to these verbs are training rows; a study divides them, these do not."""


class Glm(Generic[Frame]):
    """A model of one target, and the verbs around it.

    Parameters
    ----------
    target, family, link, exposure, offset, weight
        As of `fit_glm`.
    prediction
        Name of the column predictions go to.
    key, folds, seed
        As of `GLMStudy`: what stays in one cross-validation fold when factors are ranked or binned.
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
    ) -> None:
        self.prediction = prediction
        self._roles: dict[str, Any] = {
            "target": target, "family": family, "link": link, "exposure": exposure, "offset": offset, "weight": weight,
        }  # fmt: skip
        self._folding: dict[str, Any] = {"key": key, "folds": folds, "seed": seed}
        self.model_: Model[Any] | None = None
        """The model of the last `fit`."""

    def fit(self, frame: Any, factors: Sequence[Any], **asked: Any) -> Any:
        """Fit given factors on all rows; `asked` are further arguments of `fit_glm`. Returns the `Model`."""
        environment = self._study._open_environment(None)
        self.model_ = fit_frame(
            environment.engine, frame, environment.references, **self._roles, factors=factors, **asked
        )
        return self.model_

    def predict(self, frame: Any, model: Model[Any] | None = None) -> Any:
        """The frame with the prediction as a column more; a row is scored alike alone and among others."""
        return self._fitted(model).predict(frame, output=self.prediction)

    def report(
        self, frame: Any, bands: int = 10, model: Model[Any] | None = None, sample: str | None = None
    ) -> ValidationReport:
        """Summary, calibration, lift, Lorenz, Gini and A/E by level on some rows. One pass."""
        return self._fitted(model).validation(frame, sample, bands)

    def rank(self, frame: Any, candidates: Sequence[Any] | None = None, **options: Any) -> Ranking:
        """Rank candidates by what they gain out of fold over the intercept; see `GLMStudy.rank_candidates`."""
        return self._review(frame, candidates).rank_candidates(**options)

    def bins(self, frame: Any, factor: Any, bins: int = 10) -> FactorSpec:
        """A factor's specification with bins of about equal exposure; categories in groups by their experience."""
        block = self._review(frame, [factor]).factor(_name(factor))
        done = block.target_order(bins) if block.candidate.kind == "categorical" else block.coarse_bins(bins)
        return cast(FactorSpec, done.spec)

    def optimize(
        self,
        frame: Any,
        factor: Any,
        rules: BinningRules | None = None,
        *,
        fixed_factors: Sequence[Any] = (),
        **rule: Any,
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

    def apply(self, frame: Any, *specs: Any) -> Any:
        """The frame with each specification's level in a column of its name; refused rows are missing.

        Raises
        ------
        SpecError
            A specification without levels, or one that is not learned yet.
        """
        engine = self._study._open_environment(None).engine
        columns = {}
        for one in specs:
            spec = _spec(one)
            compiled = compile_factor(spec)
            if not isinstance(compiled, CompiledFactor):
                raise SpecError.because(
                    f"{spec.name!r} is {spec.kind}.", "Levels are those of numeric, categorical and ordinal factors.",
                    "Leave it out.", path="/kind",
                )  # fmt: skip
            learned = getattr(spec, "learned", None)
            columns[spec.name] = level_labels(compiled, getattr(learned, "base", None))
        return engine.with_columns(frame, columns)

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


def _name(factor: Any) -> str:
    if isinstance(factor, str):
        return factor
    return str(factor["name"]) if isinstance(factor, dict) else str(factor.name)
