"""Tags of a run of MLflow, over its REST interface: two calls, so that no client needs to be installed."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from glm_local.errors import ConfigError, StoreError
from glm_local.texts.read_json import read_object

SECONDS = 30


def set_tags(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run on the server that ``MLFLOW_TRACKING_URI`` names."""
    for key, value in tags.items():
        _call("runs/set-tag", {"run_id": run_id, "key": key, "value": value})


def read_tags(run_id: str) -> dict[str, str]:
    """Return a run's tags."""
    run = _call(f"runs/get?{urlencode({'run_id': run_id})}").get("run", {})
    return {str(one["key"]): str(one["value"]) for one in run.get("data", {}).get("tags", [])}


def _call(what: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
    server, authorization = _server(os.environ)
    asked = urllib.request.Request(
        f"{server}/api/2.0/mlflow/{what}",
        method="GET" if body is None else "POST",
        data=None if body is None else json.dumps(body).encode("utf-8"),
        headers={"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {}),
    )
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return read_object(answer.read().decode("utf-8"))
    except (OSError, ValueError) as error:  # HTTP errors are OSErrors
        raise StoreError.because(
            f"MLflow at {server} did not answer {what.partition('?')[0]}: {' '.join(str(error).split())[:200]}.",
            "A run's tags are set and read over its REST interface.",
            "Check the address, the run's id and the rights.",
        ) from error


def _server(known: Mapping[str, str]) -> tuple[str, str]:
    """Address and authorization, from the environment as MLflow's own client reads it."""
    address, token = known.get("MLFLOW_TRACKING_URI", ""), known.get("MLFLOW_TRACKING_TOKEN", "")
    if address == "databricks":
        address, token = known.get("DATABRICKS_HOST", ""), known.get("DATABRICKS_TOKEN", "")
        address = address if "://" in address or not address else f"https://{address}"
    if not address.startswith(("http://", "https://")):
        raise ConfigError.because(
            f"MLFLOW_TRACKING_URI is {address!r}, no server's address.",
            "Tags are set on a server, by http or https.",
            "Set it to the server's address (or databricks, with DATABRICKS_HOST and DATABRICKS_TOKEN).",
            "mlflow",
        )
    if not token and known.get("MLFLOW_TRACKING_USERNAME"):
        pair = f"{known['MLFLOW_TRACKING_USERNAME']}:{known.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return address.rstrip("/"), f"Basic {base64.b64encode(pair.encode('utf-8')).decode('ascii')}"
    return address.rstrip("/"), f"Bearer {token}" if token else ""
