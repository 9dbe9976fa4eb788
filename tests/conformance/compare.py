"""Two answers held against each other: where they differ, as paths, after what must differ is made equal.

Ids, dates, hosts, API versions and secrets are different in every org, so they are replaced by what they are. Keys and
their order always count. Of the values, `EXACT` wants each equal, `SHAPE` only of the same kind.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

Difference = tuple[str, str]
"""Where (`fields[Name].length`, `status`, `header Vary`), and how: `80, recorded 255`."""


class Level(Enum):
    """How much of an answer must be as recorded."""

    BYTES = "every byte"
    EXACT = "keys, order and values"
    SHAPE = "keys, order and kinds of values; null stands for anything"
    DESCRIBE = "keys and order; values of the fields that both have"


HIDDEN = "<hidden>"
"""What stands for a value that the recording's authors took out: anything is like it."""

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_PREFIXES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "soapenv",
    "urn:partner.soap.sforce.com": "partner",
    "urn:fault.partner.soap.sforce.com": "fault",
    "urn:sobject.partner.soap.sforce.com": "sf",
    "http://soap.sforce.com/2006/04/metadata": "metadata",
    "http://www.force.com/2009/06/asyncapi/dataload": "async",
}
_REPLACED = (
    (re.compile(r"\[REDACTED\w*\]|redacted-\w+@example\.com|^example$|^Redacted$|^%s$"), HIDDEN),
    (re.compile(r"\{(ID|DurableId|UserId|RecordTypeID|SandboxInfoId)\}"), "<id>"),
    (re.compile(r"https?://[\w.:-]+"), "<host>"),
    (re.compile(r"(/v|Soap/[ucm]/|async/)(\d+\.0|xx\.0|\{version\})|/\{version\}"), "/<version>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)"), "<datetime>"),
    (re.compile(r"\b(?=(?:\w*\d){3})[0-9ae][0-9A-Za-z]{14}(?:[A-Z0-5]{3})?\b"), "<id>"),
    (re.compile(r"^\d{4}-\d\d-\d\d$"), "<date>"),
    (re.compile(r'^"[0-9a-f]{8}(--gzip)?"$'), "<etag>"),
    (re.compile(r"^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} (?!1970)\d{4} \d\d:\d\d:\d\d GMT$"), "<moment>"),
)
_NAMED_BY = {"fields": "name", "sobjects": "name", "childRelationships": None, "picklistValues": None}
_HEADERS_BY_VALUE = ("content-type", "cache-control", "www-authenticate", "expires", "vary")
_HEADERS_BY_KIND = ("location", "etag", "last-modified")
_HEADERS_BY_PRESENCE = ("sforce-limit-info",)


def normal(text: str) -> str:
    """A text without what is different in every org."""
    for pattern, word in _REPLACED:
        text = pattern.sub(word, text)
    return text


def parse(text: str, suffix: str) -> Any:
    """A body as data: XML as nested objects whose keys are the elements, CSV as a list of lists."""
    if suffix == ".json":
        return json.loads(text)
    if suffix == ".xml":
        root = fromstring(text)
        return {_tag(root): _tree(root)}
    if suffix == ".csv":
        return list(csv.reader(io.StringIO(text)))
    return text


def _tag(element: Element) -> str:
    namespace, _, name = element.tag.rpartition("}")
    prefix = _PREFIXES.get(namespace[1:], namespace[1:])
    return f"{prefix}:{name}" if prefix else name


def _tree(element: Element) -> Any:
    """An element: null, a text, or an object of its children, of which those of one name are a list."""
    if element.get(f"{_XSI}nil") == "true":
        return None
    found: dict[str, Any] = {}
    if kind := element.get(f"{_XSI}type"):
        found["@type"] = kind
    for child in element:
        known = found.setdefault(_tag(child), [])
        known.append(_tree(child))
    if not found:
        return element.text or ""
    return {tag: value[0] if len(value) == 1 and tag != "@type" else value for tag, value in found.items()}


def differences(ours: Any, theirs: Any, level: Level, path: str = "") -> Iterator[Difference]:
    """Where two bodies differ."""
    if isinstance(theirs, str) and normal(theirs) == HIDDEN:
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from _object_differences(ours, theirs, level, path)
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _list_differences(ours, theirs, level, path)
    elif ours is None or theirs is None:
        if ours is not theirs and level is not Level.SHAPE:
            yield path, f"{_shown(ours)}, recorded {_shown(theirs)}"
    elif level is Level.SHAPE:
        if _kind(ours) != _kind(theirs):
            yield path, f"{_kind(ours)}, recorded {_kind(theirs)}"
    elif _plain(ours) != _plain(theirs) or type(ours) is not type(theirs):
        yield path, f"{_shown(ours)}, recorded {_shown(theirs)}"


def _object_differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], level: Level, path: str
) -> Iterator[Difference]:
    for key in [key for key in theirs if key not in ours]:
        yield _under(path, key), "missing"
    for key in [key for key in ours if key not in theirs]:
        yield _under(path, key), "not recorded"
    common = [key for key in ours if key in theirs]
    if common != [key for key in theirs if key in ours]:
        yield f"{path}{{}}", f"order {common}, recorded {[key for key in theirs if key in ours]}"
    for key in common:
        yield from differences(ours[key], theirs[key], level, _under(path, key))


def _list_differences(ours: list[Any], theirs: list[Any], level: Level, path: str) -> Iterator[Difference]:
    name = path.rpartition(".")[2]
    if level is Level.DESCRIBE and name in _NAMED_BY:
        yield from _described_differences(ours, theirs, _NAMED_BY[name], path)
    elif level is Level.SHAPE:
        if theirs and not ours:
            yield f"{path}[]", "no elements"
        for index, one in enumerate(theirs if ours else []):
            yield from differences(ours[min(index, len(ours) - 1)], one, level, f"{path}[]")
    else:
        if len(ours) != len(theirs):
            yield f"{path}[]", f"{len(ours)} elements, recorded {len(theirs)}"
        for mine, other in zip(ours, theirs, strict=False):
            yield from differences(mine, other, level, f"{path}[]")


def _described_differences(ours: list[Any], theirs: list[Any], by: str | None, path: str) -> Iterator[Difference]:
    """Lists of a describe: what both have is compared by name; without names, the keys of the first."""
    if by is None:
        if ours and theirs:
            yield from differences(ours[0], theirs[0], Level.SHAPE, f"{path}[]")
        return
    known = {one[by]: one for one in ours}
    for one in theirs:
        if one[by] in known:
            yield from differences(known[one[by]], one, Level.DESCRIBE, f"{path}[{one[by]}]")


def header_differences(ours: Mapping[str, str], theirs: Mapping[str, str], *, all_known: bool) -> Iterator[Difference]:
    """Where two answers' headers differ, of those that matter to a client. `ours` and `theirs` by lower-case name."""
    for name in (*_HEADERS_BY_VALUE, *_HEADERS_BY_KIND, *_HEADERS_BY_PRESENCE):
        mine, other = ours.get(name), theirs.get(name)
        if other is None and not all_known:
            continue
        if (mine is None) != (other is None) or (
            (name in _HEADERS_BY_VALUE and mine != other)
            or (name in _HEADERS_BY_KIND and normal(mine or "") != normal(other or ""))
        ):
            yield f"header {name.title()}", f"{_shown(mine)}, recorded {_shown(other)}"


def matches(pattern: str, path: str) -> bool:
    """Whether a path is meant by a pattern, in which `*` is any one name."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", r"[^.\[\]]*"), path) is not None


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _plain(value: Any) -> Any:
    return normal(value) if isinstance(value, str) else value


def _kind(value: Any) -> str:
    if isinstance(value, str):
        found = normal(value)
        return found if re.fullmatch(r"<\w+>", found) else "string"
    if isinstance(value, (dict, list, bool)):
        return type(value).__name__
    return "number"


def _shown(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, Element) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
