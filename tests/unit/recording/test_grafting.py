"""A stage that was recorded again in another run, at another time, is made to fit what the other stages hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from vcr.request import Request

from harness.org.ids import to_18
from harness.recording.grafting import Recording, Timeline, graft

URL = "https://org.my.salesforce.example"


@dataclass(frozen=True)
class Run:
    """What a run of two stages reads from the clock, sends and is answered."""

    begins: datetime
    run_id: str
    number: int
    lag: float = 0.0
    """How much longer its second stage takes."""

    @property
    def user(self) -> str:
        return to_18(f"005Rh{self.number:010d}")

    def at(self, seconds: float) -> datetime:
        return self.begins + timedelta(seconds=seconds)

    def grant(self) -> Recording:
        since = self.at(1.25)
        lock = f"rehearse run={self.run_id} host=rehearsal since={since:%Y-%m-%dT%H:%M:%S.%fZ}"
        body = json.dumps({"Description": lock, "AssigneeId": self.user, "EffectiveDate": f"{since:%Y-%m-%d}"})
        created = stamp(self.at(1.301)).replace("Z", "+0000")
        return recording(
            [f"id {self.run_id}", f"now {since.isoformat()}", f"now {self.at(1.5).isoformat()}"],
            [("POST", "/services/data/v67.0/sobjects/PermissionSet", body, {"id": self.user, "CreatedDate": created})],
        )

    def verify(self, *, more: bool = False) -> Recording:
        now = self.at(60 + self.lag)
        micros = int((self.at(1.25) - datetime.fromtimestamp(0, UTC)) / timedelta(microseconds=1))
        asked = quote(
            f"SELECT Id FROM LoginHistory WHERE UserId = '{self.user}' AND LoginTime > {stamp(self.at(1.25))}"
        )
        body = json.dumps({"mark": f"rehearse erp run {self.run_id}", "since": micros, "until": now.isoformat()})
        exchanges: list[tuple[str, str, str, object]] = [
            ("GET", f"/services/data/v67.0/query/?q={asked}", "", {"UserId": self.user, "LoginTime": stamp(now)}),
            ("POST", "/services/data/v67.0/composite", body, {"born": "1984-02-03T04:05:06.000+0000"}),
        ]
        if more:
            exchanges.append(("GET", f"/services/data/v67.0/sobjects/User/{self.user[:15]}", "", {"Id": self.user}))
        return recording([f"now {now.isoformat()}"], exchanges)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def recording(tape: list[str], exchanges: list[tuple[str, str, str, object]]) -> Recording:
    return Recording(
        before=(),
        tape=tuple(tape),
        requests=[Request(method, URL + path, body or None, {}) for method, path, body, _ in exchanges],
        responses=[
            {"status": {"code": 200, "message": ""}, "headers": {}, "body": {"string": json.dumps(answer)}}
            for *_, answer in exchanges
        ],
    )


OLD = Run(datetime(2026, 1, 5, 23, 59, 50, tzinfo=UTC), "0123456789ab", 17)
NEW = Run(datetime(2026, 3, 9, 14, 3, 7, 123456, tzinfo=UTC), "fedcba987654", 4711)


def plain(made: Recording) -> list[object]:
    asked = [(each.method, each.uri, each.body) for each in made.requests]
    return [made.readings, asked, [dict(each) for each in made.responses]]


@pytest.mark.parametrize("stage", ["grant", "verify"])
def test_a_run_that_went_alike_is_told_as_the_old_one(stage: str) -> None:
    old = {"grant": OLD.grant(), "verify": OLD.verify()}
    new = {"grant": NEW.grant(), "verify": NEW.verify()}
    assert plain(new[stage]) != plain(old[stage])
    assert plain(graft(old, new, stage)) == plain(old[stage])


def test_what_the_other_stages_called_otherwise_is_known_where_the_stage_itself_has_no_recording() -> None:
    made = graft({"grant": OLD.grant()}, {"grant": NEW.grant(), "verify": NEW.verify()}, "verify")
    text = str(plain(made))
    for of_the_new in (NEW.run_id, NEW.user, NEW.user[:15], "2026-03"):
        assert of_the_new not in text
    assert OLD.user in text
    assert OLD.run_id in text
    assert "1984-02-03T04:05:06.000+0000" in text
    [now] = [line.removeprefix("now ") for line in made.tape]
    assert datetime.fromisoformat(now) == OLD.at(1.5) + (NEW.at(60) - NEW.at(1.5))


def test_what_is_new_is_kept_in_the_old_run_s_words() -> None:
    old = {"grant": OLD.grant(), "verify": OLD.verify()}
    made = graft(old, {"grant": NEW.grant(), "verify": NEW.verify(more=True)}, "verify")
    assert plain(made) == plain(OLD.verify(more=True))


def test_a_run_of_the_same_org_at_the_same_time_stays_as_it_is() -> None:
    old = {"grant": OLD.grant(), "verify": OLD.verify()}
    assert plain(graft(old, dict(old), "verify")) == plain(OLD.verify())


def test_an_id_that_was_called_in_two_ways_is_left_as_it_is() -> None:
    other = Run(OLD.begins, OLD.run_id, 99)
    made = graft(
        {"snapshot": OLD.grant(), "grant": other.grant()},
        {"snapshot": NEW.grant(), "grant": NEW.grant(), "verify": NEW.verify()},
        "verify",
    )
    assert NEW.user in str(plain(made))


def test_a_time_keeps_its_distance_from_the_last_reading_before_it() -> None:
    day = datetime(2026, 1, 5, tzinfo=UTC)
    timeline = Timeline(
        [(day + timedelta(days=60), day), (day + timedelta(days=60, hours=1), day + timedelta(hours=3))]
    )
    assert timeline.old(day + timedelta(days=60, minutes=7)) == day + timedelta(minutes=7)
    assert timeline.old(day + timedelta(days=60, hours=1, minutes=7)) == day + timedelta(hours=3, minutes=7)
    assert timeline.old(day - timedelta(days=5)) == day - timedelta(days=5)
    assert timeline.old(day + timedelta(days=99)) == day + timedelta(days=99)
    assert timeline.old_date("2026-03-06") == "2026-01-05"
    assert timeline.old_date("1984-02-03") == "1984-02-03"
