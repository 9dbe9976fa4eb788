"""The Metadata API's calls for single components: read, create, update, upsert, delete, rename, list and describe.

Metadata API guide, "CRUD-Based Calls" and "Utility Calls".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from xml.etree.ElementTree import Element

from harness.sandbox.http.envelope import (
    Request,
    SoapFault,
    children,
    element,
    local_name,
    text_of,
    texts_of,
    type_of,
)
from harness.sandbox.http.metadata_results import Result, as_elements, properties_result
from harness.sandbox.metadata import schema_changes
from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.kind import Kind
from harness.sandbox.metadata.kinds import BY_NAME, BY_SUFFIX, KINDS
from harness.sandbox.metadata.parts import compact
from harness.sandbox.metadata.properties import file_properties
from harness.sandbox.metadata.retrieval import path_of
from harness.sandbox.metadata.work import Work

MOST_COMPONENTS = 10
MOST_LISTED_TYPES = 3


class _RollBack(Exception):
    """Thrown through the transaction to undo it."""


def describe(_work: Work, _request: Request) -> str:
    """`describeMetadata()`."""
    types = [
        {
            "childXmlNames": list(kind.children),
            "directoryName": kind.directory,
            "inFolder": False,
            "metaFile": False,
            "suffix": kind.suffix,
            "xmlName": kind.name,
        }
        for kind in sorted(BY_SUFFIX.values(), key=lambda one: one.name)
    ]
    result = {"metadataObjects": types, "organizationNamespace": "", "partialSaveAllowed": True, "testRequired": False}
    return f"<result>{as_elements(result)}</result>"


def list_components(work: Work, request: Request) -> str:
    """`listMetadata()`: up to three types a call."""
    queries = children(request.call, "queries")
    if len(queries) > MOST_LISTED_TYPES:
        raise SoapFault("EXCEEDED_ID_LIMIT", f"Too many queries: {len(queries)}. Maximum is {MOST_LISTED_TYPES}")
    found: list[Result] = []
    for query in queries:
        kind = _kind(text_of(query, "type").strip())
        for one in kind.list(work):
            properties = file_properties(work.org, kind.name, one, path_of(kind, one.name))
            found.append(properties_result(work.org, properties))
    return as_elements({"result": found})


def read(work: Work, request: Request) -> str:
    """`readMetadata()`: a record for each name, nil for what there is not."""
    kind, names = _kind(text_of(request.call, "type").strip()), texts_of(request.call, "fullNames")
    _check_count(len(names))
    return f"<result>{''.join(_record(work, kind, name) for name in names)}</result>"


def _record(work: Work, kind: Kind, name: str) -> str:
    parts = kind.show(work, name)
    if parts is None:
        return '<records xsi:nil="true"/>'
    return f'<records xsi:type="{kind.name}">{element("fullName", name)}{compact(parts)}</records>'


def create(work: Work, request: Request) -> str:
    """`createMetadata()`."""

    def write(kind: Kind, name: str, given: Element) -> None:
        if kind.find(work, name) is not None:
            raise ComponentError("DUPLICATE_DEVELOPER_NAME", f"There is already a {kind.name} named {name}.")
        kind.write(work, name, given)

    return _write_all(work, request, write)


def update(work: Work, request: Request) -> str:
    """`updateMetadata()`."""

    def write(kind: Kind, name: str, given: Element) -> None:
        owner = text_of(given, "externalClientApplication").strip()
        if kind.find(work, name) is None and (not owner or kind.find(work, owner) is None):
            text = f"In field: fullName - no {kind.name} named {name} found"
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", text)
        kind.write(work, name, given)

    return _write_all(work, request, write)


def upsert(work: Work, request: Request) -> str:
    """`upsertMetadata()`: its results say whether the component is new."""
    new: dict[str, bool] = {}

    def write(kind: Kind, name: str, given: Element) -> None:
        new[name] = kind.find(work, name) is None
        kind.write(work, name, given)

    return _write_all(work, request, write, created=new)


def delete(work: Work, request: Request) -> str:
    """`deleteMetadata()`."""
    kind, names = _kind(text_of(request.call, "type").strip()), texts_of(request.call, "fullNames")
    _check_count(len(names))

    def remove(name: str) -> None:
        if kind.find(work, name) is None:
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no {kind.name} named {name} found")
        kind.remove(work, name)

    return _attempt_all(work, request, [(name, partial(remove, name)) for name in names])


def rename(work: Work, request: Request) -> str:
    """`renameMetadata()`."""
    kind, old = _kind(text_of(request.call, "type").strip()), text_of(request.call, "oldFullName").strip()
    new = text_of(request.call, "newFullName").strip()

    def change() -> None:
        if kind.find(work, old) is None:
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no {kind.name} named {old} found")
        kind.rename(work, old, new)

    return _attempt_all(work, request, [(new, change)])


Write = Callable[[Kind, str, Element], None]


def _write_all(work: Work, request: Request, write: Write, *, created: dict[str, bool] | None = None) -> str:
    given = children(request.call, "metadata")
    _check_count(len(given))
    steps = []
    for one in given:
        kind, name = _kind(type_of(one)), text_of(one, "fullName").strip()
        steps.append((name, partial(_checked_write, write, kind, name, one)))
    return _attempt_all(work, request, steps, created=created)


def _checked_write(write: Write, kind: Kind, name: str, given: Element) -> None:
    if not name:
        raise ComponentError("REQUIRED_FIELD_MISSING", "Required fields are missing: [fullName]")
    unknown = [] if kind.name in ("CustomField",) else [one for one in given if local_name(one) not in kind.elements]
    if unknown:
        text = f"Element {unknown[0].tag} invalid at this location in type {kind.name}"
        raise ComponentError("INVALID_INPUT", text)
    write(kind, name, given)


def _attempt_all(
    work: Work,
    request: Request,
    steps: Sequence[tuple[str, Callable[[], None]]],
    *,
    created: dict[str, bool] | None = None,
) -> str:
    """Take the steps, each in a savepoint; with AllOrNoneHeader a failure takes all of them back."""
    all_or_none = request.header("AllOrNoneHeader", "allOrNone").lower() in ("true", "1")
    errors: list[ComponentError | None] = []
    try:
        with work.org.transaction():
            errors += [_attempt(work, step) for _, step in steps]
            if all_or_none and any(errors):
                raise _RollBack
    except _RollBack:
        schema_changes.take_back(work)
        text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        errors = [one or ComponentError("ALL_OR_NONE_OPERATION_ROLLED_BACK", text) for one in errors]
    work.undo.clear()
    named = zip((name for name, _ in steps), errors, strict=True)
    return "".join(_save_result(name, error, created) for name, error in named)


def _attempt(work: Work, step: Callable[[], None]) -> ComponentError | None:
    before, work.undo = work.undo, []
    try:
        with work.org.transaction():
            step()
            schema_changes.settle(work)
    except ComponentError as error:
        schema_changes.take_back(work)
        work.undo = before
        return error
    work.undo = [*before, *work.undo]
    return None


def _save_result(name: str, error: ComponentError | None, created: dict[str, bool] | None) -> str:
    new = element("created", error is None and created.get(name, False)) if created is not None else ""
    told = f"<errors>{element('message', error.message)}{element('statusCode', error.code)}</errors>" if error else ""
    return f"<result>{new}{told}{element('fullName', name)}{element('success', error is None)}</result>"


def _kind(name: str) -> Kind:
    found = BY_NAME.get(name)
    if found is None:
        known = ", ".join(kind.name for kind in KINDS)
        raise SoapFault("INVALID_TYPE", f"Unknown type:{name} (the simulated org has {known})")
    return found


def _check_count(count: int) -> None:
    if count > MOST_COMPONENTS:
        raise SoapFault("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_COMPONENTS} records")
