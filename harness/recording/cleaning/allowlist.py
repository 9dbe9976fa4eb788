"""What of an org's answers a cassette may hold, and in which form: the list that comes with the package, and yours.

    allow: 1
    resources:
      - path: /services/apexrest/orders/v1/{order}
        json: {status: keep, customer: {name: company, "*": replace}, lines: [{sku: replace, amount: replace}]}
    objects:
      Meter__c: {Serial__c: replace, Type__c: keep}
    metadata:
      CustomMetadata: {label: keep, value: words}

`resources` lists paths and the keys of their answers, `objects` the columns of records, `metadata` the elements of the
components that the Metadata API reads. What no list names is refused, but for columns of records: they are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypeAliasType

from harness.errors import Place, RecordingError
from harness.recording.standing_in.standins import Kind

FILE_NAME = "allow.yaml"
"""The user's own list, in the folder of the cassettes of all scenarios."""
_BUILT_IN = "allowlist.yaml"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Mark = int
"""A line, from 1."""


class Treatment(StrEnum):
    """What happens to a value, where it is no kind of value to be replaced by a stand-in."""

    KEEP = "keep"
    """It stays; ids in it are replaced."""
    REPLACE = "replace"
    """It is replaced by a stand-in of the kind that its name and its shape say."""
    ID = "id"
    """An id, which is replaced by one of the same kind of record."""
    DROP = "drop"
    """It is left out."""
    BLANK = "blank"
    """It is a secret: only that it was there is kept."""
    WORDS = "words"
    """Of a text only the words stay that the scenario or the tool itself said; all others become dots."""
    MESSAGE = "message"
    """A text for people: it stays, but for ids, addresses and whatever was learned."""
    MARK = "mark"
    """A description: it stays where the tool wrote it, and is replaced elsewhere."""
    ROW = "row"
    """A record, whose columns `objects` lists."""
    ROWS = "rows"
    """A list of records."""
    DESCRIBE = "describe"
    """The describe of an object, reduced to what the tool reads."""
    DESCRIBES = "describes"
    """The list of all objects, reduced likewise."""
    COMPOSITE = "composite"
    """Answers to several requests, each treated as the answer to its own."""
    BATCH = "batch"
    """The same of a composite batch."""


Shape = TypeAliasType(  # recursive, which `type` cannot say before Python 3.12
    "Shape",
    "Treatment | Kind | dict[str, Shape] | Annotated[list[Shape], Len(1, 1)]",
)
"""What happens to a value, to each key of an object, or, as a list of one, to each item of a list."""
Columns = Mapping[str, Shape]
"""By name or by pattern (`*` stands for any text): the name itself comes first, then the patterns as they stand."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Resource(_Strict):
    """A path, and what its answers may hold, by the kind of their content."""

    path: Annotated[str, Field(pattern=r"^/[^?#\s]*$", examples=["/services/apexrest/orders/v1/{order}"])]
    """`{name}` stands for one segment, `{name...}` at the end for one or more."""
    json_: Annotated[Shape | None, Field(alias="json")] = None
    xml: dict[str, Shape] | None = None
    csv: dict[str, Shape] | None = None
    html: Literal["api only", "word"] | None = None
    """Of a page only whether it says that the user may use the API alone; or one word, where it is an error."""
    empty: bool = True
    """Whether it may answer with nothing."""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"(\{\w+(?:\.\.\.)?\})", self.path)
        ways = ((".+" if "..." in each else "[^/]+") if each[:1] == "{" else re.escape(each) for each in parts)
        return re.compile("".join(ways))

    def fits(self, path: str) -> bool:
        """Whether this is about the path of a URL."""
        return self._pattern.fullmatch(path) is not None


class AllowList(_Strict):
    """Everything that is listed. What is listed first goes before what follows."""

    allow: Literal[1]
    resources: tuple[Resource, ...] = ()
    objects: Mapping[str, Columns] = {}
    """By name; `*` holds columns of every object, and `business` those of the objects that are not listed."""
    metadata: Mapping[str, Columns] = {}
    """By type; `*` holds elements of every type."""
    envelope: Columns = {}
    """The elements that every SOAP answer may have."""
    errors: dict[str, Shape] = {}
    """The keys of an error, whichever resource answers it."""

    def with_more(self, more: Self) -> Self:
        """The same with a user's: what that one says goes before."""
        return self.model_copy(
            update={
                "resources": (*more.resources, *self.resources),
                "objects": _merged(self.objects, more.objects),
                "metadata": _merged(self.metadata, more.metadata),
                "envelope": {**self.envelope, **more.envelope},
                "errors": {**self.errors, **more.errors},
            }
        )

    def resources_of(self, path: str) -> Iterator[Resource]:
        """What is listed for the path of a URL."""
        return (each for each in self.resources if each.fits(path))

    def column(self, sobject: str, name: str) -> Shape:
        """What happens to a column of an object: as listed, or replaced."""
        listed = _of_sections(self.objects, name, sobject, "*")
        listed = find(self.objects.get("business", {}), name) if listed is None else listed
        return Treatment.REPLACE if listed is None else listed

    def element(self, kind: str, name: str) -> Shape | None:
        """What happens to an element of a component of the Metadata API; None where that is not listed."""
        return _of_sections(self.metadata, name, kind, "*")


def _of_sections(lists: Mapping[str, Columns], name: str, *sections: str) -> Shape | None:
    """What is listed for a name in the first of the sections that has it, else the first that has a pattern for it."""
    exact = (lists[each][name] for each in sections if name in lists.get(each, {}))
    patterns = (found for each in sections if (found := find(lists.get(each, {}), name)) is not None)
    return next(exact, None) or next(patterns, None)


def find(columns: Columns, name: str) -> Shape | None:
    """What is listed for a name: under itself, or under the first pattern that fits."""
    if name in columns:
        return columns[name]
    return next((shape for pattern, shape in columns.items() if "*" in pattern and fnmatchcase(name, pattern)), None)


def _merged(lists: Mapping[str, Columns], more: Mapping[str, Columns]) -> dict[str, Columns]:
    return {name: {**more.get(name, {}), **lists.get(name, {}), **more.get(name, {})} for name in (*lists, *more)}


# --- reading ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def built_in() -> AllowList:
    """The list that comes with the package."""
    text = (files("harness.recording.cleaning") / _BUILT_IN).read_text("utf-8")
    return read(text, shown=_BUILT_IN)


def allow_list(folder: Path) -> AllowList:
    """The list for the cassettes below a folder: the package's, and that of `allow.yaml` in it where there is one.

    Raises RecordingError with file and line.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return built_in()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"the allow-list cannot be read: {error}", place=Place(str(path))) from error
    return built_in().with_more(read(text, shown=str(path)))


def read(text: str, *, shown: str) -> AllowList:
    """An allow-list out of YAML; `shown` names the file. Raises RecordingError with file and line."""
    try:
        data, lines = _parsed(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong(shown, mark.line + 1 if mark else 1, str(getattr(error, "problem", error))) from error
    except _Refused as error:
        raise _wrong(shown, error.line, str(error)) from error
    try:
        return AllowList.model_validate(data)
    except ValidationError as error:
        first = max(
            error.errors(include_url=False, include_input=False), key=lambda each: len(_place(each["loc"], lines))
        )
        path = _place(first["loc"], lines)
        raise _wrong(shown, lines[path], f"{'.'.join(map(str, path)) or 'the list'}: {_in_words(first)}") from error


def _wrong(shown: str, line: int, message: str) -> RecordingError:
    return RecordingError(message, place=Place(shown, line), remedy="docs/cassettes.md says how a list is written")


def _in_words(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key {error['loc'][-1]!r}"
        case "enum":
            known = ", ".join([*Treatment, *Kind])
            return f"a treatment is expected, which is one of: {known}"
        case "missing":
            return f"{error['loc'][-1]!r} is missing"
    return str(error["msg"])


Path_ = tuple[str | int, ...]


def _place(location: Sequence[str | int], lines: Mapping[Path_, Mark]) -> Path_:
    """The part of a location that stands in the file; pydantic's has the members of unions in between."""
    path: Path_ = ()
    for part in location:
        if (*path, part) in lines:
            path = (*path, part)
    return path


class _Refused(Exception):
    def __init__(self, message: str, line: Mark) -> None:
        super().__init__(message)
        self.line = line


def _parsed(text: str) -> tuple[Any, dict[Path_, Mark]]:
    """The data, and the line of each key and item. Raises _Refused and yaml.YAMLError."""
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _Refused("anchors, aliases and tags are not part of an allow-list", _line(event))
    lines: dict[Path_, Mark] = {(): 1}
    root = yaml.compose(text, Loader=_Loader)
    if root is None:
        raise _Refused("the file is empty", 1)
    return _data(root, (), lines), lines


def _data(node: yaml.Node, path: Path_, lines: dict[Path_, Mark]) -> Any:
    line = _line(node)
    lines[path] = min(line, lines.get(path, line))
    if isinstance(node, yaml.SequenceNode):
        return [_data(each, (*path, number), lines) for number, each in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused("a key is text", _line(key))
            if key.value in found:
                raise _Refused(f"the key {key.value!r} is here twice", _line(key))
            lines[(*path, key.value)] = _line(key)
            found[key.value] = _data(value, (*path, key.value), lines)
        return found
    assert isinstance(node, yaml.ScalarNode)
    plain = not node.style
    if plain and node.value in ("true", "false"):
        return node.value == "true"
    return int(node.value) if plain and node.value.isdigit() else node.value


def _line(part: yaml.Node | yaml.Event) -> Mark:
    return part.start_mark.line + 1 if part.start_mark else 1
