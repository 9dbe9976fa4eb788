"""JSON of a request body, and the words the platform has for a body that is none.

The texts are those of its parser (Jackson), with a line and the column behind the character, as reports of real orgs
quote them: `Unexpected character ('r' (code 114)): expected a valid value (...) at [line:1, column:2]`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from harness.sandbox.errors import ApiError

NO_BODY = "The HTTP entity body is required, but this request has no entity body."
_EXPECTED = {
    "Expecting value": "expected a valid value (number, String, array, object, 'true', 'false' or 'null')",
    "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Invalid \\uXXXX escape": "expected a hex-digit for character escape sequence",
    "Extra data": "expected end of the request body",
}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_WORD = re.compile(r"\w+")


def parser_error(reason: str) -> ApiError:
    """What a body that cannot be understood gets."""
    return ApiError(400, "JSON_PARSER_ERROR", reason)


def parse(body: bytes) -> Any:
    """The data of a body in UTF-8. Raises ApiError JSON_PARSER_ERROR."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(body[: error.start].decode("utf-8", "replace"), error.start)
        raise parser_error(
            f"Invalid UTF-8 start byte 0x{body[error.start]:x} at [line:{line}, column:{column}]"
        ) from error
    if not text.strip():
        raise parser_error(NO_BODY)
    try:
        data = json.loads(text, parse_constant=_not_a_number, parse_float=_finite)
        if "\\u" in text:
            json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise parser_error(_reason(text, error)) from error
    except UnicodeEncodeError as error:  # half a character is an error here, and not in JSON
        raise parser_error("Unexpected surrogate in the request body: a character is only half there") from error
    except RecursionError as error:
        raise parser_error("The request body is nested too deeply") from error
    except ValueError as error:
        raise parser_error(str(error)) from error
    return data


def token_of(value: Any) -> str:
    """The name of a value's first token, as the parser says it: START_ARRAY, VALUE_STRING."""
    if isinstance(value, (dict, list)):
        return "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
    if value is None or isinstance(value, bool):
        return f"VALUE_{str(value).upper() if value is not None else 'NULL'}"
    return {str: "VALUE_STRING", int: "VALUE_NUMBER_INT"}.get(type(value), "VALUE_NUMBER_FLOAT")


def _reason(text: str, error: json.JSONDecodeError) -> str:
    line, column = _place(text[: error.pos], error.pos)
    return f"{_what(text, error)} at [line:{line}, column:{column}]"


def _what(text: str, error: json.JSONDecodeError) -> str:
    char = text[error.pos : error.pos + 1]
    if error.msg.startswith("Unterminated string"):
        return "Unexpected end-of-input: was expecting closing quote for a string value"
    if not char:
        return f"Unexpected end-of-input: expected close marker for {_inside(text) or 'ROOT'}"
    return _unexpected(text, error, char)


def _unexpected(text: str, error: json.JSONDecodeError, char: str) -> str:
    shown = f"'{char}' (code {ord(char)})"
    if error.msg.startswith("Invalid control character"):
        return f"Illegal unquoted character ((CTRL-CHAR, code {ord(char)})): has to be escaped using backslash"
    if error.msg == "Invalid \\escape":
        return f"Unrecognized character escape '{text[error.pos + 1 : error.pos + 2]}'"
    if error.msg == "Expecting value" and char in "ntf":
        word = _WORD.match(text, error.pos)
        return f"Unrecognized token '{word[0] if word else char}': was expecting 'null', 'true' or 'false'"
    if error.msg == "Expecting ',' delimiter":
        return f"Unexpected character ({shown}): was expecting comma to separate {_inside(text[: error.pos])} entries"
    return f"Unexpected character ({shown}): {_EXPECTED.get(error.msg, error.msg)}"


def _inside(text: str) -> str:
    """What is open at the end of a text: OBJECT, ARRAY, or nothing."""
    open_ones: list[str] = []
    for char in _STRING.sub("", text):
        if char in "{[":
            open_ones.append("OBJECT" if char == "{" else "ARRAY")
        elif char in "}]" and open_ones:
            open_ones.pop()
    return open_ones[-1] if open_ones else ""


def _place(before: str, position: int) -> tuple[int, int]:
    """Line, and the column behind the character at the position."""
    return before.count("\n") + 1, position - before.rfind("\n") + 1


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"Numeric value ({text}) out of range of double")
    return value


def _not_a_number(text: str) -> float:
    raise ValueError(f"Non-standard token '{text}': no number that JSON has")
