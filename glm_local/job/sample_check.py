"""Whether the samples of a job are alike: from the pass that checks rows, and by whole keys where rows look unlike."""

from __future__ import annotations

import numpy as np

from glm_local.errors import Problem
from glm_local.expressions.expression import Expression, Lookup, Read
from glm_local.job.column_check import SAMPLE, role
from glm_local.job.config import JobConfig
from glm_local.rows.cells import DesignTable
from glm_local.rows.engine import Engine, Frame
from glm_local.validation import SAMPLES, Split
from glm_local.validation.likeness import MOMENTS, Floats, KeyParts, RateRoles, unlike_samples
from glm_local.validation.split_check import part_of_key, unlike_problem

GROUPS = {"all rows": [(name, [at]) for at, name in enumerate(SAMPLES)]}
BY_KEY = "samples by key"


def rate_roles(config: JobConfig) -> RateRoles:
    """What a rate of the job is made of."""
    target = role(config, "target")
    assert target is not None  # every job has one
    return RateRoles(target, role(config, "exposure"), role(config, "weight"))


def samples_unlike(
    config: JobConfig, engine: Engine[Frame], frame: Frame, split: Split, table: DesignTable
) -> Problem | None:
    """The problem of samples whose rates differ beyond chance; a pass only where rows by themselves look unlike."""
    moments = _moments(table)
    found = unlike_samples(moments, GROUPS)
    kinds = engine.columns(frame)
    part = part_of_key(split.key, kinds, split.seed) if found else None
    if part is not None:
        code: Expression = Lookup(Read(SAMPLE, "text"), SAMPLES, tuple(range(len(SAMPLES))), None, None)
        parts = engine.cells(frame, [KeyParts.request(BY_KEY, code, part, rate_roles(config))])[BY_KEY]
        assert parts is not None  # only a request that allows overflow gets None
        found = unlike_samples(moments, GROUPS, KeyParts.of(parts))
    return unlike_problem(found, split, split.key) if found else None


def _moments(table: DesignTable) -> Floats:
    named = [str(name) for name in table.keys["sample"]]
    held = ~table.missing["sample"]
    every = np.zeros((len(SAMPLES), len(MOMENTS)))
    for at, name in enumerate(SAMPLES):
        here = held & np.array([one == name for one in named], dtype=bool)
        every[at] = [table.sums[moment][here].sum() for moment in MOMENTS]
    return every
