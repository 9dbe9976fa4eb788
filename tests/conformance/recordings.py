"""The recorded answers of real orgs, which lie beside the project and not in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
ABSENT = f"the recorded answers are not beside the project: {RECORDED.name}/INDEX.json"

ELIDED = ("Others", "Response-Headers")
"""What a recording says in the place of headers that it left out."""


@dataclass(frozen=True)
class Recording:
    """One answer: its text, its status and headers as far as they are known, and what was asked."""

    name: str
    text: str
    suffix: str
    """`.json`, `.xml`, `.csv` or `.txt`."""
    status: int | None
    headers: Mapping[str, str]
    """By lower-case name; only those that the recording kept."""
    all_headers: bool
    """Whether a header that is not here was not there."""
    kind: str
    """How it was taken: `recorded` is by a recorder, byte by byte."""
    provenance: Mapping[str, Any]


def names() -> list[str]:
    """Every entry of the index; none where there are no recordings."""
    index = RECORDED / "INDEX.json"
    return [entry["id"] for entry in json.loads(index.read_text(encoding="utf-8"))] if index.is_file() else []


@cache
def recording(name: str) -> Recording:
    """One of them."""
    known = json.loads((RECORDED / f"{name}.provenance.json").read_text(encoding="utf-8"))
    [body] = RECORDED.glob(f"{name}.body.*")
    headers = known["response"]["headers"] or {}
    inner = headers.get("Response-Headers", headers)
    named = inner if isinstance(inner, dict) else {}
    return Recording(
        name=name,
        text=body.read_text(encoding="utf-8"),
        suffix=body.suffix,
        status=known["response"]["status"],
        headers={key.lower(): _one(value) for key, value in named.items() if key not in ELIDED},
        all_headers=any(key.lower() == "date" for key in named),
        kind=known["recorded"],
        provenance=known,
    )


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]
