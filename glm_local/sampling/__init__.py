"""Samples: so many rows of every stratum by hash of a key, weights that restore the totals, strata left out."""

from glm_local.sampling.allocation import allocate_fraction, allocate_size
from glm_local.sampling.strata_left_out import missing_strata
from glm_local.sampling.stratified import STRATUM, TIES, WEIGHT, Draw, draw_sample

__all__ = [
    "STRATUM",
    "TIES",
    "WEIGHT",
    "Draw",
    "allocate_fraction",
    "allocate_size",
    "draw_sample",
    "missing_strata",
]
