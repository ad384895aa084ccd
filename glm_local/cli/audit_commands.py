"""The commands ``glm audit …``: the auditor's questions, each answered in lines or as one JSON line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from glm_local.errors import ConfigError, nearest
from glm_local.job import run_options
from glm_local.job.command import Answer, answered, json_text
from glm_local.texts.terminal_text import terminal_word

audit_app = typer.Typer(help="Ask the audit: who did what, when, why; and was anything changed.", no_args_is_help=True)

Json = Annotated[bool, typer.Option(run_options.JSON.flag, help=run_options.JSON.help)]
Debug = Annotated[bool, typer.Option(run_options.DEBUG.flag, help=run_options.DEBUG.help)]
StoreOption = Annotated[str, typer.Option("--store", help="Folder or URI of the audit's tables.")]
Study = Annotated[str | None, typer.Option("--study", help="Only this study.")]

PublicKey = Annotated[
    list[str] | None,
    typer.Option(
        "--public-key",
        help="Key that seals must be signed by: a file, or the key itself; may be repeated. "
        "Otherwise GLM_SEAL_PUBLIC_KEY.",
    ),
]

DEFAULT_STORE = "artifacts/audit"


@audit_app.command("history")
def history_command(
    store: StoreOption = DEFAULT_STORE,
    study: Study = None,
    factor: Annotated[str | None, typer.Option("--factor", help="Only this factor.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Only this run.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print events in order."""

    def ask() -> Answer:
        from glm_local import audit

        events = audit.history(_store(store), study, factor, run)
        return Answer({"events": events}, "\n".join(_event_line(event) for event in events) or "no event")

    return answered(ask, as_json, debug)


@audit_app.command("verify")
def verify_command(
    store: StoreOption = DEFAULT_STORE,
    study: Study = None,
    head: Annotated[
        list[str] | None, typer.Option("--head", help="A head kept from an earlier run, seq:hash; may be repeated.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option("--anchor", help="Where glm audit anchor keeps heads: a file, delta:…, mlflow:….")
    ] = None,
    public_key: PublicKey = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Recompute every hash and name what was changed; exit code 1 when something was."""

    def ask() -> Answer:
        from glm_local import audit
        from glm_local.audit.hash_chain import Head

        opened, heads = _store(store), [Head.parse(one) for one in head or ()]
        kept = audit.read_anchors(opened, anchor, study) if anchor is not None else []
        found = audit.verify(opened, study, [*heads, *kept], _public_keys(public_key))
        document = {
            "ok": found.ok,
            "events": found.events,
            "rows": found.rows,
            "proven": found.proven if found.ok else (),
            "not_proven": found.unproven,
            "heads": {name: str(one) for name, one in found.heads.items()},
            "findings": [one.__dict__ for one in found.findings],
        }
        return Answer(document, str(found), 0 if found.ok else 1)

    return answered(ask, as_json, debug)


@audit_app.command("anchor")
def anchor_command(
    to: Annotated[str, typer.Option("--to", help="A file, delta:<folder or URI>, or mlflow:<run id>.")],
    store: StoreOption = DEFAULT_STORE,
    study: Study = None,
    public_key: PublicKey = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Verify, then write the heads to a place that the store's writers cannot write."""

    def ask() -> Answer:
        from glm_local import audit

        written = audit.anchor(_store(store), to, study, _public_keys(public_key))
        said = "\n".join(f"head of {terminal_word(one.study)}: {one.head}" for one in written)
        return Answer({"to": to, "anchors": [one.__dict__ for one in written]}, f"{said or 'no head'}\nkept at {to}")

    return answered(ask, as_json, debug)


@audit_app.command("reseal")
def reseal_command(
    reason: Annotated[str, typer.Option("--reason", help="Why the tables were compacted and vacuumed.")],
    store: StoreOption = DEFAULT_STORE,
    public_key: PublicKey = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """After OPTIMIZE and VACUUM: prove that every row is there, then record which sealed files are gone."""

    def ask() -> Answer:
        from glm_local import audit

        done = audit.reseal(_store(store), reason, public_keys=_public_keys(public_key))
        head = None if done.head is None else str(done.head)
        document = {"files": dict(done.files), "run_id": done.run_id, "head": head}
        said = f"{len(done.files)} files are replaced by others with the same rows: run {done.run_id}, head {done.head}"
        return Answer(document, said if done.files else "nothing to do: no sealed file was taken away")

    return answered(ask, as_json, debug)


@audit_app.command("show")
def show_command(
    run: Annotated[str, typer.Argument(help="A run's id.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print one run: what was asked, its events, how many rows it wrote where."""

    def ask() -> Answer:
        from glm_local import audit

        record = audit.show(_store(store), run)
        rows = {name: len(found) for name, found in record.tables.items()}
        document = {
            "run_id": record.run_id,
            "study": record.study,
            "run_status": record.status,
            "run": record.run,
            "events": list(record.events),
            "tables": rows,
        }
        events = "\n".join(_event_line(event) for event in record.events)
        about = f"run {terminal_word(record.run_id)} of study {terminal_word(record.study)}: {record.status}"
        said = f"{about}\n{events}\nrows written: {json_text(rows)}"
        return Answer(document, said)

    return answered(ask, as_json, debug)


@audit_app.command("who-decided")
def who_decided_command(
    factor: Annotated[str, typer.Argument(help="A factor's name.")],
    store: StoreOption = DEFAULT_STORE,
    study: Study = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print the decisions on a factor: accepted, rejected, replaced, removed, undone; by whom, when, why."""

    def ask() -> Answer:
        from glm_local import audit

        opened = _store(store)
        events = audit.who_decided(opened, factor, study)
        if not events:
            _require_known(opened, "factor", factor)
        return _events_answer(events, "nobody decided on it", factor=factor)

    return answered(ask, as_json, debug)


@audit_app.command("why-is-it-in")
def why_command(
    run: Annotated[str, typer.Argument(help="A run's id.")],
    factor: Annotated[str, typer.Argument(help="A factor's name.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print what was said about a factor up to the end of a run: proposals, comparisons, decisions and evidence."""

    def ask() -> Answer:
        from glm_local import audit

        opened = _store(store)
        events = audit.why_is_it_in(opened, run, factor)
        if not events:
            _require_known(opened, "factor", factor)
        return _events_answer(events, "nothing was said about it", run_id=run, factor=factor)

    return answered(ask, as_json, debug)


@audit_app.command("what-changed")
def what_changed_command(
    run_a: Annotated[str, typer.Argument(help="A run's id.")],
    run_b: Annotated[str, typer.Argument(help="Another run's id.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print terms of two runs' models that differ, relativities side by side."""

    def ask() -> Answer:
        from glm_local import audit

        changes = audit.what_changed(_store(store), run_a, run_b)
        lines = [f"{terminal_word(one['term'])}: {_pair(one, 'relativity')}" for one in changes]
        return Answer({"run_a": run_a, "run_b": run_b, "changes": changes}, "\n".join(lines) or "nothing changed")

    return answered(ask, as_json, debug)


@audit_app.command("holdout-looks")
def holdout_looks_command(
    study: Annotated[str, typer.Argument(help="A study's name.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print every look at a study's holdout: who, when, why."""

    def ask() -> Answer:
        from glm_local import audit

        opened = _store(store)
        events = audit.holdout_looks(opened, study)
        if not events:
            _require_known(opened, "study", study)
        return _events_answer(events, "nobody looked", study=study)

    return answered(ask, as_json, debug)


@audit_app.command("reproduce")
def reproduce_command(
    run: Annotated[str, typer.Argument(help="A run's id.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Print what it takes to run a run again: configuration, code, data, decisions with their specifications."""

    def ask() -> Answer:
        from glm_local import audit

        found = audit.reproduce(_store(store), run)
        return Answer({"run_id": run, **found}, json_text(found))

    return answered(ask, as_json, debug)


def _events_answer(events: Sequence[Any], nothing: str, **about: str) -> Answer:
    return Answer({**about, "events": events}, "\n".join(_event_line(event) for event in events) or nothing)


def _require_known(store: Any, what: Literal["study", "factor"], name: str) -> None:
    """Tell a name nobody knows from one of which there is nothing to say."""
    from glm_local.audit.fill_rows import from_arrow

    column = {"study": "study_id", "factor": "factor"}[what]
    known = sorted({str(one[column]) for one in from_arrow(store.read("events", columns=[column])) if one[column]})
    if name not in known:
        raise ConfigError.because(
            f"No event knows {what} {name!r}.",
            f"A {what} goes by its name in the history.",
            nearest(name, known),
            path=what,
        )


def _pair(line: Any, name: str) -> str:
    """Two runs' values of a term: relativities, or estimates where there are none."""
    shown = name if any(line[f"{name}_{run}"] is not None for run in "ab") else "estimate"
    before, after = (line[f"{shown}_{run}"] for run in "ab")
    # As few digits as tell the two apart, four at least.
    for digits in range(4, 18):
        texts = ["none" if one is None else f"{one:.{digits}g}" for one in (before, after)]
        if texts[0] != texts[1]:
            break
    return " -> ".join(texts)


def _event_line(event: Any) -> str:
    about = " ".join(terminal_word(event[name]) for name in ("factor", "reason") if event[name])
    when = f"{event['seq']:>4}  {event['at']:%Y-%m-%d %H:%M:%S}"
    study, user = terminal_word(event["study_id"]), terminal_word(event["by_user"])
    return f"{study} {when}  {user}  {event['event']:<10} {about}".rstrip()


def _public_keys(given: Sequence[str] | None) -> list[str]:
    """Keys that were given, else the environment's."""
    from glm_local.audit.seal_keys import PUBLIC_VARIABLE

    known = os.environ.get(PUBLIC_VARIABLE)
    return list(given or ([known] if known else []))


def _store(location: str) -> Any:
    folder = Path(location)
    if "://" not in location and not (folder / "events").is_dir():
        raise ConfigError.because(
            f"{location} holds no audit.",
            "An audit is a folder with the table events.",
            "Give the folder that a run named as its history.",
            path="--store",
        )
    from glm_local.stores.delta_store import open_store

    return open_store(location)
