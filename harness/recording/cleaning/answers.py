"""The answers of an org as a cassette holds them: what the allow-list names, treated as it says, and nothing else."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from harness.org import soap
from harness.org.describe import brief_describe, brief_global_describe, is_describe, is_global_describe
from harness.org.event_log import is_log_file
from harness.org.front_door import API_ONLY_PAGE
from harness.recording.cleaning.aggregates import columns_of_aggregates
from harness.recording.cleaning.allowlist import AllowList, Resource, Shape, Treatment, find
from harness.recording.cleaning.unknown import ITEM, Keys, Section, Unknown
from harness.recording.cleaning.values import Values
from harness.recording.standing_in.standins import Kind
from harness.recording.text import pretty_json

QUERY: dict[str, Shape] = {
    "totalSize": Treatment.KEEP,
    "done": Treatment.KEEP,
    "nextRecordsUrl": Treatment.KEEP,
    "records": Treatment.ROWS,
}
"""A query within a query."""
_COMPOUND = frozenset(
    {"street", "city", "state", "stateCode", "country", "countryCode", "postalCode"}
    | {"latitude", "longitude", "geocodeAccuracy"}
)
"""The keys of an address or a location."""
_HEADERS: dict[str, Shape] = {"Location": Treatment.KEEP, "*": Treatment.DROP}
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_XML = re.compile(r"(?:text|application)/(?:[\w.+-]+\+)?xml", re.IGNORECASE)
_API_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_COLUMN = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)
_TAGS = re.compile(
    r"(<\?xml[^<>]*\?>)"
    r"|<(/?)((?:[\w.-]+:)?([\w.-]+))((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(/?)>"
    r"|([^<]+)"
)
"""A declaration; a tag, with its slash, name, local name, attributes and slash; or text. No comment, no CDATA."""
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TYPE = re.compile(r"\bxsi:type\s*=\s*[\"'](?:\w+:)?(\w+)[\"']")
_KNOWN_ATTRIBUTES = re.compile(r"xmlns(?::\w+)?|xsi:(?:type|nil)")
_DROPPED: Any = object()
_NOT_LISTED = "is not on the allow-list"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as the cassette holds it."""

    method: str
    path: str
    query: str = ""
    body: str = ""

    @classmethod
    def of(cls, method: str, url: str, body: str = "") -> Asked:
        """A request by its URL, with or without a host."""
        parts = urlsplit(url)
        return cls(method, parts.path, parts.query, body)

    @property
    def soql(self) -> str:
        """The query it asks, or nothing."""
        return parse_qs(self.query).get("q", [""])[0]

    @property
    def json(self) -> Any:
        """Its body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Answers:
    """Cleans one answer after another. What is not listed is told to `unknown`, and left out."""

    def __init__(self, allow: AllowList, values: Values, unknown: Callable[[Unknown], None]) -> None:
        self._allow = allow
        self._values = values
        self._unknown = unknown
        self._jobs: dict[str, str] = {}
        """The object of each bulk job."""

    def clean(self, asked: Asked, status: int, content_type: str, body: str) -> str:
        """The body of an answer as it is kept."""
        listed = list(self._allow.resources_of(asked.path))
        if not listed:
            self._refuse_resource(asked, status, content_type, body)
        if not listed or not body.strip():
            return ""
        if _JSON.match(content_type):
            return self._json_text(asked, status, listed, body)
        if _XML.match(content_type):
            return self._xml(asked, listed, body)
        if content_type.startswith("text/csv") or is_log_file(asked.path):  # an org calls a log an octet stream
            return self._csv(asked, listed, body)
        return self._page(asked, status, listed, content_type, body)

    def _page(self, asked: Asked, status: int, listed: Sequence[Resource], content_type: str, body: str) -> str:
        page = next((each.html for each in listed if each.html), None)
        if page == "api only" and content_type.startswith("text/html"):
            return f"<h1>{API_ONLY_PAGE}</h1>" if "api only" in body.casefold() else ""
        if page == "word" and status >= 400 and body.strip().isidentifier() and len(body) <= 40:
            return body.strip()
        self._refuse(asked, f"answered {content_type or 'a body without a content type'}, which {_NOT_LISTED}")
        return ""

    def _refuse(self, asked: Asked, why: str, section: Section = "", keys: Keys = ()) -> None:
        self._unknown(Unknown(asked.method, asked.path, why, section, keys))

    def _refuse_resource(self, asked: Asked, status: int, content_type: str, body: str) -> None:
        """A resource that no list names, with all the keys of what it answered."""
        why = f"is a resource that {_NOT_LISTED}"
        if _JSON.match(content_type) or not body.strip():
            keys = list(_keys_of(_parsed_json(body))) if status < 400 else []
            for each in keys or [()]:
                self._refuse(asked, why, "json", each)
        else:
            self._refuse(asked, f"{why}, and answered {content_type or 'a body without a content type'}")

    # --- JSON ----------------------------------------------------------------------------------------------------

    def _json_text(self, asked: Asked, status: int, listed: Sequence[Resource], body: str) -> str:
        value = _parsed_json(body)
        if value is _DROPPED:
            self._refuse(asked, "answered what is no JSON")
            return ""
        kept = self.json(asked, status, listed, value)
        return "" if kept is _DROPPED else pretty_json(kept)

    def json(self, asked: Asked, status: int, listed: Sequence[Resource], value: Any) -> Any:
        """JSON that a resource answered."""
        if status >= 400:
            shape: Shape = [self._allow.errors] if isinstance(value, list) else self._allow.errors
            return self._shaped(_Place(asked, "json"), shape, value)
        shapes = [each.json_ for each in listed if each.json_ is not None]
        if not shapes:
            self._refuse(asked, f"answered JSON, which {_NOT_LISTED}", "json")
            return None
        return self._shaped(_Place(asked, "json"), shapes[0], value)

    def _shaped(self, at: _Place, shape: Shape, value: Any) -> Any:
        """A value as a shape says; _DROPPED for one that is left out."""
        if shape == Treatment.DROP:
            return _DROPPED
        if value is None:
            return None
        if isinstance(shape, Mapping):
            return self._mapping(at, shape, value)
        if isinstance(shape, list):
            return self._list(at, lambda below, each: self._shaped(below, shape[0], each), value)
        whole = _WHOLES.get(shape) if isinstance(shape, Treatment) else None
        if whole is not None:
            return whole(self, at, value)
        return self._scalar(at, shape, value)

    def _mapping(self, at: _Place, shape: Mapping[str, Shape], value: Any) -> Any:
        if not isinstance(value, dict):
            return self._odd(at, "is no object, as the allow-list has it")
        kept: dict[str, Any] = {}
        for key, each in value.items():
            below = at.below(key)
            listed = find(shape, key)
            if listed is None:
                self._odd(below, _NOT_LISTED, each)
            elif (one := self._shaped(below, listed, each)) is not _DROPPED:
                kept[key] = one
        return kept

    def _list(self, at: _Place, clean: Callable[[_Place, Any], Any], value: Any) -> Any:
        if not isinstance(value, list):
            return self._odd(at, "is no list, as the allow-list has it")
        return _without_dropped(clean(at.below(ITEM), each) for each in value)

    def _scalar(self, at: _Place, treatment: Treatment | Kind, value: Any) -> Any:
        if isinstance(value, dict):
            return self._odd(at, "is an object, whose keys are not on the allow-list", value)
        if isinstance(value, list):
            return _without_dropped(self._scalar(at.below(ITEM), treatment, each) for each in value)
        return self._values.answered(treatment, at.name, value)

    def _odd(self, at: _Place, why: str, value: Any = None) -> Any:
        keys = list(_keys_of(value)) if isinstance(value, (dict, list)) else []
        for each in keys or [()]:
            self._refuse(at.asked, why, at.section, (*at.keys, *each))
        return _DROPPED

    # --- records -------------------------------------------------------------------------------------------------

    def _rows(self, at: _Place, value: Any) -> Any:
        return self._list(at, self._row, value)

    def _row(self, at: _Place, value: Any) -> Any:
        if not isinstance(value, dict):
            return self._odd(at, "is no record")
        attributes = value.get("attributes")
        sobject = _object_of(attributes) or (at.asked.path.split("/") + [""] * 6)[5]
        if not _API_NAME.fullmatch(sobject):
            return self._odd(at, "is a record of no object")
        computed = columns_of_aggregates(at.asked.soql) if sobject == "AggregateResult" else None
        kept: dict[str, Any] = {}
        for key, each in value.items():
            below = replace(at.below(key), section="objects", keys=(sobject, key))
            if key == "attributes":
                kept[key] = self._attributes(at.below(key), each)
            elif not _API_NAME.fullmatch(key):
                self._odd(replace(below, section=""), "is no name of a column")
            elif computed is not None:
                kept[key] = self._computed(below, computed, each)
            else:
                kept[key] = self._cell(below, sobject, each)
        return {key: each for key, each in kept.items() if each is not _DROPPED}

    def _attributes(self, at: _Place, value: Any) -> Any:
        return self._mapping(at, {"type": Treatment.KEEP, "url": Treatment.KEEP}, value)

    def _cell(self, at: _Place, sobject: str, value: Any) -> Any:
        shape = self._allow.column(sobject, at.name)
        if not isinstance(value, dict) or isinstance(shape, Mapping):
            return self._shaped(at, shape, value)
        if "attributes" in value:
            return self._row(at, value)
        if isinstance(value.get("records"), list):
            return self._mapping(at, QUERY, value)
        if value.keys() <= _COMPOUND:
            shape = {key: self._allow.column("business", key) for key in value}
            return self._mapping(at, shape, value)
        return self._odd(at, "is an object, whose keys are not on the allow-list", value)

    def _computed(self, at: _Place, computed: Mapping[str, str | None], value: Any) -> Any:
        field = computed.get(at.name, at.name)
        if field is None:
            return self._scalar(at, Treatment.KEEP, value)
        sobject = "AggregateResult"
        return self._cell(replace(at, keys=(*at.keys[:-1], field.rpartition(".")[2])), sobject, value)

    # --- what holds other answers --------------------------------------------------------------------------------

    def _composite(self, at: _Place, value: Any) -> Any:
        asked = at.asked.json
        parts = asked.get("compositeRequest", ()) if isinstance(asked, dict) else ()
        named = {str(each.get("referenceId")): each for each in parts}

        def one(below: _Place, each: Any) -> Any:
            request = named.get(str(each.get("referenceId"))) if isinstance(each, dict) else None
            if request is None or not isinstance(each.get("httpStatusCode"), int):
                return self._odd(below, "is the answer to nothing that was asked")
            inner = Asked.of(str(request.get("method")), str(request.get("url")), json.dumps(request.get("body")))
            rest = {key: part for key, part in each.items() if key != "body"}
            shape: dict[str, Shape] = {
                "httpHeaders": _HEADERS,
                "httpStatusCode": Treatment.KEEP,
                "referenceId": Treatment.KEEP,
            }
            body = self._part(inner, each["httpStatusCode"], each.get("body"))
            return {"body": body, **self._mapping(below, shape, rest)}

        return self._mapping_of(at, {"compositeResponse": lambda below, each: self._list(below, one, each)}, value)

    def _batch(self, at: _Place, value: Any) -> Any:
        asked = at.asked.json
        parts = iter(asked.get("batchRequests", ()) if isinstance(asked, dict) else ())

        def one(below: _Place, each: Any) -> Any:
            request = next(parts, None)
            if request is None or not isinstance(each, dict) or not isinstance(each.get("statusCode"), int):
                return self._odd(below, "is the answer to nothing that was asked")
            url = str(request.get("url"))
            inner = Asked.of(str(request.get("method")), url if url[:1] == "/" else f"/services/data/{url}")
            rest = {key: part for key, part in each.items() if key != "result"}
            kept = self._mapping(below, {"statusCode": Treatment.KEEP}, rest)
            return {**kept, "result": self._part(inner, each["statusCode"], each.get("result"))}

        known = {
            "hasErrors": lambda below, each: self._scalar(below, Treatment.KEEP, each),
            "results": lambda below, each: self._list(below, one, each),
        }
        return self._mapping_of(at, known, value)

    def _mapping_of(self, at: _Place, clean: Mapping[str, Callable[[_Place, Any], Any]], value: Any) -> Any:
        if not isinstance(value, dict):
            return self._odd(at, "is no object, as the allow-list has it")
        for key in value.keys() - clean.keys():
            self._odd(at.below(key), _NOT_LISTED, value[key])
        kept = {key: clean[key](at.below(key), each) for key, each in value.items() if key in clean}
        return {key: each for key, each in kept.items() if each is not _DROPPED}

    def _part(self, asked: Asked, status: int, value: Any) -> Any:
        """The answer to one request of several."""
        listed = list(self._allow.resources_of(asked.path))
        if not listed:
            self._refuse_resource(asked, status, "application/json", json.dumps(value))
            return None
        if value is None:
            return None
        kept = self.json(asked, status, listed, value)
        return None if kept is _DROPPED else kept

    # --- describes -----------------------------------------------------------------------------------------------

    def _describe(self, at: _Place, value: Any) -> Any:
        if not is_describe(value):
            return self._odd(at, "is no describe of an object")
        return self._kept(brief_describe(value))

    def _describes(self, at: _Place, value: Any) -> Any:
        if not is_global_describe(value):
            return self._odd(at, "is no list of objects")
        return self._kept(brief_global_describe(value))

    def _kept(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._kept(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._kept(each) for each in value]
        return self._values.answered(Treatment.KEEP, "", value)

    # --- CSV -----------------------------------------------------------------------------------------------------

    def _csv(self, asked: Asked, listed: Sequence[Resource], body: str) -> str:
        shapes = [each.csv for each in listed if each.csv is not None]
        if not shapes:
            self._refuse(asked, f"answered CSV, which {_NOT_LISTED}", "csv")
            return ""
        try:
            header, *lines = csv.reader(io.StringIO(body, newline=""), strict=True)
        except (csv.Error, ValueError):
            self._refuse(asked, "answered what is no CSV")
            return ""
        if any(len(line) != len(header) for line in lines) or len(set(header)) != len(header):
            self._refuse(asked, "answered CSV whose lines do not fit its columns")
            return ""
        columns = [self._csv_column(asked, shapes[0], name) for name in header]
        kept = [number for number, column in enumerate(columns) if column != Treatment.DROP]
        cleaned = [
            [self._values.answered(columns[n], header[n].rpartition(".")[2], line[n]) for n in kept] for line in lines
        ]
        written = io.StringIO()
        style: Literal[0, 1] = csv.QUOTE_ALL if body[:1] == '"' else csv.QUOTE_MINIMAL
        csv.writer(written, quoting=style, lineterminator="\n").writerows([[header[n] for n in kept], *cleaned])
        return written.getvalue()

    def _csv_column(self, asked: Asked, shape: Mapping[str, Shape], name: str) -> Treatment | Kind:
        listed = find(shape, name)
        known = name in shape or (_COLUMN.fullmatch(name) is not None and not name.startswith("sf__"))
        if listed is None or (listed != Treatment.DROP and not known):
            self._refuse(asked, f"is a column that {_NOT_LISTED}", "csv", (name,))
            return Treatment.DROP
        if listed == Treatment.REPLACE and name not in shape:
            parent, _, column = name.rpartition(".")
            listed = self._allow.column("" if parent else self._job_object(asked), column)
        return listed if isinstance(listed, (Treatment, Kind)) and listed not in _WHOLES else Treatment.REPLACE

    def _job_object(self, asked: Asked) -> str:
        return next((name for job, name in self._jobs.items() if job in asked.path), "")

    def learn_job(self, body: str) -> None:
        """Remember the object of a bulk job, from its cleaned answer."""
        job = _parsed_json(body)
        if isinstance(job, dict) and isinstance(job.get("object"), str) and isinstance(job.get("id"), str):
            self._jobs[job["id"]] = job["object"]

    # --- XML -----------------------------------------------------------------------------------------------------

    def _xml(self, asked: Asked, listed: Sequence[Resource], body: str) -> str:
        shapes = [each.xml for each in listed if each.xml is not None]
        if not shapes:
            self._refuse(asked, f"answered XML, which {_NOT_LISTED}", "xml")
            return ""
        if soap.parse(body) is None or "".join(each[0] for each in _TAGS.finditer(body)) != body:
            self._refuse(asked, "answered XML that a cassette does not hold")
            return ""
        return "".join(_Xml(self._allow, self._values, self._refuse, asked, shapes[0]).pieces(body))


class _Xml:
    """One pass over the tags and texts of an answer."""

    def __init__(
        self,
        allow: AllowList,
        values: Values,
        refuse: Callable[[Asked, str, Section, Keys], None],
        asked: Asked,
        shape: Mapping[str, Shape],
    ) -> None:
        self._allow = allow
        self._values = values
        self._refuse = refuse
        self._asked = asked
        self._shape = shape
        self._open: list[tuple[str, Shape | None]] = []
        self._kind: tuple[int, str] | None = None
        """How deep the component stands that is open, and its type."""

    def pieces(self, body: str) -> Iterator[str]:
        """What is kept of it."""
        for piece in _TAGS.finditer(body):
            declaration, closes, _, name, attributes, closed, text = piece.groups()
            if declaration:
                yield declaration
            elif text is not None:
                yield self._text(text)
            elif closes:
                yield from self._close(piece[0])
            else:
                self._start(name, attributes)
                if self._is_listed:
                    yield piece[0]
                if closed:
                    list(self._close(""))

    @property
    def _is_listed(self) -> bool:
        return all(shape is not None for _, shape in self._open)

    def _start(self, name: str, attributes: str) -> None:
        for found in _ATTRIBUTE.finditer(attributes):
            if not _KNOWN_ATTRIBUTES.fullmatch(found[1]):
                self._refuse(self._asked, f"is an attribute that {_NOT_LISTED}", "", (name, found[1]))
        listed = self._listed(name)
        kind = _TYPE.search(attributes)
        if listed is None and self._is_listed:
            section: Section = "metadata" if self._kind else "xml"
            keys = (self._kind[1], name) if self._kind else (name,)
            self._refuse(self._asked, f"is an element that {_NOT_LISTED}", section, keys)
        self._open.append((name, listed))
        if name == "records" and kind and self._kind is None:
            self._kind = (len(self._open), kind[1])

    def _listed(self, name: str) -> Shape | None:
        if self._kind is not None:
            return self._allow.element(self._kind[1], name)
        listed = find(self._allow.envelope, name)
        return listed if listed is not None else find(self._shape, name)

    def _close(self, tag: str) -> Iterator[str]:
        if self._is_listed:
            yield tag
        self._open.pop()
        if self._kind and len(self._open) < self._kind[0]:
            self._kind = None

    def _text(self, text: str) -> str:
        if not self._open or not text.strip():
            return text if self._is_listed else ""
        name, shape = self._open[-1]
        if not self._is_listed or shape == Treatment.DROP:
            return ""
        plain = html.unescape(text)
        assert isinstance(shape, (Treatment, Kind))
        kept = str(self._values.answered(shape, name, plain))
        return text if kept == plain else escape(kept)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an answer a value stands."""

    asked: Asked
    section: Section
    keys: Keys = ()

    def below(self, key: str) -> _Place:
        return replace(self, keys=(*self.keys, key))

    @property
    def name(self) -> str:
        return next((key for key in reversed(self.keys) if key != ITEM), "")


_WHOLES: Mapping[Treatment, Callable[[Answers, _Place, Any], Any]] = {
    Treatment.ROW: Answers._row,
    Treatment.ROWS: Answers._rows,
    Treatment.DESCRIBE: Answers._describe,
    Treatment.DESCRIBES: Answers._describes,
    Treatment.COMPOSITE: Answers._composite,
    Treatment.BATCH: Answers._batch,
}


def _without_dropped(values: Iterable[Any]) -> list[Any]:
    return [each for each in values if each is not _DROPPED]


def _parsed_json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _DROPPED


def _keys_of(value: Any) -> Iterator[Keys]:
    """The paths of all values in JSON, without the values."""
    if isinstance(value, dict):
        for key, each in value.items():
            below = list(_keys_of(each))
            yield from ((key, *rest) for rest in below or [()])
    elif isinstance(value, list):
        yield from dict.fromkeys((ITEM, *rest) for each in value for rest in list(_keys_of(each)) or [()])


def _object_of(attributes: Any) -> str:
    """The object of a record. One that stands for several is called Name; the URL says which it is."""
    if not isinstance(attributes, dict):
        return ""
    sobject = str(attributes.get("type", ""))
    named = re.search(r"/sobjects/(\w+)/", str(attributes.get("url", ""))) if sobject == "Name" else None
    return named[1] if named else sobject
