"""A model of counts per exposure that may choose its own factors, by a study of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.errors import ConfigError
from glm_local.factors.factor_spec import FactorSpec
from glm_local.glm.request import FitOptions
from glm_local.rows.engine import Frame
from glm_local.study.setup import Dispersion
from glm_local.validation import ValidationReport
from glm_local.workflow.glm import Glm
from glm_local.workflow.rules import WorkflowRuleOptions, WorkflowRules
from glm_local.workflow.workflow import Workflow, WorkflowResult


@arguments_checked
class RateGlm(Glm[Frame]):
    """A model of counts (or amounts) per exposure that may choose its own factors.

    Parameters
    ----------
    target, exposure
        Column of the counts and of the amount they are proportional to; both needed.
    candidate_factors
        Columns or specifications an automatic study chooses from when `fit` is given no factors. The model then has
        the *specifications* that earned their place, never the columns as they are.
    rule
        Fields of `WorkflowRules` for that study: top_n, level, errors, max_factors, binning, …
    """

    _workflow: ClassVar[type[Workflow[Any]]]

    def __init__(
        self,
        target: Any,
        exposure: Any,
        family: Any = "poisson",
        weight: Any = None,
        *,
        link: Any = None,
        offset: Any = None,
        prediction: str = "predicted_count",
        key: str | Sequence[str] | None = None,
        folds: int = 5,
        seed: int = 0,
        dispersion: Dispersion = "by_key",
        candidate_factors: Sequence[Any] | None = None,
        rules: WorkflowRules | None = None,
        **rule: Unpack[WorkflowRuleOptions],
    ) -> None:
        super().__init__(
            target,
            family,
            exposure,
            weight,
            link=link,
            offset=offset,
            prediction=prediction,
            key=key,
            folds=folds,
            seed=seed,
            dispersion=dispersion,
        )
        if exposure is None:
            raise ConfigError.because(
                "exposure is None.", "A rate is per exposure.", "Name the column, or use GLM.", path="exposure"
            )
        self._candidates = candidate_factors
        self._choosing: dict[str, Any] = {"rules": rules, **rule}
        self._workflow(**self._roles, **self._choosing)  # what is wrong with the rules is told here
        self.result_: WorkflowResult[Any] | None = None
        """The automatic study of the last `fit`, None when factors were given."""

    def fit(self, frame: Any, factors: Sequence[Any] | None = None, **options: Unpack[FitOptions]) -> Any:
        """Fit given factors on all rows, or let a study choose among `candidate_factors`. Returns the `Model`.

        Raises
        ------
        ConfigError
            When neither factors nor candidates are given.
        """
        if factors is not None:
            self.result_ = None
            return super().fit(frame, factors, **options)
        if self._candidates is None or options:
            found = f"{sorted(options)} belong to factors." if options else "neither factors nor candidates are given."
            raise ConfigError.because(
                found,
                "A fit has factors, or candidates to choose from.",
                "Give factors=, or RateGLM(candidate_factors=…).",
                path="factors",
            )
        workflow = self._workflow(**self._roles, **self._folding, finalize=False, **self._choosing)
        self.result_ = workflow.fit(frame, self._candidates)
        self.model_ = self.result_.model
        return self.model_

    @property
    def selected_factors_(self) -> tuple[str, ...]:
        """Names of the model's factors."""
        return tuple(one.name for one in self._fitted(None).document.factors)

    @property
    def specs_(self) -> tuple[FactorSpec, ...]:
        """Specifications of the model's factors."""
        return tuple(self._fitted(None).document.factors)

    @property
    def identified_factors_(self) -> pd.DataFrame | None:
        """The candidates as they were ranked; None when factors were given."""
        return None if self.result_ is None else self.result_.ranking

    @property
    def validation_report_(self) -> ValidationReport | None:
        """Tables of train and validation of the automatic study; None when factors were given."""
        return None if self.result_ is None else self.result_.validation_report
