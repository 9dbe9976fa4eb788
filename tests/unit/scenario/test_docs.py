"""The pieces of scenario files that the documents show are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from harness.scenario.model import Scenario

DOCS = Path(__file__).parents[3] / "docs"
PIECES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in ("access.md", "references.md", "time.md")
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_is_valid(piece: str) -> None:
    shown = yaml.safe_load(piece)
    assert shown, "a piece that shows nothing"
    for key, value in shown.items():
        field = Scenario.model_fields[key]
        assert field.annotation is not None
        field.annotation.model_validate(value)


def test_there_are_pieces() -> None:
    assert len(PIECES) >= 4
