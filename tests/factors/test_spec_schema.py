"""The published JSON Schema is the one the classes give."""

from __future__ import annotations

import json
from pathlib import Path

from glm_local.factors.spec_schema import SCHEMA_FILE, schema_text

PUBLISHED = Path(__file__).resolve().parents[2] / SCHEMA_FILE


def test_the_published_schema_is_up_to_date() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), "run: python -m glm_local.factors.spec_schema"


def test_every_kind_is_in_the_schema_and_refuses_unknown_fields() -> None:
    schema = json.loads(schema_text())
    assert sorted(schema["discriminator"]["mapping"]) == [
        "categorical",
        "hinge",
        "interaction",
        "linear",
        "numeric",
        "ordinal",
    ]
    for reference in schema["discriminator"]["mapping"].values():
        assert schema["$defs"][reference.rsplit("/", 1)[1]]["additionalProperties"] is False
