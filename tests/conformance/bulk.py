"""Bulk API 1.0 jobs that have run, for what the recordings ask of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tests.conformance.world import World

_JOBS = "/services/async/62.0/job"


def insert_in(content_type: str) -> Callable[[World], Mapping[str, str]]:
    """A job that has inserted contacts, in the place of the recorded ones."""

    def run(world: World) -> Mapping[str, str]:
        job, media_type = _job(world, "insert", "Contact", content_type)
        rows = "LastName\nOne\nTwo\n" if content_type == "CSV" else '[{"LastName": "One"}]'
        batch = _batch(world, job, rows, media_type)
        return {
            "750P0000006HoSQIA0": job,
            "751P0000007qkh8IAA": batch,
            "7509H0000016GUXQA2": job,
            "7519H000001XiCzQAK": batch,
        }

    return run


def query_events(world: World) -> Mapping[str, str]:
    """A job that has read events."""
    contact = world.add("Contact", LastName="Contact")
    moment = "2026-01-05T09:00:00.000+0000"
    for number in (2, 3):
        world.add("Event", Subject=f"Event {number}", WhoId=contact, DurationInMinutes=60, ActivityDateTime=moment)
    job, media_type = _job(world, "query", "Event", "JSON")
    soql = "SELECT Id, Who.LastName, Who.Email, What.Name, Subject, DurationInMinutes, ActivityDateTime FROM Event"
    batch = _batch(world, job, soql, media_type)
    results = world.ask("GET", f"{_JOBS}/{job}/batch/{batch}/result", headers=_session(world)).json()
    return {"7509H0000016GUXQA2": job, "7519H000001XiCzQAK": batch, "7529H000000xO6L": results[0]}


def _job(world: World, operation: str, sobject: str, content_type: str) -> tuple[str, str]:
    body = (
        '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">'
        f"<operation>{operation}</operation><object>{sobject}</object><contentType>{content_type}</contentType></jobInfo>"
    )
    headers = _session(world) | {"Content-Type": "application/xml"}
    made = world.ask("POST", _JOBS, data=body, headers=headers)
    assert made.status_code == 201, made.text
    return _id(made.text), {"CSV": "text/csv", "JSON": "application/json"}[content_type]


def _batch(world: World, job: str, content: str, media_type: str) -> str:
    headers = _session(world) | {"Content-Type": media_type}
    made = world.ask("POST", f"{_JOBS}/{job}/batch", data=content, headers=headers)
    assert made.status_code == 201, made.text
    found = _id(made.text)
    for _ in range(20):
        state = world.ask("GET", f"{_JOBS}/{job}/batch/{found}", headers=_session(world)).text
        if "Completed" in state:
            return found
    raise AssertionError(state)


def _id(text: str) -> str:
    found = re.search(r'<id>(\w+)</id>|"id"\s*:\s*"(\w+)"', text)
    assert found is not None, text
    return found[1] or found[2]


def _session(world: World) -> dict[str, str]:
    return {"X-SFDC-Session": world.token}
