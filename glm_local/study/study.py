"""The study: factors designed one decision at a time on one split, every choice and its reason kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, Unpack

from glm_local.arguments.checked import arguments_checked
from glm_local.audit.store import Store
from glm_local.binning.rules import BinningRules, with_profile
from glm_local.errors import ConfigError
from glm_local.glm.document import package_versions
from glm_local.inference.thin_levels import Profile
from glm_local.models.model import Model
from glm_local.rows.engine import Engine, Frame
from glm_local.screening.find_interactions import PairOptions
from glm_local.screening.interaction_ranking import InteractionRanking
from glm_local.screening.tested_levels import ScreeningRules
from glm_local.study import automatic, closing, crossing, decisions, selective
from glm_local.study.automatic import AutomaticPlan
from glm_local.study.closing import Finalization
from glm_local.study.comparison import Comparison
from glm_local.study.core import StudyCore
from glm_local.study.crossing import InteractionTest
from glm_local.study.environment import Environment, StoreLike, opened_store
from glm_local.study.events import known_studies, require_study
from glm_local.study.history import Fact, StudyHistory
from glm_local.study.keeping import Keep, KeepingRule
from glm_local.study.looks import StudyLooks
from glm_local.study.replay import Replay, replay
from glm_local.study.selective import Inference, SelectiveIntervals
from glm_local.study.setup import Dispersion, SplitLike, StudySetup, divided_otherwise, study_setup
from glm_local.study.workbench import Workbench


@arguments_checked
class Study(StudyLooks[Frame]):
    """A study of factors for one model.

    Parameters
    ----------
    frame
        The rows; what the package's engine takes.
    target, family, link, exposure, offset, weight
        As in `fit_glm`.
    candidates
        Columns or specifications under review; None is every column that has no role and is not the key.
    split
        Three fractions (train, validation, holdout), a split document, or None: 0.6, 0.2, 0.2 by hash of the key.
    key
        Columns whose equal values stay in one sample and one fold. None takes the values of every column whose values
        have one spelling (text, integers, booleans, dates): identical rows then stay together, and the history says so.
    folds, seed
        Cross-validation folds of the training rows; seed of split and folds (0 is a seed like any other).
    dispersion
        "by_key" (the default): tests, standard errors and intervals are made from the scores of the keys' rows, so that
        neither overdispersion nor rows that share a key make them too sure. "auto", "fixed", "pearson", "deviance": as
        in `fit_glm`, every row by itself; what rows and keys spread is measured and warned about all the same.
    name
        Of the study in the store, and of its models.
    store
        Where the history is written as it happens: a path or a store. None keeps it in memory until `save`.
    user
        Who decides; None asks the operating system.
    engine
        None opens the package's engine.

    Notes
    -----
    The constructor makes no pass over rows and writes nothing; the first verb that needs rows splits and packs them.
    """

    def __init__(
        self,
        frame: Any,
        *,
        target: Any,
        family: Any = "poisson",
        link: Any = None,
        exposure: Any = None,
        offset: Any = None,
        weight: Any = None,
        candidates: Sequence[Any] | None = None,
        split: SplitLike = None,
        key: str | Sequence[str] | None = None,
        folds: int = 5,
        seed: int = 0,
        dispersion: Dispersion = "by_key",
        name: str = "study",
        store: StoreLike = None,
        user: str | None = None,
        engine: Engine[Frame] | None = None,
    ) -> None:
        environment = self._open_environment(engine)
        setup = study_setup(
            environment.engine.columns(frame),
            target=target,
            family=family,
            link=link,
            exposure=exposure,
            offset=offset,
            weight=weight,
            candidates=candidates,
            split=split,
            key=key,
            folds=folds,
            seed=seed,
            dispersion=dispersion,
        )
        self._begin(environment, frame, setup, name, opened_store(environment, store), user)
        if self.state.setup is not None:
            raise ConfigError.because(
                f"the store has a study {name!r} already.",
                "A study's name is its own.",
                "Go on with it: GLMStudy.load(store, name, frame). Or give another name.",
                path="name",
            )

    @classmethod
    def _open_environment(cls, engine: Engine[Frame] | None) -> Environment[Frame]:
        raise NotImplementedError("glm_local and glm_spark bind their engine")

    def _begin(
        self,
        environment: Environment[Frame],
        frame: Any,
        setup: StudySetup,
        name: str,
        store: Store,
        user: str | None,
    ) -> None:
        about = {
            "engine": environment.engine.name,
            "data": dict(environment.source(frame)) or None,
            "environment": {**package_versions(), **environment.versions},
        }
        history = StudyHistory(store, name, user, setup.asked(), about)
        learned = history.state.learned or None
        bench: Workbench[Frame] = Workbench(environment.engine, frame, setup, name, learned)
        super().__init__(environment, history, bench)

    # -- opening and closing ----------------------------------------------------------------------------------------

    @classmethod
    def load(
        cls,
        store: Store | str | Path,
        name: str,
        frame: Any,
        *,
        user: str | None = None,
        engine: Engine[Frame] | None = None,
    ) -> Self:
        """Open a study again, in another process or on the other engine, and go on with it.

        Everything comes from its events; the rows must be those it began with, which their fingerprint shows.

        Raises
        ------
        ConfigError
            When the store has no such study; the nearest name is told.
        DataError
            At the first use of rows, when they are not the study's.
        """
        environment = cls._open_environment(engine)
        opened = opened_store(environment, store)
        require_study(opened, name)
        setup = StudyHistory(opened, name, user, {}, {}).state.setup
        assert setup is not None
        self = cls.__new__(cls)
        self._begin(environment, frame, StudySetup.read(setup), name, opened, user)
        return self

    @classmethod
    def studies(cls, store: Store | str | Path) -> list[str]:
        """Names of the studies in a store."""
        return known_studies(opened_store(cls._open_environment(None), store))

    def save(self, path: str | Path | Store) -> str:
        """Write a history kept in memory to a store, and go on writing it there; returns the store's location.

        A study that was given a store is written as it happens: saving it there again changes nothing.
        """
        store = opened_store(self._environment, path)
        if store.location != self._history.store.location:
            self._history.move_to(store)
        return store.location

    def branch(self, name: str, reason: str | None = None) -> Self:
        """A new study that goes on from here under a name of its own; this one is left as it is."""
        self.bench  # noqa: B018  a study that is not split yet is split here
        other = type(self).__new__(type(self))
        history = self._history.branch(name, reason)
        StudyCore.__init__(other, self._environment, history, self._bench)
        other._checked = True
        return other

    def replay(self, run: str | None = None, rederive: bool = True) -> Replay:
        """Make the decisions again up to the end of a run (None: all), refit each, and compare with what is recorded.

        Searches for bins are made again too (`rederive`). Recorded as an event.
        """
        found = replay(self, run, rederive)
        searched = bool(found.derived["same"].all()) if len(found.derived) else None
        said = {"run": found.run, "same": found.same, "model": found.model.fingerprint, "same_searches": searched}
        reached = "reached the same model" if found.same else "reached another model"
        self.commit([Fact("replayed", said, reason=reached)])
        return found

    def close(self) -> None:
        """End the run that is open and free the packed rows."""
        self._history.finish()
        self._bench.close()

    def split(
        self, split: SplitLike = None, *, key: str | Sequence[str] | None = None, seed: int | None = None
    ) -> Self:
        """Divide the rows, once; without it the first verb that needs rows does so as the constructor was told.

        Raises
        ------
        SpecError
            When they are divided already.
        """
        self.require_open_split()
        setup, columns = self._bench.setup, self._bench.kinds
        if split is not None or key is not None or seed is not None:
            self._bench.setup = setup = divided_otherwise(setup, columns, split, key, seed)
            self._history.config = setup.asked()
        self.bench  # noqa: B018  divided and packed here
        return self

    # -- deciding ---------------------------------------------------------------------------------------------------

    def compare(self, factor: str, spec: decisions.SpecLike | None = None) -> Comparison:
        """A factor's proposal, or a given spec, against the current model, jointly refitted; recorded."""
        return decisions.compare(self, factor, spec)

    def accept(self, factor: str, spec: decisions.SpecLike | None = None, reason: str | None = None) -> Self:
        """Take a factor into the model by its proposal or a given spec."""
        decisions.accept(self, factor, spec, reason)
        return self

    def reject(self, factor: str, reason: str | None = None) -> Self:
        """Record that a factor is not wanted; one in the model is removed by `remove`."""
        self.commit([decisions.rejection(self, factor, reason, {})])
        return self

    def remove(self, factor: str, reason: str | None = None) -> Self:
        """Take a factor out of the model."""
        decisions.remove(self, factor, reason)
        return self

    def replace(self, factor: str, by: decisions.SpecLike | str, reason: str | None = None) -> Self:
        """Put another spec, or another factor's proposal, in a factor's place."""
        decisions.replace(self, factor, by, reason)
        return self

    def undo(self, reason: str | None = None) -> Self:
        """Take back the last decision that stands; an event of its own, nothing is deleted."""
        decisions.undo(self, reason)
        return self

    # -- interactions -----------------------------------------------------------------------------------------------

    def find_interactions(
        self, pairs: Sequence[tuple[str, str]] | None = None, **options: Unpack[PairOptions]
    ) -> InteractionRanking:
        """Rank pairs of factors net of their margins; see `glm_local.screening.find_interactions`."""
        return crossing.find(self, pairs, **options)

    def test_interaction(self, first: str, second: str, rules: ScreeningRules | None = None) -> InteractionTest:
        """Fit the crossing of two accepted factors beside the model; recorded, and proposed."""
        return crossing.record_test(self, first, second, rules)

    def accept_interaction(
        self, first: str, second: str, reason: str | None = None, rules: ScreeningRules | None = None
    ) -> Self:
        """Take the crossing of two accepted factors into the model, net of their margins, thin cells pooled."""
        crossing.accept(self, first, second, reason, rules)
        return self

    # -- the model as a whole ---------------------------------------------------------------------------------------

    def fit_main_effects(self) -> Model[Frame]:
        """The accepted design fitted jointly on the training rows; recorded."""
        fitted = self.current()
        self.commit([Fact("fitted", {**fitted.figures(), "design": self.design.fingerprint})])
        return Model(fitted.model, self._environment.engine)

    def refine_factor(
        self, factor: str, rules: BinningRules | None = None, reason: str | None = None, *, accept: bool = False
    ) -> bool:
        """Optimize one accepted factor again, the others as offset; True where better bins were found.

        They are proposed: `compare` shows what they change, `accept` takes them. With `accept` they are taken at once.
        """
        decisions.require_accepted(self, factor)
        if accept:
            return automatic.refine_round(self, rules, None, [factor], reason)
        return automatic.propose_refined(self, rules, [factor], reason) == 1

    def refine_all(self, rules: BinningRules | None = None, rounds: int = 3, *, accept: bool = False) -> int:
        """Propose better bins of every accepted factor, the others as they are; returns how many were found.

        With `accept` factors are refined in turn, each change taken, until a round changes nothing, in at most `rounds`
        rounds; then the rounds made are returned.
        """
        if accept:
            return automatic.refine_all(self, rules, rounds, f"refine after {self.state.seq}")
        return automatic.propose_refined(self, rules, self.design.names, None)

    def auto_design(
        self,
        top_n: int | None = None,
        rules: BinningRules | None = None,
        interactions: bool | int = False,
        *,
        candidates: Sequence[str] | None = None,
        keep: Keep = "screening",
        q: float | None = None,
        level: float | None = None,
        errors: float | None = None,
        rounds: int = 2,
        inference: Inference = "naive",
        profile: Profile | None = None,
    ) -> Self:
        """Rank, optimize, keep what earns its place, refine together, prune; crossings where asked.

        A factor is kept when it is there (its screening test against the model at the time of trying has a q-value of
        at most 0.05) and the search of its bins, made again without each fold, gains on the fold; or, for an ordered
        factor with a fifth of that q-value, when five bands of equal exposure gain out of fold, which nobody searched
        for; categories so in five groups by their shrunk experience, made again without each fold. Stopped anywhere and
        called again, it goes on where it was.

        Parameters
        ----------
        top_n
            Candidates tried, best first; None is all.
        interactions
            Pairs tried, best first; True is three.
        keep, q, level, errors
            When a factor stays: a rule by name, and other numbers than its own; see
            `glm_local.study.keeping.KeepingRule`.
        inference
            "selective" fits the design that was reached on the validation rows too, which took no part in it, and
            records those intervals; see `selective_intervals`.
        profile
            Whose floors of levels hold, "insurance" or "credit": see `glm_local.binning.rules.BinningRules`. None is
            the one of `rules`.
        """
        if inference == "selective":
            selective.require_unseen(self, holdout=False, rules=rules)
        pairs = 3 if interactions is True else int(interactions)
        plan = AutomaticPlan(top_n, with_profile(rules, profile), KeepingRule(keep, q, level, errors), rounds, pairs)
        automatic.auto_design(self, plan, candidates)
        if inference == "selective":
            selective.infer(self)
        return self

    def selective_intervals(self, reason: str | None = None) -> SelectiveIntervals:
        """Intervals that hold after a search: the accepted design fitted on rows that took no part in reaching it.

        Before `finalize` these are the validation rows; ``finalize(inference="selective")`` takes the holdout too.
        Recorded once per design. Packed passes of one fit; source rows are not read.

        Raises
        ------
        ConfigError
            When no row is left that took no part.
        """
        return selective.infer(self, reason)

    def finalize(
        self, verify: bool = True, reason: str | None = None, *, inference: Inference = "naive"
    ) -> Finalization:
        """Fit the accepted design on source rows, have it verified, look at the holdout, record all of it.

        A design that is finalized already is not finalized again: nothing is added.

        Parameters
        ----------
        verify
            Whether an independent solver refits the model.
        inference
            "selective" records intervals of the design on the rows of validation and holdout beside the model's.
        """
        return closing.finalize(self, verify, reason, inference)
