"""A study's rows, packed once: joint fits and sums over them without touching source rows again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from glm_local.candidates.candidate import Candidate
from glm_local.candidates.code_sums import STATIC, CodeSums, CodeSumsKernel, Measure
from glm_local.candidates.code_sums import Model as KernelModel
from glm_local.candidates.fine_fields import FineFields, level_factors, numeric_name
from glm_local.candidates.sample_codes import GROUP, SAMPLE, SAMPLES, known_sample, sample_flag
from glm_local.candidates.sample_moments import SampleMomentsKernel
from glm_local.errors import DataError, nearest
from glm_local.expressions.expression import Expression, IsMissing, Lookup, Not
from glm_local.factors.factor_spec import CategoricalSpec, FactorSpec
from glm_local.factors.learn_factors import learn_factors, learn_values
from glm_local.factors.spec_problems import factor_problems, read_factors
from glm_local.families.families import Family, family_from, resolve_link
from glm_local.families.links import Link
from glm_local.glm.fit import prepare
from glm_local.glm.fit_plan import FitPlan
from glm_local.glm.fit_problems import row_problems
from glm_local.glm.kernels import SummaryKernel
from glm_local.glm.request import FitOptions, FitRequest, OnTrouble
from glm_local.glm.row_faults import role_named
from glm_local.glm.summary import Summary
from glm_local.inference.key_scores import KEY_GROUPS
from glm_local.inference.packed_fit import PackedFit, fit_packed
from glm_local.inference.recode import FieldMap, ManyKernels, Recode, recoded_blocks
from glm_local.inference.row_means import RowMeans
from glm_local.rows.blocks import BlockDesign, Blocks, Field, Kernel, Sums
from glm_local.rows.engine import Engine, Frame
from glm_local.scoring.compile_score import role_expression
from glm_local.scoring.model_spec import ModelDocument

Array = NDArray[np.float64]
T = TypeVar("T")


class StudyRows(Generic[Frame]):
    """Rows of a study with fine codes and samples, packed in one pass over the source.

    Parameters
    ----------
    engine, frame
        Who holds the rows, and the rows.
    request
        Roles, family, link and rules of every fit of the study; its factors and `where` are not used.
    candidates
        With their fine codes (`glm_local.candidates.pre_bins.learn_candidates`).
    sample_code
        Integer expression: the fold of a training row, then one number for validation and one for the holdout; rows
        where it is missing take no part. `open_rows` makes it of a split.
    folds
        Folds of the training rows.
    group
        Integer expression: which of `KEY_GROUPS` groups of whole keys a row belongs to; None where rows have no key.
    by_key
        Whether tests and standard errors are made from the scores of those groups.

    Notes
    -----
    A factor whose levels are unions of fine codes, whatever its kind or names, needs no further pass; any other one,
    and every linear term, is packed beside them in one more pass, once.
    """

    def __init__(
        self,
        engine: Engine[Frame],
        frame: Frame,
        request: FitRequest,
        candidates: Sequence[Candidate],
        sample_code: Expression,
        folds: int = 5,
        group: Expression | None = None,
        by_key: bool = False,
    ) -> None:
        self.engine, self.frame, self.folds = engine, frame, folds
        self.request = replace(request, factors=(), where=None)
        self.kinds = engine.columns(frame)
        self.candidates = {one.name: one for one in candidates}
        self._sample_code, self._group = sample_code, group
        self.by_key = by_key and group is not None
        self._fine = FineFields(self.kinds, {one.name: one.compiled for one in candidates})
        self._blocks: Blocks | None = None
        self._static: CodeSums | None = None
        self._fits: dict[str, PackedFit] = {}
        self._plans: dict[str, FitPlan] = {}
        self._last: tuple[tuple[str, ...], Any] = (), None
        self.summary: Summary | None = None
        self.sample_moments: Array | None = None

    @property
    def family(self) -> Family:
        """Of every fit."""
        return family_from(self.request.family)

    @property
    def link(self) -> Link:
        """Of every fit."""
        return resolve_link(self.family, self.request.link)

    @property
    def samples(self) -> int:
        """Number of sample codes: training folds, validation, holdout."""
        return self.folds + 2

    @property
    def sample_field(self) -> str:
        """Name of the packed field that holds the sample code."""
        return SAMPLE

    @property
    def group_atom(self) -> int | None:
        """Packed atom of the groups of keys; None where rows have no key."""
        return None if self._group is None else self.design.atom_of(GROUP)

    @property
    def visible_samples(self) -> int:
        """Sample codes that binning may see: training folds, and validation where it has rows."""
        return self.folds + int(self.static(SAMPLE, "rows")[self.folds].sum() > 0)

    def flag(self, sample: str) -> Expression:
        """Expression that is true for the rows of one sample of the source frame."""
        return sample_flag(self._sample_code, sample, self.folds)

    @property
    def sample_expression(self) -> Expression:
        """Text expression: "train", "validation" or "holdout" of a row of the source frame, missing in none."""
        names = ("train",) * self.folds + SAMPLES[1:]
        return Lookup(self._sample_code, tuple(range(self.samples)), names, None, None)

    @property
    def blocks(self) -> Blocks:
        """The packed rows, built at the first use."""
        if self._blocks is None:
            self._pack()
        assert self._blocks is not None
        return self._blocks

    @property
    def design(self) -> BlockDesign:
        """Layout of the packed rows."""
        return self.blocks.design

    def close(self) -> None:
        """Free the packed rows."""
        if self._blocks is not None:
            self._blocks.close()
            self._blocks = None

    def _pack(self) -> None:
        roles = prepare(self.request, (), self.kinds).plan.design
        groups = () if self._group is None else (Field(GROUP, self._group, KEY_GROUPS),)
        design = self._fine.design(roles, Field(SAMPLE, self._sample_code, self.samples), *groups)
        blocks = self.engine.blocks(self.frame, design, Not(IsMissing(self._sample_code)))
        static = self._kernel(design, None, tuple(range(len(design.atoms))), STATIC)
        first = SummaryKernel(self.family, tuple(one.size for one in design.atoms), len(design.numerics))
        at = design.atom_of(SAMPLE)
        moments = SampleMomentsKernel(at, design.atoms[at].member_codes(SAMPLE).astype(np.intp), self.samples)
        every = ManyKernels((first, static, moments))
        try:
            answers = every.answers(blocks.sum(every, "study rows"))
            summary = Summary.from_sums(answers[0])
            problems = row_problems(summary, self.family)
            if problems:
                told = [role_named(one, design, self.kinds) for one in problems]
                raise DataError(told, "the rows of the study")
        except BaseException:
            blocks.close()
            raise
        shape = design.shape()
        self._blocks, self.summary, self.sample_moments = blocks, summary, answers[2][0]
        self._static = CodeSums(shape, STATIC, self.samples, tuple(range(len(design.atoms))), answers[1])

    # -- recoding -------------------------------------------------------------------------------------------------

    def _maps_of(self, plan: FitPlan) -> dict[str, FieldMap]:
        """Where every factor of a plan comes from; what the packed rows lack is packed first."""
        wider = self._fine.with_plan(plan, self._complete)
        if wider is not self._fine:
            before, self._fine = self._fine, wider
            self.close()
            try:
                self._pack()
            except BaseException:
                self._fine = before
                raise
        found = {name: self._fine.source(one, self._complete) for name, one in level_factors(plan).items()}
        return {name: one for name, one in found.items() if one is not None}

    def _complete(self, name: str) -> bool:
        """Whether no row has a value without a fine code of its own."""
        if name not in self.candidates:
            return False
        unseen = getattr(self.candidates[name].compiled.code, "unseen", None)
        return unseen is not None and not self.static(name, "rows")[int(unseen)].any()

    def recode(self, plan: FitPlan, keep: NDArray[np.bool_] | None = None) -> Recode:
        """Look-ups from packed rows to a plan's design; `keep` flags the sample codes that take part."""
        maps = self._maps_of(plan)
        named = {name: numeric_name(one) for name, one in plan.design.numerics.items()}
        return Recode.between(self.design, plan.design, maps, None if keep is None else (SAMPLE, keep), named)

    def codes_of(self, samples: Sequence[str] | str, without_fold: int | None = None) -> NDArray[np.bool_]:
        """Flags of the sample codes of some samples, a training fold left out where asked."""
        flags = np.zeros(self.samples, dtype=bool)
        for sample in [samples] if isinstance(samples, str) else samples:
            at = SAMPLES.index(known_sample(sample))
            flags[slice(0, self.folds) if at == 0 else self.folds + at - 1] = True
        if without_fold is not None:
            flags[without_fold] = False
        return flags

    def sample_rows(self, sample: str) -> int:
        """Rows of one sample; no pass."""
        by_code = self.static(SAMPLE, "rows").sum(axis=1)
        return int(by_code[self.codes_of(sample)].sum())

    # -- models ---------------------------------------------------------------------------------------------------

    def resolve(self, factors: Sequence[Any]) -> tuple[FactorSpec, ...]:
        """Specifications checked against the table; what they leave open is learned from the training rows.

        No pass for resolved ones and for values of candidates, else at most two.
        """
        specs = read_factors(factors)
        problems = factor_problems(specs, self.kinds)
        if problems:
            raise DataError(problems, "the table against the specs")
        weight = self.request.exposure if self.request.exposure is not None else self.request.weight
        specs = tuple(self._with_known_values(spec) for spec in specs)
        return learn_factors(
            self.engine, self.frame, specs, None if weight is None else role_expression(weight), self.flag("train")
        )

    def _with_known_values(self, spec: FactorSpec) -> FactorSpec:
        """A categorical factor that learns its values takes those its candidate has in training rows."""
        if not isinstance(spec, CategoricalSpec) or spec.is_resolved:
            return spec
        for one in self.candidates.values():
            fine = one.fine
            if isinstance(fine, CategoricalSpec) and (fine.column, fine.source) == (spec.column, spec.source):
                seen = self.static(one.name, "rows")[:, : self.folds].sum(axis=1) > 0
                values = [value for at, group in enumerate(one.values()) if seen[at] for value in group]
                return learn_values(spec, values)
        return spec

    def fit(self, factors: Sequence[Any], **options: Unpack[FitOptions]) -> ModelDocument:
        """Fit some factors jointly on the training rows: the document `fit_glm` gives on them.

        Passes: over packed rows only, unless a factor divides fine codes or leaves something to learn.

        Parameters
        ----------
        factors
            Specifications or documents; empty is the model of the intercept.
        options
            As of `fit_glm`.
        """
        fit = self.fit_of(self.resolve(factors), **options)
        return fit.document

    def fit_of(
        self, specs: Sequence[FactorSpec], samples: Sequence[str] = ("train",), **options: Unpack[FitOptions]
    ) -> PackedFit:
        """As `fit`, for resolved factors and on any samples, with columns and coefficients."""
        request = replace(self.request, **options)
        plans: list[FitPlan] = []

        def opened(plan: FitPlan) -> Blocks:
            plans.append(plan)
            recode = self.recode(plan, self.codes_of(samples))
            return recoded_blocks(self.blocks, plan.design.shape(), recode)

        fit = fit_packed(request, specs, self.kinds, opened, self.engine.passes)
        self._fits[fit.document.fingerprint] = fit
        self._plans[fit.document.fingerprint] = plans[0]
        return fit

    def packed(self, model: ModelDocument | None) -> tuple[PackedFit, FitPlan]:
        """A model's columns and plan; one that was not fitted here is fitted again. None is the intercept alone."""
        if model is None or model.fingerprint not in self._fits:
            specs = () if model is None else model.factors
            key = "" if model is None else model.fingerprint
            if key not in self._fits:
                trouble: OnTrouble = "error" if model is None else "warn"
                fit = self.fit_of(specs, on_separation=trouble, on_failure=trouble)
                self._fits[key], self._plans[key] = fit, self._plans[fit.document.fingerprint]
            return self._fits[key], self._plans[key]
        return self._fits[model.fingerprint], self._plans[model.fingerprint]

    def keep(self, fit: PackedFit, plan: FitPlan, known_as: str | None = None) -> None:
        """Make a model known that was put together rather than fitted here, by its fingerprint if not said."""
        key = fit.document.fingerprint if known_as is None else known_as
        self._fits[key], self._plans[key] = fit, plan

    def level_source(self, spec: FactorSpec) -> FieldMap:
        """The packed field a factor's levels are read off, and how; one more pass where it divides fine codes."""
        return self._maps_of(prepare(self.request, (spec,), self.kinds).plan)[spec.name]

    def kernel_model(self, model: ModelDocument | None) -> KernelModel:
        """What kernels over the packed rows need of a model."""
        fit, plan = self.packed(model)
        return KernelModel(self.recode(plan), RowMeans.of(fit.columns, fit.link, fit.coefficients))

    # -- sums -----------------------------------------------------------------------------------------------------

    def sum(self, kernel: Kernel, purpose: str) -> Sums:
        """One pass over the packed rows."""
        return self.blocks.sum(kernel, purpose)

    def static(self, field: str, measure: Measure) -> Array:
        """Rows, weight or amount per fine code and sample code, shape (codes, samples); no pass."""
        self.blocks  # noqa: B018
        assert self._static is not None
        return self._static.of(field, measure)

    def code_sums(
        self, model: ModelDocument | None, names: Sequence[str], measures: tuple[Measure, ...], purpose: str = "sums"
    ) -> CodeSums:
        """Sums per fine code and sample of several fields under a model; one packed pass."""
        known = self.kernel_model(model)
        atoms = tuple(sorted({self.design.atom_of(name) for name in names}))
        kernel = self._kernel(self.design, known, atoms, measures)
        return CodeSums(self.design.shape(), measures, self.samples, atoms, self.sum(kernel, purpose))

    def _kernel(
        self, design: BlockDesign, model: KernelModel | None, atoms: tuple[int, ...], measures: tuple[Measure, ...]
    ) -> CodeSumsKernel:
        at = design.atom_of(SAMPLE)
        sample_of = design.atoms[at].member_codes(SAMPLE).astype(np.intp)
        sizes = tuple((atom, design.atoms[atom].size) for atom in atoms)
        return CodeSumsKernel(self.family, model, sizes, (at, sample_of), self.samples, measures)

    def last_of(self, key: tuple[str, ...], made: Callable[[], T]) -> T:
        """What was made last if it was made for the same key, else made now and remembered: one answer is kept."""
        if key != self._last[0]:
            self._last = key, made()
        answer: T = self._last[1]
        return answer

    def candidate(self, name: str) -> Candidate:
        """The candidate of a name.

        Raises
        ------
        DataError
            With the nearest name when there is none.
        """
        if name not in self.candidates:
            raise DataError.because(
                f"{name!r} is not a candidate of this study.",
                "Only candidates have pre-bins.",
                nearest(name, list(self.candidates)),
            )
        return self.candidates[name]

    def fold_recodes(self, plan: FitPlan) -> list[Recode]:
        """One recoding per training fold."""
        flags = np.eye(self.samples, dtype=bool)
        return [self.recode(plan, flags[fold]) for fold in range(self.folds)]
