"""What a family answers for itself: variance, deviance, density, links, and the same as expressions of a row.

Variance of a row is ``dispersion * V(mu) / weight``; notation follows Jørgensen (1997) and McCullagh & Nelder (1989).
Whoever needs to know something of a family asks it here; nobody concludes it from a name or a power.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glm_local.expressions.arithmetic import only_where
from glm_local.expressions.expression import Expression
from glm_local.families.links import Link
from glm_local.rows.domain import Domain

Array = NDArray[np.float64]

SMALLEST_MEAN = 1e-10
"""Where a fit starts when all responses sit on the family's border (all zero, or all one), and only then."""

GainForm = Literal["power and log", "quadratic", "grid"]
"""What the gain of a shift of the linear predictor is made of: sums of y mu^(1-p) and mu^(2-p), of residuals and
weights, or sums by group of the linear predictor."""

WeightsInR = Literal["as here", "repeated", "not given"]
"""What R's log-likelihood makes of prior weights: the same, rows repeated by them, or nothing."""


class Family(ABC):
    """A response distribution; arrays in, arrays of the same shape out, formulas by row without weights.

    `power` is the variance power p of V(mu) = mu^p, None where V is no power: that says nothing else of a family.
    """

    power: float | None
    exact_counts: bool = False
    """Whether a sum of responses is a count of known noise: its variance is its mean."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called, without parameters."""

    @property
    @abstractmethod
    def domain(self) -> Domain:
        """Which responses exist."""

    @property
    @abstractmethod
    def default_link(self) -> str:
        """Name of the link a model has when none is given."""

    @property
    @abstractmethod
    def allowed_links(self) -> tuple[str, ...]:
        """Names of the links that make sense; "power" stands for every power link."""

    @property
    @abstractmethod
    def fixed_dispersion(self) -> bool:
        """Whether the dispersion is known to be 1 (poisson, binomial)."""

    @abstractmethod
    def variance(self, mu: Array) -> Array:
        """Unit variance V(mu)."""

    @abstractmethod
    def variance_derivative(self, mu: Array) -> Array:
        """First derivative V'(mu)."""

    @abstractmethod
    def unit_deviance(self, y: Array, mu: Array) -> Array:
        """Unit deviance d(y, mu), accurate for y near mu and on the border of the domain."""

    @abstractmethod
    def saturated(self, y: Array) -> Array:
        """``objective(y, y)``, so that the unit deviance is ``2 (saturated - objective)``."""

    @abstractmethod
    def objective(self, y: Array, mu: Array) -> Array:
        """``y theta(mu) - kappa(theta(mu))``: the part of the log density that depends on the mean, at dispersion 1."""

    @abstractmethod
    def valid_mean(self, mu: ArrayLike) -> NDArray[np.bool_]:
        """Whether a mean is inside the family's open range and finite."""

    @abstractmethod
    def starting_mean(self, mean: float) -> float:
        """Mean a fit starts from, given the weighted mean of the responses: moved inside the open range."""

    @property
    def binary(self) -> bool:
        """Whether responses are shares, events of trials: ROC curves and information values exist."""
        return self.domain == "unit"

    def mean_over_spread(self, mean: float) -> float:
        """``mean^2 / V(mean)``, also where V(mean) is no double."""
        return float(mean * (mean / self.variance(np.array([mean]))[0]))

    # -- with a link ----------------------------------------------------------------------------------------------

    @abstractmethod
    def concave(self, link: Link) -> bool:
        """Whether every row's log-likelihood is strictly concave, so that observed information always serves."""

    @abstractmethod
    def borders(self, link: Link) -> tuple[float, float] | None:
        """Ends of the linear predictor; None where it may be any number."""

    def gain_form(self, link: Link) -> GainForm:
        """What the gain of a shift of the linear predictor is made of."""
        if link.name == "log" and self.power is not None:
            return "power and log"
        return "quadratic" if link.name == "identity" and self.power == 0 else "grid"

    # -- likelihood -----------------------------------------------------------------------------------------------

    @abstractmethod
    def saturated_density(self, y: Array, scale: Array) -> Array:
        """Log density of y at mean y, by row; `scale` is dispersion / weight, both of shape (rows,)."""

    def likelihood_dispersion(self, deviance: float, rows: float) -> float:
        """Dispersion a log-likelihood, AIC and BIC are taken at: 1 where it is fixed, else deviance / rows.

        R's `logLik` and `AIC` of a glm use the same (for the gaussian, gamma and inverse gaussian families deviance /
        n), as does statmod's `AICtweedie`. For poisson, gamma and inverse gaussian models with prior weights R's `aic`
        repeats rows by weight instead of sharpening their variance; there this project keeps the variance definition,
        under which a log-likelihood with an estimated dispersion does not change when all weights are multiplied by one
        number, and gives R's figure beside it (`glm_local.families.repeated_rows`).
        """
        return 1.0 if self.fixed_dispersion else deviance / rows

    @property
    def weights_in_r(self) -> WeightsInR:
        """What R's log-likelihood makes of prior weights."""
        return "as here"

    def saturated_log_density(self, y: ArrayLike, weight: ArrayLike, dispersion: float) -> Array:
        """Log density at mean y; `log_density` is this less ``weight * unit_deviance / (2 dispersion)``."""
        response = np.asarray(y, dtype=np.float64)
        scale = dispersion / np.asarray(weight, dtype=np.float64)
        shape = np.broadcast_shapes(response.shape, scale.shape)
        flat = (np.broadcast_to(one, shape).reshape(-1) for one in (response, scale))
        return self.saturated_density(*flat).reshape(shape)

    def log_density(self, y: ArrayLike, weight: ArrayLike, mu: ArrayLike, dispersion: float) -> Array:
        """Log density (or log probability) of responses by row.

        Parameters
        ----------
        y, weight, mu
            Responses in the domain, weights above 0, valid means; arrays that broadcast to one shape. A poisson row
            is a count ``weight * y`` with mean ``weight * mu``; a binomial row a share ``y`` of ``weight`` trials,
            binomial coefficient included. Counts that are not whole take the gamma function's continuation.
        dispersion
            phi, above 0; 1 for poisson and binomial.

        Returns
        -------
        Array
            Natural logarithms; at y = 0 of a tweedie family with 1 < p < 2 the log probability of the atom.
        """
        response, mean = np.asarray(y, dtype=np.float64), np.asarray(mu, dtype=np.float64)
        scale = dispersion / np.asarray(weight, dtype=np.float64)
        shape = np.broadcast_shapes(response.shape, mean.shape, scale.shape)
        response, mean, scale = (np.broadcast_to(one, shape).reshape(-1) for one in (response, mean, scale))
        return (self.saturated_density(response, scale) - self.unit_deviance(response, mean) / (2 * scale)).reshape(
            shape
        )

    # -- expressions of a row -------------------------------------------------------------------------------------

    @abstractmethod
    def possible_pair(self, y: Expression, mu: Expression) -> Expression:
        """Flag: the family has such a response, and such a mean for it."""

    @abstractmethod
    def variance_expression(self, mu: Expression) -> Expression:
        """Variance function V(mu)."""

    @abstractmethod
    def _deviance_expression(self, y: Expression, mu: Expression) -> Expression:
        """Unit deviance of a possible pair."""

    def deviance_expression(self, y: Expression, mu: Expression) -> Expression:
        """Unit deviance d(y, mu) of one row, so that a sample's deviance is the sum of ``weight * d``.

        Parameters
        ----------
        y, mu
            ``number`` expressions: what was observed and its predicted mean, on one scale.

        Returns
        -------
        Expression
            A ``number``, never negative but for rounding; missing where y or mu is missing or not possible in the
            family.
        """
        return only_where(self.possible_pair(y, mu), self._deviance_expression(y, mu))

    # -- the best constant rate -----------------------------------------------------------------------------------

    null_needs_rows: bool = False
    """Whether the deviance of a constant rate is no function of a few sums, but wants a pass around the rate."""

    @abstractmethod
    def null_sums(self, y: Expression, exposure: Expression, weight: Expression) -> dict[str, Expression]:
        """Row terms "null_saturated", "null_amount" and "null_volume", whose sums `null_rate` and `null_parts` take."""

    def null_rate(self, sums: Mapping[str, float]) -> float:
        """The constant rate that fits a sample best, ``null_amount / null_volume``; NaN where there is none."""
        amount, volume = sums["null_amount"], sums["null_volume"]
        if volume <= 0 or (amount <= 0 and self.domain in ("nonnegative", "positive")):
            return math.nan
        return amount / volume

    @abstractmethod
    def null_parts(self, sums: Mapping[str, float]) -> tuple[float, float]:
        """What the rows alone give to the deviance of the best constant rate, and what the rate takes from it.

        The deviance is the first less the second, which is NaN where no such rate exists.
        """

    # -- elsewhere ------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def in_statsmodels(self) -> tuple[str, dict[str, float]]:
        """Class in ``statsmodels.genmod.families`` and its arguments beside the link."""

    @property
    def in_spark_ml(self) -> str | None:
        """Name in Spark ML's GeneralizedLinearRegression ("tweedie" takes `power`); None where it has none such."""
        return None

    def to_document(self) -> str | dict[str, object]:
        """JSON form, which `family_from` reads back."""
        return self.name

    def __str__(self) -> str:
        return self.name
