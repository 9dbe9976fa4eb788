"""The cassettes that ship are real traffic of a client that asks much: all of it is understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.access.use.deeds import Seen, Selected
from harness.access.use.recordings import read_file
from harness.recording.filing.files import cassette_paths

CASSETTES = cassette_paths(Path(__file__).parents[3] / "cassettes")


@pytest.mark.parametrize("scenario", sorted({path.parent.name for path in CASSETTES}))
def test_every_request_is_understood(scenario: str) -> None:
    seen = Seen()
    for path in CASSETTES:
        if path.parent.name == scenario:
            read_file(path, path.name, seen)
    assert seen.unknown == []
    assert seen.requests > 10
    assert any(isinstance(use.deed, Selected) for use in seen.uses)
