"""The model as a document: what was asked of the fit, what came out, in readable JSON without rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from glm_local.expressions.columns import ColumnKind
from glm_local.factors.factor_spec import FactorSpec

MODEL_FORMAT: Literal["glm-spark/model"] = "glm-spark/model"

CONVERGED = "score below tolerance"
"""The one reason to stop that is convergence."""

Status = Literal["fitted", "base", "pinned", "empty", "aliased", "separated", "pooled"]
"""fitted: an estimate. base: the reference level, 0. pinned: set by hand, not estimated. empty: no training row, counts
as base. pooled: cells of a crossing that were not among those given, 0: net of margins they follow these. aliased:
spanned by columns before it, left out as R does. separated: the estimate does not exist (it ran away); kept only on
request."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelSpec(_Record):
    """What was asked: roles, family, link and how to fit.

    `exposure` is an amount (log link only), `offset` a number on the link scale, `weight` a precision: the variance
    of a row is dispersion * V(mean) / weight. Each is a column name or an expression document. `dispersion` is "by_key"
    where a study took standard errors from the scores of its keys.
    """

    target: Any
    family: str
    link: str
    exposure: Any = None
    offset: Any = None
    weight: Any = None
    intercept: bool = True
    ridge: float = 0.0
    dispersion: Literal["fixed", "pearson", "deviance", "by_key"] = "fixed"
    confidence: float = 0.95
    pins: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="Factor to level to relativity that is set, not estimated (log and logit links: exp of the "
        "coefficient; other links: the coefficient itself)",
    )


class Coefficient(_Record):
    """One line of the coefficient table; estimates on the link scale, None where there is none.

    `rows`, `weight` and `amount` are the training rows of the level and their sums. With precision weight w, response
    y, exposure e and offset o these are w and w y; with a log link and variance power p, exposure and offset fold into
    s = e exp(o), and they are w s^(2-p) and w s^(1-p) y: exposure and claims of a Poisson model (p = 1), but w and
    w y / s of a gamma model (p = 2), whose `weight` knows nothing of the exposure. The base "largest_exposure" is the
    level with the largest `weight`. Relativities are exp(estimate) for log and logit links, else None.
    """

    term: str
    factor: str | None = None
    level: str | None = None
    status: Status = "fitted"
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    lower: float | None = None
    upper: float | None = None
    relativity: float | None = None
    relativity_lower: float | None = None
    relativity_upper: float | None = None
    inference: str | None = Field(
        default=None,
        description="What p_value and interval rest on where it is not the rows alone: levels searched on the same "
        "rows (`glm_local.factors.searched_levels`)",
    )
    rows: int | None = None
    weight: float | None = Field(
        default=None, description="Sum over the level's rows of the weight, times s^(2-p) where exposure or offset fold"
    )
    amount: float | None = Field(
        default=None, description="Sum of weight times response, times s^(1-p) where exposure or offset fold"
    )


class FitStatistics(_Record):
    """Figures of the fit, all row-exact whatever the route.

    `log_likelihood`, `aic` and `bic` use the exponential-dispersion density with dispersion / weight: a weight is a
    precision. An estimated dispersion is `likelihood_dispersion` (deviance / rows) and counts as one parameter.
    `r_log_likelihood`, `r_aic` and `r_bic` are what R's `logLik`, `AIC` and `BIC` of a glm give: for poisson, gamma and
    inverse gaussian models a weight repeats its row there (and an estimated dispersion is deviance / sum of weights).
    They are the same where there is no weight, and None where R has none (counts that are not whole; a weighted
    Tweedie).
    """

    rows: int
    weight: float
    parameters: int
    df_residual: int
    df_null: int
    deviance: float
    null_deviance: float | None = Field(
        default=None, description="Null where no coefficient at all gives no mean (no intercept, link with an end at 0)"
    )
    pearson_chi2: float
    dispersion: float | None = Field(
        default=None, description="Null where it is estimated and no degree of freedom is left"
    )
    dispersion_pearson: float | None = None
    dispersion_by_row: float | None = Field(
        default=None, description="Sum of squared row scores over their information, n / (n - p) times; studies only"
    )
    dispersion_by_key: float | None = Field(
        default=None, description="The same with the scores of each key's rows added up first; studies only"
    )
    key_groups: int | None = Field(
        default=None, description="Groups of whole keys the covariance is the sandwich of; tests have one degree less"
    )
    dispersion_deviance: float | None = None
    likelihood_dispersion: float
    log_likelihood: float | None = None
    aic: float | None = None
    bic: float | None = None
    r_log_likelihood: float | None = None
    r_aic: float | None = None
    r_bic: float | None = None
    statistic: Literal["z", "t"]
    zero_weight_rows: int = 0


class Convergence(_Record):
    """How the iterations ended: a named reason, the last step in standard errors, step halvings.

    `condition_number` is that of the weighted design, columns scaled to length 1: 16 less its digits are left to
    predictions (None in documents without it).
    `converged` follows from the reason; a document without it gets it when it is read.
    """

    reason: str
    converged: bool = True
    iterations: int
    last_step_in_se: float
    halvings: int
    route: Literal["cells", "blocks", "statsmodels", "spark_ml"]
    raw_passes: int
    packed_passes: float
    condition_number: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _say_converged(cls, document: Any) -> Any:
        if not isinstance(document, Mapping) or "converged" in document:
            return document
        return {**document, "converged": document.get("reason") == CONVERGED}

    @model_validator(mode="after")
    def _agree(self) -> Convergence:
        if self.converged != (self.reason == CONVERGED):
            raise ValueError(f"converged is {self.converged}, the reason {self.reason!r} says otherwise")
        return self


class ModelDocument(_Record):
    """The whole model; `fingerprint` tells models apart, and the digest a saved one carries covers all that is here."""

    format: Literal["glm-spark/model"] = MODEL_FORMAT
    version: Literal[1] = 1
    name: str = "model"
    spec: ModelSpec
    factors: tuple[FactorSpec, ...]
    derived: dict[str, Any] = Field(
        default_factory=dict,
        description="Columns roles and factors read that are made of the table's own, by expression",
    )
    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...] = Field(
        default=(), description="Lower triangle by rows, of the coefficients with status fitted, in their order"
    )
    statistics: FitStatistics
    convergence: Convergence
    warnings: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    data_fingerprint: str | None = None
    columns: dict[str, ColumnKind] = Field(
        default_factory=dict, description="Physical kinds of the columns that were read: what `to_sql` casts from"
    )
    fingerprint: str = ""
