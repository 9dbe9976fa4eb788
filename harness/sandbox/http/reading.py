"""Headers and parameters of a request as plain mappings, read once: Starlette's own are searched at every look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

_HEADERS, _PARAMS = "sandbox.headers", "sandbox.params"


def headers_of(request: Request) -> Mapping[str, str]:
    """By name in lower case; the first where one is given several times."""
    scope = request.scope
    found: Mapping[str, str] | None = scope.get(_HEADERS)
    if found is None:
        given = reversed(scope["headers"])
        found = scope[_HEADERS] = {name.decode("latin-1"): value.decode("latin-1") for name, value in given}
    return found


def params_of(request: Request) -> Mapping[str, str]:
    """Of the address; the last where one is given several times."""
    scope = request.scope
    found: Mapping[str, str] | None = scope.get(_PARAMS)
    if found is None:
        text = scope["query_string"].decode("latin-1")
        found = scope[_PARAMS] = dict(parse_qsl(text, keep_blank_values=True)) if text else {}
    return found


def noted(request: Request, name: str) -> Any:
    """What a handler has noted in `request.state`, or None."""
    return request.scope.get("state", {}).get(name)
