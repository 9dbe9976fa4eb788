"""What the simulated org answers, found in its code: every resource, every refusal and every switch."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from starlette.routing import Route

import harness.sandbox
from harness.sandbox.http import dispatch, metadata, partner
from harness.sandbox.http.app import make_app
from harness.sandbox.http.bulk1 import handlers as bulk1
from harness.sandbox.http.desk import Desk
from harness.sandbox.objects import standard_schema
from harness.sandbox.org import SandboxOrg

SOURCE = Path(next(iter(harness.sandbox.__path__)))
REST = "/services/data/vXX.X"
BULK_1 = "/services/async/XX.X"

_REFUSALS = frozenset(
    {
        *("ApiError", "ComponentError", "RequestError", "Refusal", "SoapFault"),
        *("invalid", "refusal", "_refuse", "_refused"),
    }
)
"""What is called with the code of a refusal, and its text after it."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{3,}")
_TOKEN_REFUSALS = frozenset({"TokenRefused", "Fault"})
_TOKEN_ERROR = re.compile(r"(OAUTH_APP_BLOCKED|[a-z]+(_[a-z]+)+)")
_OPEN = "…"
"""What stands in a text where a value comes in, or for a text that is not written where the refusal is."""


def resources() -> dict[str, str]:
    """Every address that is answered, and its methods; the SOAP calls by name."""
    found = {name: methods for name, methods in _application() if not name.startswith(_ANSWERED_BELOW)}
    found["/services/data"] = "GET"
    for base, routes in ((REST, dispatch._PATHS), (BULK_1, bulk1._ROUTES)):
        found |= {f"{base}/{path}".rstrip("/"): ", ".join(methods) for path, methods in routes.items() if methods}
    found["SOAP login()"] = "POST"
    for api, operations in (("partner", partner._OPERATIONS), ("metadata", metadata._OPERATIONS)):
        found |= {f"SOAP {api} {name}()": "POST" for name in operations}
    return found


_ANSWERED_BELOW = ("/services/data", "/services/async/", "/services/Soap/")


def _application() -> Iterator[tuple[str, str]]:
    org = SandboxOrg(standard_schema())
    try:
        app: Any = make_app(org, Desk("http://127.0.0.1"))
        while not hasattr(app, "routes"):
            app = app._app
        for route in app.routes:
            assert isinstance(route, Route)
            path = re.sub(r"\{(\w+)(:\w+)?\}", "*", route.path)
            yield path, ", ".join(sorted((route.methods or set()) - {"HEAD"}))
    finally:
        org.close()


def errors() -> dict[str, set[str]]:
    """Every error code and the texts it comes with."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for call in _calls():
        if _name(call) in _REFUSALS:
            for index, argument in enumerate(call.args[:2]):
                code = _text(argument)
                if _CODE.fullmatch(code):
                    found[code].add(_text(call.args[index + 1]) if index + 1 < len(call.args) else _OPEN)
    for pair in _nodes(SOURCE / "http"):
        if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
            code, text = map(_text, pair.elts)
            if _CODE.fullmatch(code) and " " in text:
                found[code].add(text)
    return dict(found)


def token_errors() -> set[str]:
    """What the endpoints of OAuth refuse with: `invalid_grant: authentication failure`."""
    pairs = [call.args[:2] for call in _calls() if _name(call) in _TOKEN_REFUSALS]
    pairs += [node.elts for node in _nodes(SOURCE / "http") if isinstance(node, ast.Tuple)]
    found = set()
    for pair in pairs:
        error, *rest = [_text(one) for one in pair] or [""]
        if _TOKEN_ERROR.fullmatch(error) and len(rest) == 1 and " " in rest[0] and rest[0] != _OPEN:
            found.add(f"{error}: {rest[0]}")
    return found


@cache
def texts() -> frozenset[str]:
    """Every text in the code, with `…` where a value comes in."""
    found = {_text(node) for node in _nodes(SOURCE) if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp))}
    return frozenset(found - {_OPEN})


def _calls() -> Iterator[ast.Call]:
    return (node for node in _nodes(SOURCE) if isinstance(node, ast.Call))


@cache
def _nodes(folder: Path) -> tuple[ast.AST, ...]:
    files = sorted(folder.rglob("*.py"))
    return tuple(node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return _OPEN
