"""Rows by way of others: `sobjects/Contact/ID/Account`, `sobjects/Account/ID/Contacts`.

REST guide, "sObject Relationships". Up to five steps lead to parents, and a step to children may be
the last. A parent can be changed and deleted there too.
"""

from __future__ import annotations

from dataclasses import replace

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http import blobs, query, rows
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.ids import long_id
from harness.sandbox.relations import Child
from harness.sandbox.schema import SObject

MOST_STEPS = 5


def leads_from_row(call: Call, sobject: str, name: str) -> bool:
    """Whether `name`, behind an object, is a row's id and not the field of an external id."""
    described = call.org.schema.get(sobject)
    return described is not None and described.get(name) is None and long_id(name) is not None


def get(call: Call, sobject: str, record_id: str, *steps: str) -> Answer:
    """`GET sobjects/X/ID/RELATIONSHIP`: the parent, the children, or the content of a binary field."""
    *before, last = steps
    name, key = _parent(call, sobject, record_id, before)
    described = _readable(call, name)
    field = described.get(last)
    if field is not None and field.type == "base64":
        return blobs.content(call, name, key, last)
    found = _children(call, described, last)
    if found is None:
        name, key = _parent(call, name, key, [last])
        return rows.shown(call, rows.retrieve(call, name, key, rows.fields(call)))
    rows.retrieve(call, name, key, ["Id"])
    shown = ", ".join(_columns(call, found.sobject))
    soql = f"SELECT {shown} FROM {found.sobject.name} WHERE {found.field.name} = '{key}'"  # noqa: S608 - SOQL, names of the schema
    return query.query(replace(call, params={"q": soql}))


def patch(call: Call, sobject: str, record_id: str, *steps: str) -> Answer:
    """`PATCH sobjects/X/ID/RELATIONSHIP`: change the parent, 204."""
    return rows.patch(call, *_only_parents(call, sobject, record_id, steps))


def delete(call: Call, sobject: str, record_id: str, *steps: str) -> Answer:
    """`DELETE sobjects/X/ID/RELATIONSHIP`: delete the parent, 204."""
    return rows.delete(call, *_only_parents(call, sobject, record_id, steps))


def _only_parents(call: Call, sobject: str, record_id: str, steps: tuple[str, ...]) -> tuple[str, str]:
    *before, last = steps
    name, key = _parent(call, sobject, record_id, before)
    if _children(call, _readable(call, name), last) is not None:
        raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed. Allowed are HEAD,GET")
    return _parent(call, name, key, [last])


def _parent(call: Call, sobject: str, record_id: str, steps: list[str]) -> tuple[str, str]:
    """Object and id of the row at the end of some steps. Raises ApiError NOT_FOUND where a step leads to nothing."""
    name, key = sobject, record_id
    for step in steps:
        described = _readable(call, name)
        reference = call.org.relations.parent(described, step)
        access = call.org.permissions_of(call.user_id)
        if reference is None or not access.can_read_field(described, reference):
            raise not_found()
        row = call.org.retrieve(name, key, as_user=call.user_id, fields=[reference.name], version=call.version)
        target = call.org.schema.of_prefix(str(row[reference.name] or "")[:3])
        if target is None:
            raise not_found()
        name, key = target.name, row[reference.name]
    return name, key


def _readable(call: Call, name: str) -> SObject:
    described = call.org.schema.get(name)
    if described is None or described.tooling or not call.org.permissions_of(call.user_id).can(described, "read"):
        raise not_found()
    return described


def _children(call: Call, sobject: SObject, step: str) -> Child | None:
    """The child relationship of that name. Raises ApiError NOT_FOUND where the user may not see the children."""
    found = call.org.relations.child(sobject, step)
    if found is None or found.sobject.tooling:
        return None
    access = call.org.permissions_of(call.user_id)
    if not (access.can(found.sobject, "read") and access.can_read_field(found.sobject, found.field)):
        raise not_found()
    return found


def _columns(call: Call, sobject: SObject) -> list[str]:
    """The fields asked for, or all. Raises ApiError INVALID_FIELD."""
    access = call.org.permissions_of(call.user_id)
    readable = [one for one in sobject.fields.values() if access.can_read_field(sobject, one)]
    asked = rows.fields(call)
    if asked is None:
        return [one.name for one in readable]
    by_name = {one.name.lower(): one.name for one in readable}
    for name in asked:
        if name.lower() not in by_name:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
    return list(dict.fromkeys(by_name[name.lower()] for name in asked))
