"""Several commands in one process, as one user gives them one after another: `commands.py JSON`.

`rehearse` is left out, `pytest` is not. A simulated sandbox that a command makes for itself gives out canaries too.
"""

from __future__ import annotations

import json
import os
import secrets
import sys

import pytest

from harness.cli import main
from harness.sandbox import apps
from harness.sandbox.identity import credentials, sessions


def _plant() -> None:
    pieces = json.loads(os.environ["PIECES"])

    def value(kind: str) -> str:
        return f"{pieces.get(kind, kind)}{secrets.token_hex(24)}"

    sessions._new_token = lambda org_id: f"{org_id[:15]}!{value('opaque access token')}"
    credentials._words = lambda _length: value("password")
    apps._new_consumer_key = lambda: "3MVG9" + value("consumer key")
    apps._new_consumer_secret = lambda: value("consumer secret")


def _give(arguments: list[str]) -> None:
    sys.stdout.write(f"$ {' '.join(arguments)}\n")
    sys.stdout.flush()
    if arguments[0] == "pytest":
        code: object = int(pytest.main(arguments[1:]))
    else:
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code or 0
    sys.stdout.write(f"exit code {code}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _plant()
    for each in json.loads(sys.argv[1]):
        _give(each)
