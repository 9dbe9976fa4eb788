"""What pydantic found wrong with a scenario, in the words of the language and at the place in the file.

The places pydantic gives hold the names of union members (`org.SimulatedOrg.simulated`); the file does not. They are
walked along the data and along the JSON Schema at once, which also knows the keys that are possible and an example.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harness.scenario.document import Data, Document, Mark, Path, Problem
from harness.scenario.model import Scenario

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "null",
    "tuple_type": "a list",
    "mapping_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
    "model_attributes_type": "a mapping of keys and values",
    "dict_type": "a mapping of keys and values",
}
_EXPLAINED_AT_MOST = 200
_WRITTEN = {str: "text", int: "a number", float: "a number", bool: "true or false", tuple: "a list", dict: "a mapping"}
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class _Found:
    """One error, with its path in the file, whether it is about one member of a union, and the schema there."""

    error: ErrorDetails
    path: Path
    tagged: bool
    schema: Mapping[str, Any]
    value: Data

    @property
    def kind(self) -> str:
        return self.error["type"]

    @property
    def key(self) -> str | int:
        return self.error["loc"][-1]

    @property
    def inside(self) -> bool:
        """Whether it is about a key of the mapping at `path`, present or not."""
        return self.kind in ("missing", "extra_forbidden")


def explain(error: ValidationError, document: Document) -> list[Problem]:
    """The problems in `error`, each once, with their places in `document`."""
    details = error.errors(include_url=False)[:_EXPLAINED_AT_MOST]
    found = [_locate(each, document.data) for each in details]
    kept = [one for one in found if not _is_noise(one, found)]
    problems: dict[Problem, None] = {}
    for path in dict.fromkeys(one.path for one in kept):
        for problem in _at(path, _without_misspelt([one for one in kept if one.path == path]), document):
            problems[problem] = None
    return list(problems)


def _without_misspelt(found: Sequence[_Found]) -> list[_Found]:
    """Without the missing keys that are there, only misspelt."""
    meant = {_near(str(one.key), one.schema.get("properties", ())) for one in found if one.kind == "extra_forbidden"}
    return [one for one in found if one.kind != "missing" or one.key not in meant]


def _is_noise(one: _Found, all_found: Sequence[_Found]) -> bool:
    """Whether an error only says that another member of a union does not fit, or counts what is wrong elsewhere."""
    if one.inside or not (one.tagged or one.kind == "too_short"):
        return False
    depth = len(one.path)
    return any(
        other is not one and other.path[:depth] == one.path and (len(other.path) > depth or other.inside)
        for other in all_found
    )


def _at(path: Path, found: Sequence[_Found], document: Document) -> Iterator[Problem]:
    wrong_types = [one for one in found if one.kind in _TYPES or (one.tagged and one.kind == "literal_error")]
    for one in found:
        if one not in wrong_types:
            yield Problem(*_message(one, document))
    if wrong_types:
        yield Problem(_expected(path, wrong_types), document.values.get(path))


def _message(one: _Found, document: Document) -> tuple[str, Mark | None]:
    """What is wrong, and the mark of the key or the value that it is about."""
    key, value = document.keys.get(one.path), document.values.get(one.path)
    context = one.error.get("ctx", {})
    match one.kind:
        case "extra_forbidden":
            return _unknown_key(one, document)
        case "missing":
            return _missing_key(one), key or value
        case "union_tag_not_found":
            message, mark = f"'flow' is missing{_in(one.path)}", key
        case "union_tag_invalid":
            flows = _QUOTED.findall(context["expected_tags"])
            message = f"{context['tag']!r} is no sign-in flow{_nearest(context['tag'], flows)}"
            mark = document.values.get((*one.path, "flow"))
        case "literal_error":
            message, mark = _expected(one.path, [one]), value
        case "string_pattern_mismatch":
            message, mark = f"{_name(one.path)} is not written as expected{_example(one.schema)}", value
        case "too_short" | "string_too_short":
            message, mark = f"{_name(one.path)} is empty", value
        case "value_error":
            message, mark = str(context["error"]), key if isinstance(one.value, Mapping) else value
        case _:
            message, mark = f"{_name(one.path)}: {one.error['msg'].replace('Input should', 'this should')}", value
    return message, mark or value


def _unknown_key(one: _Found, document: Document) -> tuple[str, Mark | None]:
    possible = one.schema.get("properties", ())
    if " " in str(one.key) and isinstance(one.value, Mapping) and one.value.get(str(one.key)) is None:
        message = f"unknown key {one.key!r}{_in(one.path)}: inside braces, text that holds a comma is put in quotes"
        return message, document.keys.get((*one.path, one.key))
    message = f"unknown key {one.key!r}{_in(one.path)}{_nearest(str(one.key), possible)}"
    return message, document.keys.get((*one.path, one.key))


def _missing_key(one: _Found) -> str:
    description = str(_below(one.schema, one.key).get("description", "")).split("\n")[0]
    return f"{one.key!r} is missing{_in(one.path)}" + (f": {description}" if description else "")


def _expected(path: Path, found: Sequence[_Found]) -> str:
    """What should be here, when a value is of the wrong type or none of those possible."""
    value = found[0].value
    choices = [choice for one in found if one.kind == "literal_error" for choice in _QUOTED.findall(_choices(one))]
    types = list(dict.fromkeys(_TYPES[one.kind] for one in found if one.kind in _TYPES))
    if isinstance(value, str) and choices:
        return f"{value!r} is not possible for {_name(path)}{_nearest(value, choices)}"
    numbers = [_choices(one) for one in found if one.kind == "literal_error" and not _QUOTED.findall(_choices(one))]
    wanted = _either([*(repr(choice) for choice in choices), *numbers, *types])
    hint = ": put it in quotes" if "text" in types and isinstance(value, int | float | bool) else ""
    return f"{_name(path)} is {_WRITTEN.get(type(value), 'empty')}, but {wanted} is expected{hint}"


def _choices(one: _Found) -> str:
    return str(one.error["ctx"]["expected"])


def _nearest(written: str, possible: Iterable[str]) -> str:
    near = _near(written, possible)
    if near is not None:
        return f": did you mean {near!r}?"
    names = ", ".join(repr(name) for name in possible)
    return f": possible is {names}" if names else ""


def _near(written: str, possible: Iterable[str]) -> str | None:
    names = {name.casefold(): name for name in possible}
    near = difflib.get_close_matches(written.casefold(), names, n=1)
    return names[near[0]] if near else None


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _name(path: Path) -> str:
    """Such as `expect.denials[2].error`: items of a list are counted from 1, as people do."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the scenario"


def _in(path: Path) -> str:
    return f" in {_name(path)}" if path else ""


def _example(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples") or ()
    return f": an example is {examples[0]}" if examples else ""


# --- walking the data and the schema ----------------------------------------------------------------------------------


@cache
def _schema() -> dict[str, Any]:
    return Scenario.model_json_schema(by_alias=True)


def _locate(error: ErrorDetails, data: Data) -> _Found:
    location = error["loc"]
    inside = error["type"] in ("missing", "extra_forbidden")
    value, schema = data, _resolve(_schema())
    path: list[str | int] = []
    tagged = False
    for part in location[:-1] if inside else location:
        below = _step(value, part)
        tagged = not below
        if below:
            value = below[0]
            path.append(part)
            schema = _below(schema, part)
        else:
            schema = _member(schema, str(part))
    return _Found(error, tuple(path), tagged, schema, value)


def _step(value: Data, part: str | int) -> tuple[Data] | None:
    """What stands at `part` of `value`, or None when nothing does."""
    if isinstance(value, Mapping) and isinstance(part, str) and part in value:
        return (value[part],)
    if isinstance(value, tuple) and isinstance(part, int) and part < len(value):
        return (value[part],)
    return None


def _resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with its reference followed; what stands beside the reference (description, examples) wins."""
    if "$ref" not in schema:
        return schema
    target = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**_resolve(target), **{key: value for key, value in schema.items() if key != "$ref"}}


def _below(schema: Mapping[str, Any], part: str | int) -> Mapping[str, Any]:
    options = [schema, *(_resolve(option) for option in schema.get("anyOf", ()))]
    for option in options:
        below = option.get("items") if isinstance(part, int) else option.get("properties", {}).get(part)
        below = below or (option.get("additionalProperties") if isinstance(part, str) else None)
        if isinstance(below, Mapping):
            return _resolve(below)
    return {}


def _member(schema: Mapping[str, Any], tag: str) -> Mapping[str, Any]:
    """The member of a union that a tag names: by its discriminator, or by the name of the model."""
    reference = schema.get("discriminator", {}).get("mapping", {}).get(tag)
    options = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    for option in options:
        named = option.get("$ref", "")
        if named and (named == reference or named.endswith(f"/{tag}")):
            return _resolve(option)
    return schema
