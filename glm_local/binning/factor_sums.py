"""The sums binning works on, by the names this room uses; they are defined where they are made."""

from glm_local.candidates.factor_sums import FactorSums, Gain, OffsetSums, PowerLogSums, QuadraticSums

__all__ = ["FactorSums", "Gain", "OffsetSums", "PowerLogSums", "QuadraticSums"]
