"""The published JSON Schema of factor specifications; ``python -m glm_local.factors.spec_schema FILE`` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from glm_local.factors.factor_spec import VERSION, FactorSpec

SCHEMA_FILE = "conf/schema/factor_spec.schema.json"


def factor_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one factor specification.

    It says which fields there are and of what form; rules between fields are told by `read_factors`.
    """
    schema = TypeAdapter(FactorSpec).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:glm-spark:factor-spec:{VERSION}",
        "title": "Factor specification",
        **schema,
    }


def schema_text() -> str:
    """Return the schema as the text that is published."""
    return json.dumps(factor_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
