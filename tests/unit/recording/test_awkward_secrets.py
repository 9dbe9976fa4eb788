"""Secrets of every shape: what would hold one is refused, and nothing of it touches the disk; nothing is mangled."""

from __future__ import annotations

import base64
import json
import quopri
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.errors import RecordingError
from harness.org.secret import Secret
from tests.unit.recording.shelf import asked, put, told

AWKWARD = {
    "line break": "first half\nsecond half",
    "Windows line break": "first half\r\nsecond half",
    "quotes": 'it\'s "quoted" and `ticked`',
    "percent": "100%25 %41 %zz %",
    "XML": "<a>&amp;</a>]]>",
    "backslashes": "\\n \\u0041 \\\\ C:\\x",
    "other letters": "Grüße 你好 \U0001f511 e\u0301",
    "no breaking blank": "open\u00a0sesame\u2028now",
    "YAML": "!!python/object: {a: [*b, &c]} # - |",
    "digits": "4711081547",
    "a common word": "password1",
    "blanks around": "  sesame street  ",
    "pattern": "(a+)+$ .* [z-",
    "very long": "k7" * 40_000,
}
WRITTEN: dict[str, Callable[[str], tuple[Any, Any]]] = {
    "an answer": lambda secret: (asked(), told({"records": [{"Name": f"it is {secret} indeed"}]})),
    "an answer in JSON": lambda secret: (asked(), told({"records": [{"Name": json.dumps({"deep": secret})}]})),
    "an answer in XML": lambda secret: (asked(), told(f"<a>{secret.replace('&', '&amp;').replace('<', '&lt;')}</a>")),
    "an answer in base64": lambda secret: (asked(), told({"x": base64.b64encode(f"me:{secret}".encode()).decode()})),
    "an answer in quoted-printable": lambda secret: (
        asked(),
        told({"x": quopri.encodestring(secret.encode()).decode()}),
    ),
    "an answer in bytes": lambda secret: (asked(), told({"x": repr({"password": secret.encode()})})),
    "a name": lambda secret: (asked(), told({secret: 1})),
    "a request's URL": lambda secret: (asked(f"Account+WHERE+Name+%3D+'{quote(secret, safe='')}'"), told()),
    "a request's body": lambda secret: (asked(method="POST", body=json.dumps({"a": secret})), told()),
}


@pytest.mark.parametrize("where", WRITTEN)
@pytest.mark.parametrize("shape", AWKWARD)
def test_a_recording_that_would_hold_it_is_refused(tmp_path: Path, shape: str, where: str) -> None:
    value = AWKWARD[shape]
    with pytest.raises(RecordingError, match="holds a secret of this run") as caught:
        put(tmp_path / "plan.yaml", WRITTEN[where](value), secrets=(Secret(value),))
    assert list(tmp_path.iterdir()) == []
    assert value.strip() not in str(caught.value)


@pytest.mark.parametrize("shape", AWKWARD)
def test_a_recording_without_it_is_kept(tmp_path: Path, shape: str) -> None:
    put(tmp_path / "plan.yaml", secrets=(Secret(AWKWARD[shape]),))
    assert [path.name for path in tmp_path.iterdir()] == ["plan.yaml"]
