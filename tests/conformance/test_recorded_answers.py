"""What the simulated org answers, held against recorded answers of real orgs, all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import pytest
import requests

from harness.sandbox.http.wire import encode
from tests.conformance import recordings
from tests.conformance.case import Case
from tests.conformance.cases import CASES, NOT_SERVED
from tests.conformance.compare import Difference, Level, differences, header_differences, matches, parse
from tests.conformance.recordings import Recording, recording
from tests.conformance.world import World, served

NAMES = recordings.names()
NEWEST = "53.0"
"""The version asked for where the recording's own was made unreadable or is retired."""

pytestmark = pytest.mark.skipif(not NAMES, reason=recordings.ABSENT)


@pytest.fixture(scope="module")
def served_world() -> Iterator[tuple[World, bytes]]:
    with served() as world:
        yield world, world.org.snapshot()


@pytest.fixture
def world(served_world: tuple[World, bytes]) -> World:
    """The org as it was at first."""
    world, snapshot = served_world
    world.org.restore(snapshot)
    return world


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.recording)
def test_the_answer_is_as_recorded(world: World, case: Case) -> None:
    known = recording(case.recording)
    found = list(dict.fromkeys(compared(ask(world, case, known), known, case)))
    unexpected = [f"{path}: {said}" for path, said in found if not accepted(case, path)]
    if unexpected:
        pytest.fail("\n".join(["differs where it should not:", *unexpected[:60]]), pytrace=False)
    gone = [one for one in case.differs if not any(matches(one, path) for path, _ in found)]
    if gone:
        pytest.fail("\n".join(["listed as differences, but as recorded:", *gone]), pytrace=False)


def test_every_recording_is_compared_or_said_not_to_be_served() -> None:
    listed = [case.recording for case in CASES] + list(NOT_SERVED)
    assert sorted(listed) == sorted(set(listed)), "a recording is listed twice"
    assert set(NAMES) - set(listed) == set(), "neither compared nor said not to be served"
    assert set(listed) - set(NAMES) == set(), "listed and not recorded"


def accepted(case: Case, path: str) -> bool:
    return any(matches(pattern, path) for pattern in case.differs)


def ask(world: World, case: Case, known: Recording) -> requests.Response:
    """Put the recorded request to the simulated org."""
    request = known.provenance["request"]
    ours = case.given(world)
    parts = urlsplit(request["url"])
    path = case.path or parts.path + (f"?{parts.query}" if parts.query else "")
    path = path.replace("/ORG_ID", "")
    body = case.body(world) if callable(case.body) else case.body or request.get("body")
    return world.ask(
        case.method or request["method"],
        replaced(path, ours),
        data=replaced(body, ours).encode() if body else None,
        headers=dict(case.headers),
    )


def replaced(text: str, ours: Mapping[str, str]) -> str:
    """A recorded path or body with our ids, and a version that is served."""
    for theirs, mine in ours.items():
        text = text.replace(theirs, mine)
    text = text.replace("/{version}/", f"/v{NEWEST}/").replace("/async/vxx.0/", f"/async/{NEWEST}/")
    return re.sub(r"(/v|/Soap/u/)(xx|28)\.0\b", rf"\g<1>{NEWEST}", text)


def compared(answer: requests.Response, known: Recording, case: Case) -> Iterator[Difference]:
    """Where the answer differs from the recorded one."""
    if answer.status_code != known.status and not (known.status is None and answer.ok):
        yield "status", f"{answer.status_code}, recorded {known.status}: {answer.text[:300]}"
        return
    headers = {name.lower(): value for name, value in answer.headers.items()}
    yield from header_differences(headers, known.headers, all_known=known.all_headers)
    if case.level is Level.BYTES:
        if answer.text.strip() != known.text.strip():
            yield "body", f"{answer.text}\nrecorded {known.text}"
        return
    ours, theirs = parse(answer.text, known.suffix), parse(known.text, known.suffix)
    yield from differences(case.ours(ours), case.theirs(theirs), case.level)


def recorded_bodies() -> list[str]:
    """The JSON bodies that a recorder took from an org, byte by byte."""
    return [
        name
        for name in NAMES
        if (one := recording(name)).suffix == ".json" and one.kind == "recorded" and not _rewritten(one)
    ]


def _rewritten(one: Recording) -> bool:
    """Whether whoever cut a recording to size wrote it anew: no org puts a blank behind a colon and none before it."""
    return re.match(r'[\[{\s]*"\w+": ', one.text) is not None


@pytest.mark.parametrize("name", recorded_bodies())
def test_json_is_written_as_recorded(name: str) -> None:
    text = recording(name).text
    pretty = encode(json.loads(text), pretty=True).decode()
    compact = encode(json.loads(text), pretty=False).decode()
    assert text.strip() in (pretty, compact)
