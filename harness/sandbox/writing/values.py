"""From JSON or CSV values to what a column keeps, and the refusals of values that do not fit their field."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.ids import long_id
from harness.sandbox.schema import Field

Converter = Callable[[Field, Any], Any]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d([.,]\d{1,6})?(Z|[+-]\d\d:?\d\d)?)?")
_TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?Z?")


def is_encodable(text: str) -> bool:
    """Whether a text can be stored: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_column(field: Field, value: Any) -> Any:
    """The value as it is stored. Raises ApiError: JSON_PARSER_ERROR, STRING_TOO_LONG, MALFORMED_ID and their like."""
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        return 0 if field.type == "boolean" else None
    convert: Converter = _CONVERTERS.get(field.type, _text)
    return convert(field, value)


def mismatch(kind: str, value: Any) -> ApiError:
    """The parser's refusal of a value of another type; where in the body it is, only the parser knows."""
    text = f"Cannot deserialize instance of {kind} from {_token(value)} or request may be missing a required field"
    return ApiError(400, "JSON_PARSER_ERROR", text)


def _token(value: Any) -> str:
    """A value's first token with what it says, as the parser tells of it."""
    if isinstance(value, bool):
        return "VALUE_TRUE value true" if value else "VALUE_FALSE value false"
    if isinstance(value, Mapping):
        return "START_OBJECT value {"
    if isinstance(value, (list, tuple)):
        return "START_ARRAY value ["
    kind = {int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}.get(type(value), "VALUE_STRING")
    return f"{kind} value {value}"


def _boolean(_field: Field, value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return int(value.lower() in ("true", "1"))
    raise mismatch("boolean", value)


def _number(field: Field, value: Any) -> int | float:
    whole = field.type == "int"
    kind = "int" if whole else "double"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise mismatch(kind, value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise mismatch(kind, value) from None
    if not isfinite(number) or (whole and number != int(number)):
        raise mismatch(kind, value)
    digits = field.precision - field.scale
    if abs(number) >= (2**31 if whole else 10**digits if digits > 0 else float("inf")):
        text = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise invalid("NUMBER_OUTSIDE_VALID_RANGE", text, field.name)
    return int(number) if whole else number


def _date(_field: Field, value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return _moment(value).date().isoformat()
    except (ValueError, OverflowError):
        raise mismatch("date", value) from None


def _datetime(_field: Field, value: Any) -> str:
    try:
        return wire_datetime(value if isinstance(value, datetime) else _moment(value))
    except (ValueError, OverflowError):
        raise mismatch("datetime", value) from None


def _moment(value: Any) -> datetime:
    """A date, or a date and time with a `T` between them, in UTC where no zone is said."""
    if not isinstance(value, (str, date)) or not _MOMENT.fullmatch(str(value)):
        raise ValueError
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(_field: Field, value: Any) -> str:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise mismatch("time", value)
    return f"{value[:8]}.{(value[9:].rstrip('Z') + '000')[:3]}Z"


def _id(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise mismatch("reference" if field.type == "reference" else "id", value)
    if "EntityDefinition" in field.reference_to:
        return value
    found = long_id(value)
    if found is None:
        raise invalid("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name)
    return found


def _text(field: Field, value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise mismatch("string", value)
    text = str(value)
    if not is_encodable(text):
        raise ApiError(400, "JSON_PARSER_ERROR", f"Invalid UTF-16 in the value of {field.name}")
    if field.type in ("picklist", "multipicklist"):
        return _picklist(field, text)
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise invalid("STRING_TOO_LONG", message, field.name)
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise invalid("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field.name)
    return text if field.type == "textarea" else text.strip()


def _base64(_field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise mismatch("base64Binary", value)
    try:
        b64decode(value, validate=True)
    except ValueError:
        raise mismatch("base64Binary", value[:40]) from None
    return value


def _picklist(field: Field, text: str) -> str:
    if not (field.restricted and field.picklist):
        return text
    by_lower = {one.lower(): one for one in field.picklist}
    chosen = [part.strip() for part in text.split(";")] if field.type == "multipicklist" else [text]
    for part in chosen:
        if part.lower() not in by_lower:
            message = f"{field.label}: bad value for restricted picklist field: {part}"
            raise invalid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)
    return ";".join(by_lower[part.lower()] for part in chosen)


_CONVERTERS: Mapping[str, Converter] = {
    "base64": _base64,
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "id": _id,
    "reference": _id,
}
