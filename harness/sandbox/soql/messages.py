"""How a refused query is worded: an excerpt, a caret under the token, its row and column, then the reason."""

from __future__ import annotations

from harness.sandbox.errors import ApiError

_BEFORE = 47
"""At most so many characters of the query stand before the token (seen in real answers: 29 to 47)."""
_AFTER = 28
"""From the token on, whole words are shown until there are at least so many characters."""

_NO_COLUMN = (
    "No such column '{}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' "
    "after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
)
_NO_TYPE = (
    "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' "
    "after the entity name. Please reference your WSDL or the describe call for the appropriate names."
)
_NO_RELATION = (
    "Didn't understand relationship '{}' in {}. If you are attempting to use a custom relationship, be sure to append "
    "the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the "
    "appropriate names."
)


def refusal(soql: str, at: int, code: str, text: str) -> ApiError:
    """The error for the token at an offset (row and column count from 1)."""
    before = soql[:at]
    row, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    line_start = at - column + 1
    line_end = soql.find("\n", at)
    line = soql[line_start : line_end if line_end >= 0 else len(soql)]
    start = _window_start(line, column - 1)
    excerpt = line[start : _window_end(line, column - 1)]
    caret = " " * (column - 1 - start) + "^"
    return ApiError(400, code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{text}")


def _window_start(line: str, place: int) -> int:
    if place <= _BEFORE:
        return 0
    space = line.find(" ", place - _BEFORE, place)
    return space + 1 if space >= 0 else place - _BEFORE


def _window_end(line: str, place: int) -> int:
    after = line.find(" ", place + _AFTER)
    return after if after >= 0 else len(line)


def malformed(soql: str, at: int, text: str) -> ApiError:
    """A query that does not follow the grammar."""
    return refusal(soql, at, "MALFORMED_QUERY", text)


def no_such_column(soql: str, at: int, column: str, entity: str) -> ApiError:
    """A field that is not there, or not for this user: the platform does not tell which."""
    return refusal(soql, at, "INVALID_FIELD", _NO_COLUMN.format(column, entity))


def no_such_type(soql: str, at: int, name: str) -> ApiError:
    """An object that is not there, or not for this user."""
    return refusal(soql, at, "INVALID_TYPE", _NO_TYPE.format(name))


def no_such_relationship(soql: str, at: int, name: str) -> ApiError:
    """A step of a field path that leads nowhere."""
    return refusal(soql, at, "INVALID_FIELD", _NO_RELATION.format(name, "field path"))


def no_such_child(soql: str, at: int, name: str) -> ApiError:
    """A query of children that are not there, or not for this user."""
    return refusal(soql, at, "INVALID_TYPE", _NO_RELATION.format(name, "FROM part of query call"))
