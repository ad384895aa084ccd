"""Earlier looks at a holdout: other runs that saw the same rows of the same source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glm_local.audit.event_document import event_document
from glm_local.audit.fill_rows import Row, from_arrow
from glm_local.audit.run_log import RunLog
from glm_local.errors import StoreError
from glm_local.job.config import TaskConfig
from glm_local.texts.counted import counted
from glm_local.texts.plain_json import canonical_json


def earlier_looks(log: RunLog, config: TaskConfig, data: str) -> list[str]:
    """Runs before this one whose holdout was looked at and has the same rows: same source, filter, split, key and seed.

    Parameters
    ----------
    log
        Of this run; its store is asked.
    config, data
        Of this run: what it asked, and the fingerprint of its source.
    """
    store, columns = log.store, ["run_id"]
    looked = {
        str(row["run_id"])
        for where in ({"event": "looked"}, {"step": "holdout_looked_at"})
        for row in from_arrow(store.read("events", where, columns))
    } - {log.run_id}
    if not looked:
        return []
    runs = from_arrow(store.read("runs", columns=["run_id", "config", "data", "started_at"]))
    same = [one for one in runs if one["run_id"] in looked and _is_same(one, _holdout(config.identity), data)]
    return [str(one["run_id"]) for one in sorted(same, key=lambda one: str(one["started_at"]))]


def looks_warning(runs: list[str]) -> str:
    """What a reader of this run's figures on the holdout must know."""
    return (
        f"This holdout was looked at before, by {counted(len(runs), 'run')} ({', '.join(runs[-3:])}"
        f"{', …' if len(runs) > 3 else ''}): choices made after a look make its figures too good."
    )


def _is_same(run: Row, holdout: str, data: str) -> bool:
    try:
        said, config = event_document(run, "data"), event_document(run, "config")
        return said.get("fingerprint") == data and "roles" in config and _holdout(config) == holdout
    except (StoreError, KeyError, TypeError, AttributeError):  # what somebody forged stops no run; verify names it
        return False


def _holdout(config: Mapping[str, Any]) -> str:
    """What decides which rows of a source are the holdout."""
    data = config["data"]
    return canonical_json(
        {
            "split": config.get("split"),
            "key": config["roles"].get("key"),
            "seed": config["job"].get("seed"),
            "where": data.get("where"),
            "derive": data.get("derive"),
        }
    )
