"""The JSON Schema of scenario files, which editors complete from: `python -m harness.scenario.schema` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.scenario.model import Denial, Grant, Operation, Scenario

ID = "urn:pytest-sf-rehearsal:scenario:1"
PATH = Path(__file__).with_name("schema.json")


def json_schema() -> dict[str, Any]:
    """The schema of version 1 of the language, JSON Schema draft 2020-12, with the keys as files have them."""
    schema = Scenario.model_json_schema(by_alias=True)
    for model in (Operation, Grant, Denial):
        schema["$defs"][model.__name__]["oneOf"] = [{"required": [kind]} for kind in model.kinds()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        **schema,
        "title": "Scenario of a rehearsed migration (rehearse: 1)",
    }


def text() -> str:
    """The schema as it stands in schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
