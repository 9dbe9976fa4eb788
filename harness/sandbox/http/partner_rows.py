"""sObjects of the partner and enterprise API: from XML to values, and from records to XML as recorded orgs write them.

SOAP API guide, "sObject" of the partner WSDL. A record repeats its id: once as the element every sObject has, once
as the field that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from harness.sandbox.errors import ApiError
from harness.sandbox.http.envelope import XSD, XSI_TYPE, element, is_nil, local_name, texts_of, type_of
from harness.sandbox.schema import Field, Schema, SObject

_NUMBERS = ("int", "double", "currency", "percent")
_XSD_TYPES: Mapping[type, str] = {bool: "boolean", int: "int", float: "double", str: "string"}


@dataclass(frozen=True, slots=True)
class GivenRow:
    """An sObject of a request: its type, and what to write. `key` is its Id, where it has one."""

    type: str
    values: dict[str, Any]
    key: str | None


def read_row(schema: Schema, given: Element) -> GivenRow:
    """The values of an sObject: nil ones change nothing, `fieldsToNull` empties fields. Raises ApiError."""
    sobject = schema.get(type_name(given))
    values: dict[str, Any] = {}
    key = None
    for child in given:
        name = local_name(child)
        if name in ("type", "fieldsToNull") or is_nil(child):
            continue
        if name == "Id":
            key = (child.text or "").strip() or None
        elif len(child):
            values[name] = {"attributes": {"type": type_name(child)}, **read_row(schema, child).values}
        else:
            values[name] = _value(sobject.get(name) if sobject else None, child.text or "")
    return GivenRow(type_name(given), values | dict.fromkeys(texts_of(given, "fieldsToNull")), key)


def type_name(given: Element) -> str:
    """The type of an sObject: the partner API has an element for it, the enterprise API the type of the element."""
    named = next((child.text or "" for child in given if local_name(child) == "type"), "").strip()
    of_element = type_of(given) if XSI_TYPE in given.attrib else ""
    return named or ("" if of_element == "sObject" else of_element)


def _value(field: Field | None, text: str) -> Any:
    if field is None or text == "":
        return text or None
    if field.type in _NUMBERS:
        try:
            return int(text) if field.type == "int" else float(text)
        except ValueError:
            raise _not_of_type(field, text) from None
    if field.type == "boolean":
        if text.strip().lower() not in ("true", "false", "1", "0"):
            raise _not_of_type(field, text)
        return text.strip().lower() in ("true", "1")
    return text


def _not_of_type(field: Field, text: str) -> ApiError:
    message = f"{field.label}: value not of required type: {text}"
    return ApiError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", message, [field.name])


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Writes the records of query answers. In the enterprise API an sObject's type is that of its element."""

    schema: Schema
    enterprise: bool = False

    @property
    def namespace(self) -> str:
        """What the prefix `sf` stands for."""
        return f"urn:sobject.{'enterprise' if self.enterprise else 'partner'}.soap.sforce.com"

    def record(self, tag: str, record: Mapping[str, Any] | None) -> str:
        """One record as an element of that name."""
        if record is None:
            return f'<{tag} xsi:nil="true"/>'
        name = str(record["attributes"]["type"])
        shown = f'<{tag} xsi:type="sf:{name if self.enterprise else "sObject"}">'
        return f"{shown}{self._head(name, record)}{''.join(self._fields(name, record))}</{tag}>"

    def _head(self, name: str, record: Mapping[str, Any]) -> str:
        if self.enterprise:
            return "" if "Id" in record else element("sf:Id", None)
        return element("sf:type", name) + element("sf:Id", record.get("Id"))

    def _fields(self, name: str, record: Mapping[str, Any]) -> Iterator[str]:
        sobject = self.schema.get(name)
        for key, value in record.items():
            if key != "attributes":
                yield self._field(sobject, key, value)

    def _field(self, sobject: SObject | None, name: str, value: Any) -> str:
        tag = f"sf:{name}"
        if isinstance(value, Mapping):
            if "records" in value:
                return self._children(tag, value)
            return self.record(tag, value) if "attributes" in value else _compound(tag, value)
        if value is not None and sobject is None:
            kind = _XSD_TYPES.get(type(value), "string")
            return element(tag, value).replace(">", f' xmlns:xsd="{XSD}" xsi:type="xsd:{kind}">', 1)
        field = sobject.get(name) if sobject else None
        return element(tag, wire_value(field, value))

    def _children(self, tag: str, page: Mapping[str, Any]) -> str:
        return f'<{tag} xsi:type="QueryResult">{self.page(page["records"], int(page["totalSize"]), None)}</{tag}>'

    def page(self, records: list[Any], size: int, locator: str | None) -> str:
        """The elements of a QueryResult."""
        rows = "".join(self.record("records", one) for one in records)
        return f"{element('done', locator is None)}{element('queryLocator', locator)}{rows}{element('size', size)}"


def _compound(tag: str, value: Mapping[str, Any]) -> str:
    kind = "location" if set(value) <= {"latitude", "longitude"} else "address"
    parts = "".join(element(name, part) for name, part in value.items())
    return f'<{tag} xsi:type="{kind}">{parts}</{tag}>'


def wire_value(field: Field | None, value: Any) -> Any:
    """A value as SOAP writes it: times end in `Z` where REST has an offset."""
    if field is not None and field.type == "datetime" and isinstance(value, str):
        return value.replace("+0000", "Z")
    return value
