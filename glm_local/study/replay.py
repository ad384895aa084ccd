"""Replay: the decisions of a run made again from its events, and the models they reach compared with those recorded."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from glm_local.binning.optimal_bins import optimal_bins
from glm_local.errors import ConfigError, nearest
from glm_local.factors.fingerprint import fingerprint
from glm_local.scoring.model_spec import ModelDocument
from glm_local.study.automatic import refined
from glm_local.study.closing import raw_fit
from glm_local.study.core import StudyCore
from glm_local.study.design import Change, Design
from glm_local.study.events import DECISIONS, StudyEvent
from glm_local.study.proposing import read_rules


@dataclass(frozen=True)
class Replay:
    """What came of a replay.

    Parameters
    ----------
    run
        The run replayed.
    table
        One line per decision: event, factor, recorded and reached fingerprint of the model, whether they are the same,
        and how far the training deviances are apart.
    design, model
        What it ended with; the model is fitted on source rows where the run was finalized.
    same
        Whether every design is the recorded one and the last model has the recorded fingerprint.
    derived
        One line per search that was made again: event, factor, and whether it found what is recorded. Searches with
        penalties of the user's own are not made again: the history has their names only.
    """

    run: str
    table: pd.DataFrame
    design: Design
    model: ModelDocument
    same: bool
    derived: pd.DataFrame

    def _repr_html_(self) -> str:
        verdict = "reached the same model" if self.same else "reached another model"
        said = f"<p>Run {escape(self.run)} {verdict}: {self.model.fingerprint[:16]}</p>"
        return said + self.table.to_html(index=False)


def replay(study: StudyCore[Any], run: str | None, rederive: bool) -> Replay:
    """Make the decisions of a study again up to the end of a run, each refitted; searches too, where asked.

    Raises
    ------
    ConfigError
        When the study has no such run.
    """
    events = _until(study, run)
    design, before, lines = Design(), [Design()], []
    searches: list[dict[str, Any]] = []
    for event in events:
        if rederive:
            searches += _searched(study, event, design)
        if event.kind in DECISIONS:
            before.append(design)
            design = design.after([Change.read(one) for one in event.payload["changes"]])
        elif event.kind == "undone":
            design = before.pop()
        else:
            continue
        lines.append(_line(study, event, design))
    finalized = next((one for one in reversed(events) if one.kind == "finalized"), None)
    model, same = _last(study, design, finalized)
    return Replay(
        run or events[-1].run_id,
        pd.DataFrame(lines, columns=list(_COLUMNS)),
        design,
        model,
        same and all(line["same_design"] for line in lines),
        pd.DataFrame(searches, columns=["event", "factor", "same"]),
    )


_COLUMNS = ("event", "factor", "by_user", "recorded", "reached", "same_design", "same_model", "deviance_apart")


def _searched(study: StudyCore[Any], event: StudyEvent, design: Design) -> list[dict[str, Any]]:
    """A search made again under the design of its time, and whether it finds what it found."""
    if event.kind == "proposed" and event.payload["method"] == "optimized":
        rules = read_rules(event.payload["evidence"]["rules"])
        if rules is None:
            return []
        factor = str(event.factor)
        found = optimal_bins(study.bench.sums_beside(design, factor, rules), study.bench.candidate(factor), rules)
        reached = None if found.spec is None else fingerprint(found.spec)
        return [{"event": "optimized", "factor": event.factor, "same": reached == event.payload["fingerprint"]}]
    if event.kind != "refined" or "factors" not in event.payload["evidence"]:
        return []
    return _refined_again(study, event, design)


def _refined_again(study: StudyCore[Any], event: StudyEvent, design: Design) -> list[dict[str, Any]]:
    recorded = {one["factor"]: fingerprint(one["spec"]) for one in event.payload["changes"]}
    lines: list[dict[str, Any]] = []
    for one in event.payload["evidence"]["factors"]:
        rules = read_rules(one["rules"]) if one.get("rules") else None
        if rules is None:
            if one.get("rules"):  # penalties are known by name only: the search cannot be made again
                return lines
            continue
        change, _ = refined(study, design, one["factor"], rules)
        reached = None if change is None or change.spec is None else fingerprint(change.spec)
        lines.append({"event": "refined", "factor": one["factor"], "same": reached == recorded.get(one["factor"])})
        design = design if change is None else design.after([change])
    return lines


def _until(study: StudyCore[Any], run: str | None) -> list[StudyEvent]:
    events = study._history.events
    if run is None:
        return events
    last = max((at for at, one in enumerate(events) if one.run_id == run), default=None)
    if last is None:
        known = list(dict.fromkeys(one.run_id for one in events))
        raise ConfigError.because(f"the study has no run {run!r}.", "", nearest(run, known), path="run")
    return events[: last + 1]


def _line(study: StudyCore[Any], event: StudyEvent, design: Design) -> dict[str, Any]:
    fitted, recorded = study.bench.fitted(design), event.payload["model"]
    return {
        "event": event.kind,
        "factor": event.factor,
        "by_user": event.by_user,
        "recorded": recorded["fingerprint"],
        "reached": fitted.model.fingerprint,
        "same_design": design.fingerprint == event.payload["after"],
        "same_model": recorded["fingerprint"] == fitted.model.fingerprint,
        "deviance_apart": fitted.train.deviance - recorded["train_deviance"],
    }


def _last(study: StudyCore[Any], design: Design, finalized: StudyEvent | None) -> tuple[ModelDocument, bool]:
    if finalized is None or finalized.payload["after"] != design.fingerprint:
        return study.bench.fitted(design).model, True
    model = study.bench.by_key(raw_fit(study, design), study.bench.fitted(design).keys)
    return model, model.fingerprint == finalized.payload["model"]
