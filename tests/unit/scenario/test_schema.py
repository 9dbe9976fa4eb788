"""The published JSON Schema: complete, up to date, and in agreement with the loader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema.protocols import Validator

from harness.errors import ScenarioError
from harness.scenario import schema
from harness.scenario.loader import load, read
from tests.unit.scenario.example import TEXT

SCHEMA = schema.json_schema()
SHIPPED = sorted((Path(__file__).parents[3] / "scenarios").glob("*.scenario.yaml"))


def validator(part: dict[str, Any] | None = None) -> Validator:
    whole = {**(part or {}), "$defs": SCHEMA["$defs"]} if part else SCHEMA
    return jsonschema.Draft202012Validator(whole)


def properties(node: object, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        for name, below in node.get("properties", {}).items():
            yield f"{path}/{name}", below
        for name, below in node.items():
            yield from properties(below, f"{path}/{name}")
    elif isinstance(node, list):
        for below in node:
            yield from properties(below, path)


def test_the_schema_is_a_schema_and_the_file_is_up_to_date() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), "run python -m harness.scenario.schema"
    assert SCHEMA["$id"]
    assert SCHEMA["title"]


def test_every_key_has_a_description_and_examples_that_are_right() -> None:
    checked = 0
    for path, part in properties(SCHEMA):
        assert part.get("description"), f"{path} has no description"
        assert part.get("examples"), f"{path} has no example"
        for example in part["examples"]:
            validator(part).validate(example)
        checked += 1
    assert checked > 80


def test_the_keys_are_those_of_the_file() -> None:
    names = {path.rpartition("/")[2] for path, _ in properties(SCHEMA)}
    assert {"from", "to", "copy", "for"} <= names
    assert not [name for name in names if name.endswith("_")]


def test_nothing_else_is_allowed_anywhere() -> None:
    for name, part in SCHEMA["$defs"].items():
        assert part.get("additionalProperties") is False, name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_scenario_fits(path: Path) -> None:
    validator().validate(yaml.safe_load(path.read_text()))
    assert load(path).scenario.rehearse == 1


def test_scenarios_are_shipped() -> None:
    assert SHIPPED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rehearse: 1", "rehearse: 2"),
        ("system: ERP\n", ""),
        ("from:", "form:"),
        ("for: 14d", "for: soon"),
        ("flow: soap-login", "flow: soap"),
        ('"env:ERP_OLD_PASSWORD"', "hunter2"),
        ("- query: SELECT Id, Status FROM Order", "- {query: a, describe: Account}"),
        ("- query: SELECT Id, Status FROM Order", "- {}"),
    ],
)
def test_schema_and_loader_refuse_the_same(old: str, new: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new)
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(yaml.safe_load(text))
    with pytest.raises(ScenarioError):
        read(text.encode(), path=Path("x.scenario.yaml"), shown="x")


def test_the_schema_takes_what_the_loader_takes() -> None:
    validator().validate(yaml.safe_load(TEXT))
    validator().validate(json.loads(json.dumps(yaml.safe_load(TEXT))))
