"""An option is written once: keywords of public functions are the fields of the record they stand for."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import pytest

import glm_local
from glm_local.arguments.options import options_of
from glm_local.binning.rules import BinningOptions, BinningRules
from glm_local.errors import ArgumentError
from glm_local.glm.request import FitOptions, FitRequest
from glm_local.screening.find_interactions import PairOptions, find_interactions
from glm_local.screening.rank_factors import RankingOptions, rank_factors
from glm_local.study.factor_block import FactorBlock
from glm_local.study.looks import PageOptions, StudyLooks
from glm_local.workflow.rules import WorkflowRuleOptions, WorkflowRules
from glm_local.workflow.workflow import Workflow, WorkflowOptions

ROLES = {"target", "factors", "family", "link", "exposure", "offset", "weight"}
SET_BY_THE_PRODUCT = {"tolerance", "max_iterations", "data_fingerprint"}
"""Fields of a request that no public function takes."""


def _parameters(function: Any) -> dict[str, Any]:
    hints = get_type_hints(inspect.unwrap(function))
    return {name: hints[name] for name in inspect.signature(function).parameters if name in hints}


@pytest.mark.parametrize(
    ("options", "record"),
    [
        (BinningOptions, BinningRules),
        (WorkflowRuleOptions, WorkflowRules),
    ],
)
def test_options_are_the_fields_of_their_record(options: Any, record: Any) -> None:
    assert get_type_hints(options) == get_type_hints(record)


def test_fit_options_are_the_fields_of_a_request_and_the_arguments_of_fit_glm() -> None:
    options, request = get_type_hints(FitOptions), get_type_hints(FitRequest)
    assert {name: kind for name, kind in request.items() if name not in ROLES | SET_BY_THE_PRODUCT} == options
    taken = _parameters(glm_local.fit_glm)
    shown = {name: kind for name, kind in taken.items() if name in options and name != "where"}
    assert shown == {name: kind for name, kind in options.items() if name != "where"}
    assert set(taken) - {"frame", "engine"} == set(options) | ROLES


def test_fit_glm_has_the_defaults_of_a_request() -> None:
    fields = FitRequest.__dataclass_fields__
    for name, one in inspect.signature(glm_local.fit_glm).parameters.items():
        if name in fields and one.default is not inspect.Parameter.empty:
            assert one.default == fields[name].default, name


@pytest.mark.parametrize(
    ("options", "function", "others"),
    [
        (RankingOptions, rank_factors, {"rows", "model", "names", "refused"}),
        (PairOptions, find_interactions, {"rows", "model", "pairs"}),
        (PageOptions, StudyLooks.report, {"path"}),
        (WorkflowOptions, Workflow.__init__, {"target"}),
    ],
)
def test_options_are_the_arguments_of_the_function_they_are_handed_to(
    options: Any, function: Any, others: set[str]
) -> None:
    taken = _parameters(function) | options_of(function)
    assert {name: kind for name, kind in taken.items() if name not in others} == get_type_hints(options)


def test_no_public_function_takes_options_it_does_not_name() -> None:
    silent = []
    for name in glm_local.__all__:
        public = getattr(glm_local, name)
        members = [public] if inspect.isfunction(public) else [getattr(public, one) for one in dir(public)]
        for one in [*members, *(getattr(FactorBlock, each) for each in dir(FactorBlock))]:
            if inspect.isfunction(one) and (one.__module__ or "").startswith("glm_local"):
                kinds = [p.kind for p in inspect.signature(one).parameters.values()]
                own = getattr(one, "__qualname__", "").split(".")[-1]
                if inspect.Parameter.VAR_KEYWORD in kinds and not own.startswith("_"):
                    silent.append(f"{name}.{own}")
    assert silent == []


def test_help_and_completion_see_every_option_of_a_factor() -> None:
    shown = inspect.signature(FactorBlock.optimize).parameters
    assert set(BinningRules.__dataclass_fields__) <= set(shown)


def test_a_misspelt_option_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ArgumentError, match="Nearest: 'top_n'"):
        glm_local.GLMWorkflow("y", topn=3)  # type: ignore[call-arg]
