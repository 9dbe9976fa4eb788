"""How a refused query is worded: an excerpt, a caret under the token, its row and column, then the reason.

The excerpt is a window of 30 characters to both sides of the token's first one, widened to whole words; words end at
blanks and commas. All answers of real orgs that were found in public are cut like that.
"""

from __future__ import annotations

import re

from harness.sandbox.errors import ApiError

_WINDOW = 30
_BREAK = re.compile(r"[\s,]")

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
    for start in range(place - _WINDOW, 0, -1):
        if _BREAK.match(line, start - 1):
            return start
    return 0


def _window_end(line: str, place: int) -> int:
    found = _BREAK.search(line, place + _WINDOW)
    return found.start() if found else len(line)


def malformed(soql: str, at: int, text: str) -> ApiError:
    """A query that does not follow the grammar."""
    return refusal(soql, at, "MALFORMED_QUERY", text)


def unexpected(soql: str, at: int, text: str) -> ApiError:
    """What the platform's parser stumbles over. In real answers its columns count from 0."""
    return malformed(soql, at if at == 0 or soql[at - 1] == "\n" else at - 1, text)


def unexpected_token(soql: str, at: int, word: str) -> ApiError:
    """A word where it may not stand."""
    return unexpected(soql, at, f"unexpected token: '{word}'")


def lexical(soql: str, at: int, text: str) -> ApiError:
    """A character that no word begins with."""
    row, column = soql.count("\n", 0, at) + 1, at - (soql.rfind("\n", 0, at) + 1)
    return unexpected(soql, at, f"line {row}:{column} {text}")


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
