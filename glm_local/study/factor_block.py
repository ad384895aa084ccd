"""One factor under review: proposes, shows and decides; everything it does goes through the study's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Unpack

import pandas as pd

from glm_local.arguments.checked import arguments_checked
from glm_local.binning import hand
from glm_local.binning.result import BinningResult
from glm_local.binning.rules import BinningOptions, BinningRules
from glm_local.candidates.candidate import Candidate
from glm_local.errors import ConfigError, SpecError, nearest
from glm_local.factors.factor_spec import EdgeMethod, FactorSpec
from glm_local.factors.level_names import level_names
from glm_local.factors.spec_words import spec_words
from glm_local.inference.thin_levels import Profile
from glm_local.study import decisions, proposing
from glm_local.study.comparison import Comparison
from glm_local.study.core import StudyCore
from glm_local.study.design import Change
from glm_local.study.level_tables import bin_table, validation_table


@arguments_checked
class FactorBlock:
    """A factor of a study, by name.

    Verbs that propose return the block, so that they chain: ``study.factor("age").optimize().compare()``. A proposal
    replaces the one before; nothing is in the model until it is accepted.
    """

    def __init__(self, study: StudyCore[Any], name: str) -> None:
        self._study, self.name = study, name

    # -- what it is -------------------------------------------------------------------------------------------------

    @property
    def candidate(self) -> Candidate:
        """Its fine codes."""
        return self._study.bench.candidate(self.name)

    @property
    def spec(self) -> FactorSpec | None:
        """What is proposed, else what is accepted, else None."""
        proposal = self._study.state.proposals.get(self.name)
        if proposal is not None:
            return proposal.spec
        return self._study.design.get(self.name)

    @property
    def result(self) -> BinningResult | None:
        """The binning behind what is proposed or accepted: trials, proof, plot.

        It is the study's, whatever handle made it; None where the factor was set by hand since, or where the study was
        loaded: trials are recorded, the proof is not.
        """
        made = self._study.results.get(self.name)
        if made is None or made.spec == self.spec:
            return made
        return made if made.spec is None and self.name not in self._study.state.proposals else None

    @property
    def is_accepted(self) -> bool:
        """Whether the factor is in the model."""
        return self.name in self._study.design

    # -- proposals --------------------------------------------------------------------------------------------------

    def optimize(self, rules: BinningRules | None = None, **rule: Unpack[BinningOptions]) -> FactorBlock:
        """Propose the provably best bins under the rules; `rule` are fields of `BinningRules`.

        Where no factor at all is best, nothing is proposed and `result` says so.
        """
        if rules is not None and rule:
            raise ConfigError.because("rules are given twice.", "", "Give rules=, or single fields.", path="rules")
        asked = rules or BinningRules(**rule)
        return self._proposed(proposing.optimized(self._study, self.name, asked), "optimized", asked)

    def coarse_bins(
        self, bins: int = 10, method: EdgeMethod = "quantile", *, profile: Profile = "insurance"
    ) -> FactorBlock:
        """Propose bins of about equal exposure ("quantile") above the floors, or of equal width ("uniform").

        Bins of equal exposure below the floors of the profile are joined with their neighbours; bins of equal width are
        as they are asked for, and the page names those that are thin.
        """
        if method == "quantile":
            rules = BinningRules(profile=profile)
            return self._proposed(proposing.coarse(self._study, self.name, bins, rules), "coarse bins", rules)
        return self._by_hand(proposing.of_equal_width(self._study, self.name, bins), "bins of equal width", None)

    def target_order(self, max_groups: int = 6, *, profile: Profile = "insurance") -> FactorBlock:
        """Propose groups of categories in the order of their credibility-shrunk experience.

        Groups below the floors of the profile are joined with their neighbours in that order.
        """
        rules = BinningRules(profile=profile)
        return self._proposed(proposing.ordered(self._study, self.name, max_groups, rules), "target order", rules)

    def set_spec(self, spec: decisions.SpecLike, reason: str | None = None) -> FactorBlock:
        """Propose a specification; what it leaves open is learned from the training rows.

        Raises
        ------
        SpecError, DataError
            With every problem; nothing is proposed then.
        """
        read = decisions.named_spec(self._study, self.name, spec)
        self._study.bench.check([read])
        return self._by_hand(read, "set by hand", reason)

    def merge(self, *levels: str, name: str | None = None, reason: str | None = None) -> FactorBlock:
        """Propose the factor with some levels made one."""
        spec = hand.merge_levels(self._required(), levels, name)
        return self._by_hand(spec, "merged", reason, levels=list(levels))

    def split_level(
        self,
        level: str,
        *,
        at: float | str | None = None,
        values: Sequence[Any] | None = None,
        name: str | None = None,
        reason: str | None = None,
    ) -> FactorBlock:
        """Propose the factor with one level cut: an interval at an edge, or values out of a group of categories."""
        spec = hand.split_level(self._required(), level, at=at, values=values, name=name)
        return self._by_hand(spec, "split", reason, level=level, at=at, values=None if values is None else list(values))

    def move_edge(self, edge: float | str, to: float | str, reason: str | None = None) -> FactorBlock:
        """Propose the factor with one edge moved between its neighbours."""
        spec = hand.move_edge(self._required(), edge, to)
        return self._by_hand(spec, "edge moved", reason, edge=edge, to=to)

    def pin(self, relativities: Mapping[str, float], reason: str | None = None) -> FactorBlock:
        """Propose the factor with levels held at relativities to its base; the others are fitted around them.

        For links without relativities they are differences of the linear predictor. An empty mapping lets all go.
        """
        spec = self._required()
        known = level_names(spec.document()) or []
        for level in relativities:
            if level not in known:
                found = f"{level!r} is not a level of {self.name!r}."
                raise SpecError.because(found, "A pin names a level.", nearest(level, known), path="/pins")
        asked = {level: float(value) for level, value in relativities.items()}
        held = {**self._held(), **asked} if relativities else {}
        self._study.changed([Change(self.name, spec, held)])
        return self._by_hand(spec, "pinned", reason, pins=held)

    def _held(self) -> Mapping[str, float]:
        proposal = self._study.state.proposals.get(self.name)
        if proposal is not None:
            return proposal.pins or {}
        return self._study.design.pins.get(self.name, {})

    def _proposed(self, result: BinningResult, method: str, rules: BinningRules | None = None) -> FactorBlock:
        self._study.commit([proposing.proposed(self._study, result, method, rules)])
        self._study.results[self.name] = result
        return self

    def _by_hand(
        self, spec: FactorSpec, method: str, reason: str | None, pins: Mapping[str, float] | None = None, **said: Any
    ) -> FactorBlock:
        self._study.design.after([Change(self.name, spec, pins)])
        before = self.spec
        if method in decisions.BY_HAND[1:] and before is not None:  # what is made of searched bins was searched for
            found = self._study.search_of(before)
            said |= {} if found is None else {"searched": found.document()}
        self._study.commit([proposing.by_hand(self._study, self.name, spec, method, reason, pins, **said)])
        self._study.results.pop(self.name, None)
        return self

    def _required(self) -> FactorSpec:
        spec = self.spec
        if spec is None:
            spec = decisions.proposal_of(self._study, self.name).spec
        return spec

    # -- looks ------------------------------------------------------------------------------------------------------

    def bin_table(self, sample: str = "train", reason: str | None = None) -> pd.DataFrame:
        """Rows, exposure, actual, predicted, A/E per level under the current model; the holdout is a recorded look."""
        return bin_table(self._study, self.name, self._required(), sample, reason)

    def validation_table(self) -> pd.DataFrame:
        """Train and validation side by side per level."""
        return validation_table(self._study, self.name, self._required())

    def compare(self, spec: decisions.SpecLike | None = None) -> Comparison:
        """The proposal (or a given spec) against the current model, jointly refitted; recorded."""
        return decisions.compare(self._study, self.name, spec)

    # -- decisions --------------------------------------------------------------------------------------------------

    def accept(self, reason: str | None = None) -> FactorBlock:
        """Take the proposal into the model."""
        decisions.accept(self._study, self.name, None, reason)
        return self

    def reject(self, reason: str | None = None) -> FactorBlock:
        """Record that the factor is not wanted."""
        self._study.commit([decisions.rejection(self._study, self.name, reason, {})])
        return self

    def __repr__(self) -> str:
        state = "accepted" if self.is_accepted else "rejected" if self.name in self._study.state.rejected else "open"
        proposed = self._study.state.proposals.get(self.name)
        method = f", proposal: {proposed.method}" if proposed is not None else ""
        return f"FactorBlock({self.name!r}, {state}{method})"

    def _repr_html_(self) -> str:
        spec = self.spec
        words: Sequence[str] = () if spec is None else spec_words(spec)
        shown = "".join(f"<p>{escape(one)}</p>" for one in (repr(self), *words))
        result = self.result
        return shown + ("" if result is None else result._repr_html_())
