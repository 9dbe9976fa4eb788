"""What a live org answered in a committed rehearsal, asked of the simulated org: the sandbox learns from cassettes.

Every cassette whose facts say that it is of a live org is found by itself. Of what it asked, the reads are put again
whose answer does not depend on the company's data, and both answers are compared by shape, after both were cleaned
alike. `DIFFERS` lists the accepted differences, for each cassette.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.org.clock import SystemClock
from harness.recording.cassettes import Cassettes
from harness.recording.facts import Facts
from harness.recording.filing.files import Loaded, cassette_paths, head_of, load
from harness.recording.text import as_text
from tests.conformance.compare import Difference, Level, differences, matches, parse
from tests.conformance.world import World

FOLDER = Path(__file__).parents[2] / "cassettes"

DIFFERS: Mapping[str, Mapping[str, str]] = {}
"""For each cassette, such as `acme/snapshot`: accepted differences by path, such as `query User: done`, and why."""

_SUFFIXES = {"application/json": ".json", "text/csv": ".csv", "application/xml": ".xml", "text/xml": ".xml"}
_FLOWS = ("password", "client_credentials")
"""Grant types that need no key of the recorded app."""
_OWN = re.compile(r"\w__[a-z]\b", re.IGNORECASE)
"""The API name of what a company made, or a package."""
_DESCRIBE = re.compile(r"/services/data/v[\d.]+/sobjects/(\w+)/describe/?")
_ID = re.compile(r"\b[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\b")


@dataclass(frozen=True)
class Question:
    """A recorded read, and what it was answered."""

    label: str
    """What was asked, as differences name it: `describe Account`, `query User`, `composite`, `sign-in by password`."""
    request: Any
    response: Mapping[str, Any]

    @property
    def status(self) -> int:
        return int(self.response["status"]["code"])


def found(folder: Path = FOLDER) -> dict[str, Path]:
    """The cassettes of live orgs below a folder, by scenario and stage."""
    return {_name(path, folder): path for path in cassette_paths(folder) if _is_live(path)}


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)).removesuffix(".json.gz").removesuffix(".yaml")


def _is_live(path: Path) -> bool:
    return Facts.of_metadata(head_of(path), path).is_live


def questions(loaded: Loaded) -> list[Question]:
    """What of a cassette can be asked of any org, each kind of question once."""
    asked: dict[tuple[str, int], Question] = {}
    for request, response in zip(loaded.requests, loaded.responses, strict=True):
        for label in _labels(request):
            one = Question(label, request, response)
            asked.setdefault((label, one.status), one)
    return list(asked.values())


def _labels(request: Any) -> Iterator[str]:
    """How a question is named that does not depend on what the company has; none for any other."""
    parts, body = urlsplit(request.uri), as_text(request.body) or ""
    if _OWN.search(request.uri) or _OWN.search(body):
        return
    if parts.path == "/services/oauth2/token":
        flow = parse_qs(body).get("grant_type", [""])[0]
        if flow in _FLOWS:
            yield f"sign-in by {flow}"
    elif request.method == "GET" and (described := _DESCRIBE.fullmatch(parts.path)):
        yield f"describe {described[1]}"
    elif request.method == "GET" and parts.path.rstrip("/").endswith(("/query", "/queryAll")) and "q=" in parts.query:
        yield f"query {_object(parse_qs(parts.query)['q'][0])}"
    elif request.method == "POST" and parts.path.endswith("/composite") and _only_reads(body):
        yield "composite"


def _object(soql: str) -> str:
    outer = re.sub(r"\([^()]*\)", "", soql)
    named = re.search(r"\bFROM\s+(\w+)", outer, re.IGNORECASE)
    return named[1] if named else "?"


def _only_reads(body: str) -> bool:
    try:
        parts = json.loads(body)["compositeRequest"]
        return all(each["method"] == "GET" for each in parts)
    except (ValueError, KeyError, TypeError):
        return False


def compared(world: World, asked: list[Question], folder: Path) -> dict[str, list[Difference]]:
    """Where the simulated org answers otherwise, by question; `folder` takes its answers for as long as this is."""
    ours = _ask(world, asked, folder)
    return {
        f"{question.label} {question.status}": list(_differences(question, answer))
        for question, answer in zip(asked, ours, strict=True)
    }


def unexpected(cassette: str, by_question: Mapping[str, list[Difference]]) -> list[str]:
    """The differences that are not accepted, and the accepted ones that do not occur."""
    accepted = DIFFERS.get(cassette, {})
    paths = {f"{label.rpartition(' ')[0]}: {path}": said for label, each in by_question.items() for path, said in each}
    new = [f"{path}: {said}" for path, said in paths.items() if not any(matches(known, path) for known in accepted)]
    gone = [f"{known}: listed, but as recorded" for known in accepted if not any(matches(known, one) for one in paths)]
    return new + gone


def _ask(world: World, asked: list[Question], folder: Path) -> Sequence[Mapping[str, Any]]:
    """The simulated org's answers, cleaned like those of a recording: they are one."""
    cassettes = Cassettes(
        folder / "ours",
        "record",
        clock=SystemClock(),
        hosts=(world.url,),
        org_id=world.org.org_id,
        known=[question.label for question in asked],
    )
    with cassettes.stage("answers"):
        for question in asked:
            request = question.request
            uri = urlsplit(request.uri)
            if question.label.startswith("sign-in"):
                _sign_in(world, question)
                continue
            path = f"{uri.path}?{uri.query}" if uri.query else uri.path
            headers = {name: str(value) for name, value in request.headers.items()}
            world.ask(request.method, path, data=as_text(request.body) or None, headers=headers)
    return load(cassettes.path("answers")).responses


def _sign_in(world: World, question: Question) -> None:
    """A sign-in by the same flow, refused where the recorded one was: its credentials are on no recording."""
    app = world.server.ready.apps["Rehearsal Admin"]
    right = question.status < 400
    form = {
        "grant_type": question.label.rpartition(" ")[2],
        "client_id": app["consumer_key"],
        "client_secret": app["consumer_secret"] if right else "wrong",
    }
    if form["grant_type"] == "password":
        form |= {"username": world.admin["username"], "password": world.admin["password"] if right else "wrong"}
        form["password"] += world.admin["security_token"]
    world.ask("POST", "/services/oauth2/token", data=form, headers={"Authorization": None})


def _differences(question: Question, ours: Mapping[str, Any]) -> Iterator[Difference]:
    status = int(ours["status"]["code"])
    if status != question.status:
        yield "status", f"{status}, recorded {question.status}"
        return
    mine, theirs = _body(ours), _body(question.response)
    if isinstance(mine, str) != isinstance(theirs, str):
        yield "body", "of another type than recorded"
        return
    for path, said in differences(mine, theirs, Level.SHAPE):
        if said != "no elements":  # which rows there are is the company's
            yield path, said


def _body(response: Mapping[str, Any]) -> Any:
    text = as_text(response["body"]["string"]) or ""
    kinds = [value[0] for name, value in response["headers"].items() if name.lower() == "content-type"]
    suffix = _SUFFIXES.get(kinds[0].partition(";")[0].strip(), "") if kinds else ""
    return parse(text, suffix) if text else ""


def lines() -> Iterator[str]:
    """What docs/fidelity.md says of them."""
    yield "## Recordings of live orgs"
    yield ""
    known = found()
    if not known:
        yield "No recording of a live org has been committed yet. Each that is becomes a case by itself: its reads that"
        yield "do not depend on the company's data are asked of the simulated org, and both answers compared by shape."
        return
    yield "| Recording | Questions asked again | Accepted differences |"
    yield "|---|---|---|"
    for name, path in known.items():
        yield f"| `{name}` | {len(questions(load(path)))} | {len(DIFFERS.get(name, {}))} |"
