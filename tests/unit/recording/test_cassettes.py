"""Recording a conversation and playing it back."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from harness.errors import RecordingError, UsageError
from harness.org.connection import Connection
from harness.org.guard import WriteGuard
from harness.org.transport import Transport
from harness.recording.cassettes import Cassettes
from harness.recording.hosts import CANONICAL_URL
from tests.unit.fake_org import Asked, FakeOrg, StillClock, Told, app_credential
from tests.unit.recording.some_facts import facts


class Studio:
    """Records with a fake org, and replays without one."""

    def __init__(self, org: FakeOrg, folder: Path) -> None:
        self.org = org
        self.folder = folder
        self.secrets: list[Any] = []

    def cassettes(self, mode: Any, **more: Any) -> Cassettes:
        options = {
            "clock": StillClock(),
            "wall": StillClock(),
            "record_facts": lambda _: facts(org_id=self.org.site.org_id),
            "hosts": [self.org.url],
            "secrets": lambda: self.secrets,
            "command": "pytest erp.scenario.yaml --cassettes record",
        }
        return Cassettes(self.folder, mode, **{**options, **more})

    def connect(self, cassettes: Cassettes, url: str, org_id: str | None = None) -> Connection:
        site = replace(self.org.site, url=url, org_id=org_id or self.org.site.org_id)
        transport = Transport(site, guard=WriteGuard(), clock=cassettes.clock)
        return Connection("admin", app_credential(), site, transport, cassettes.clock)

    def record(self, talk: Callable[[Connection], Any], stage: str = "snapshot", **more: Any) -> Any:
        cassettes = self.cassettes("record", **more)
        with cassettes.stage(stage):
            connection = self.connect(cassettes, self.org.url)
            said = talk(connection)
        connection._transport.close()
        return said

    def replay(self, talk: Callable[[Connection], Any], stage: str = "snapshot", **more: Any) -> Any:
        cassettes = self.cassettes("replay", **more)
        with cassettes.stage(stage):
            return talk(self.connect(cassettes, CANONICAL_URL, cassettes.facts_of(stage).org_id))

    def text(self, stage: str = "snapshot") -> str:
        return (self.folder / f"{stage}.yaml").read_text("utf-8")


@pytest.fixture
def studio(fake_org: FakeOrg, tmp_path: Path) -> Studio:
    fake_org.on("GET", r".*/query/\?q=.*", lambda asked: rows(asked.query["q"]))
    folder = tmp_path / "cassettes"
    folder.mkdir()
    (folder / "allow.yaml").write_text("allow: 1\nobjects: {Account: {Name: keep}}\n")
    return Studio(fake_org, folder / "erp")


def rows(name: str) -> Told:
    record = {"attributes": {"type": "Account", "url": "/services/data/v67.0/sobjects/Account/1"}, "Name": name}
    return Told(200, {"totalSize": 1, "done": True, "records": [record]})


def ask(*soql: str) -> Callable[[Connection], list[str]]:
    return lambda connection: [connection.query(each)[0]["Name"] for each in soql]


def test_a_replay_gives_the_same_answers_without_an_org(studio: Studio) -> None:
    said = studio.record(ask("SELECT 1", "SELECT 2"))
    before = len(studio.org.asked)
    assert studio.replay(ask("SELECT 1", "SELECT 2")) == said == ["SELECT 1", "SELECT 2"]
    assert len(studio.org.asked) == before


def test_equal_requests_are_played_in_the_order_they_were_answered(studio: Studio) -> None:
    states = iter(["Open", "InProgress", "JobComplete"])
    studio.org.on("GET", ".*/jobs/query/750", lambda _: Told(200, {"id": "750", "state": next(states)}))

    def poll(connection: Connection) -> list[str]:
        return [connection.request("GET", "jobs/query/750").body["state"] for _ in range(3)]

    assert studio.record(poll) == studio.replay(poll) == ["Open", "InProgress", "JobComplete"]


def test_the_users_of_equal_requests_are_told_apart(studio: Studio) -> None:
    def talk(connection: Connection) -> Any:
        other = Connection(
            "target", app_credential("new@acme.example"), connection.site, connection._transport, StillClock()
        )
        return other.query("SELECT 1")

    studio.record(talk)
    with pytest.raises(RecordingError, match=r"(?s)-client=rehearse/new@acme.example\s+\+client=rehearse/admin@acme"):
        studio.replay(ask("SELECT 1"))


def test_an_unused_interaction_fails_and_is_listed(studio: Studio) -> None:
    studio.record(ask("SELECT 1", "SELECT 2"))
    with pytest.raises(RecordingError, match=r"(?s)no longer asks 1 of the requests.*SELECT\+2.*record it: pytest erp"):
        studio.replay(ask("SELECT 1"))


def test_an_unmatched_request_names_the_nearest_and_the_difference(studio: Studio) -> None:
    studio.record(ask("SELECT Id FROM Account", "SELECT Id FROM Contact"))
    with pytest.raises(RecordingError) as caught:
        studio.replay(ask("SELECT Id, Name FROM Account"))
    message = str(caught.value)
    assert "asks GET /services/data/v67.0/query/?q=SELECT+Id,+Name+FROM+Account, which is not on" in message
    assert "-q=SELECT+Id+FROM+Account" in message
    assert "+q=SELECT+Id,+Name+FROM+Account" in message
    assert "pytest erp.scenario.yaml --cassettes record" in message


def test_asking_more_often_than_recorded_fails(studio: Studio) -> None:
    studio.record(ask("SELECT 1"))
    with pytest.raises(RecordingError, match="more often than when it was recorded"):
        studio.replay(ask("SELECT 1", "SELECT 1"))


def test_a_replay_cannot_reach_the_network(studio: Studio) -> None:
    def call_home(_: Connection) -> None:
        with socket.socket() as plain:
            plain.connect(("127.0.0.1", 9))

    def look_up(_: Connection) -> None:
        socket.getaddrinfo("salesforce.com", 443)

    def send_datagram(_: Connection) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.sendto(b"x", ("127.0.0.1", 9))

    def another_client(_: Connection) -> None:
        requests.get("https://elsewhere.example/", timeout=1)

    studio.record(ask())
    for talk in (call_home, look_up, send_datagram, another_client):
        with pytest.raises(RecordingError):
            studio.replay(talk)
    assert socket.socket.connect is socket.SocketType.connect


def test_the_file_reads_well_and_says_where_it_comes_from(studio: Studio) -> None:
    studio.record(ask("SELECT 1"), record_facts=lambda _: facts(live="yes", kind="sandbox"))
    data = yaml.safe_load(studio.text())
    assert list(data) == ["version", "metadata", "interactions"]
    assert data["metadata"]["kind"] == "sandbox"
    assert data["metadata"]["recorded_at"] == "2026-01-05T09:00:00+00:00"
    assert '"totalSize": 1' in studio.text()
    assert studio.org.url.removeprefix("http://") not in studio.text()
    replaying = studio.cassettes("replay")
    replaying.require(["snapshot"])
    told = replaying.facts
    assert told == facts(
        live="yes",
        kind="sandbox",
        recorded_at=StillClock().time,
        org_id=told.org_id,
        admin_username=told.admin_username,
    )
    assert told.org_id[:3] == "00D"
    assert told.org_id != facts().org_id
    assert told.admin_username.endswith("@example.org")


def test_two_recordings_of_one_conversation_are_the_same_file(studio: Studio) -> None:
    def talk(connection: Connection) -> Any:
        return ask("SELECT 1", "SELECT 2")(connection)

    studio.record(talk)
    first = studio.text()
    studio.record(talk)
    assert studio.text() == first


def test_a_file_is_written_whole_with_plain_permissions_and_only_when_the_stage_ended_well(studio: Studio) -> None:
    def fail(connection: Connection) -> None:
        ask("SELECT 1")(connection)
        raise RuntimeError("the stage failed")

    with pytest.raises(RuntimeError):
        studio.record(fail)
    assert not studio.folder.exists()
    studio.record(ask("SELECT 1"))
    assert [each.name for each in studio.folder.iterdir()] == ["snapshot.yaml"]
    assert stat.S_IMODE((studio.folder / "snapshot.yaml").stat().st_mode) == 0o644


def test_recording_works_again_after_a_stage_failed(studio: Studio) -> None:
    test_a_file_is_written_whole_with_plain_permissions_and_only_when_the_stage_ended_well(studio)
    assert requests.get(f"{studio.org.url}/services/data", timeout=2).status_code == 404


def test_a_missing_cassette_is_an_error_before_the_first_request(studio: Studio) -> None:
    cassettes = studio.cassettes("replay")
    with pytest.raises(UsageError, match=r"(?s)no cassette for preflight, plan.*pytest erp.scenario.yaml --cassettes"):
        cassettes.require(["preflight", "plan"])
    with pytest.raises(RecordingError, match="there is no cassette"), cassettes.stage("preflight"):
        pytest.fail("it was entered")


def test_a_damaged_cassette_is_an_error(studio: Studio) -> None:
    studio.record(ask("SELECT 1"))
    whole = studio.text()
    (studio.folder / "snapshot.yaml").write_text(whole.replace("request:", "reqest:"))
    with pytest.raises(RecordingError, match="cannot be read"):
        studio.replay(ask("SELECT 1"))


def test_zipped_answers_are_kept_as_text(studio: Studio) -> None:
    def zipped(_: Asked) -> Told:
        told = rows("zipped" * 100)
        told.zipped = True
        return told

    studio.org.on("GET", r".*/query/\?q=.*", zipped)
    assert studio.record(ask("SELECT 1")) == studio.replay(ask("SELECT 1"))
    assert "zippedzipped" in studio.text()


def test_a_stage_without_requests_has_a_cassette_too(studio: Studio) -> None:
    cassettes = studio.cassettes("record")
    with cassettes.stage("plan"):
        pass
    replaying = studio.cassettes("replay")
    replaying.require(["plan"])
    with replaying.stage("plan"):
        pass


def test_the_control_interface_is_not_recorded(studio: Studio) -> None:
    def talk(connection: Connection) -> Any:
        requests.post(f"{studio.org.url}/__control__/clock", json={"advance": 60}, timeout=2)
        return ask("SELECT 1")(connection)

    studio.record(talk)
    assert "__control__" not in studio.text()
    assert "POST /__control__/clock" in studio.org.paths()


def test_a_request_to_another_host_is_not_recorded(studio: Studio) -> None:
    def talk(_: Connection) -> None:
        requests.get("http://127.0.0.1:9/", timeout=1)

    with pytest.raises(RecordingError, match="is not one to the org"):
        studio.record(talk)


def test_stages_do_not_nest(studio: Studio) -> None:
    cassettes = studio.cassettes("record")
    other = studio.cassettes("record")
    for second in (cassettes, other):
        with cassettes.stage("one"), pytest.raises(RuntimeError, match="erp/one is still open"), second.stage("two"):
            pytest.fail("it was entered")


def test_a_spoilt_stage_is_not_written_and_its_replay_is_not_held_to_the_cassette(studio: Studio) -> None:
    def give_up(cassettes: Cassettes) -> None:
        with cassettes.stage("snapshot"):
            cassettes.spoil()

    give_up(studio.cassettes("record"))
    assert not studio.folder.exists()
    studio.record(ask("SELECT 1"))
    give_up(studio.cassettes("replay"))
    with pytest.raises(RecordingError, match="no longer asks"):
        studio.replay(ask())


def test_the_clock_between_stages_can_be_told_which_comes_next(studio: Studio) -> None:
    recording = studio.cassettes("record")
    ids = {}
    for name in ("preflight", "rollback-from-grant", "rollback-from-switch"):
        ids[name] = recording.clock.new_id()
        with recording.stage(name):
            pass
    replaying = studio.cassettes("replay")
    replaying.require(list(ids))
    replaying.ahead("rollback-from-switch")
    assert replaying.clock.new_id() == ids["rollback-from-switch"]
    with pytest.raises(RecordingError, match="more new identifiers"):
        replaying.clock.new_id()
    replaying.ahead("rollback-from-grant")
    assert replaying.clock.new_id() == ids["rollback-from-grant"]
    with replaying.stage("preflight"):
        pass
    assert replaying.clock.new_id() == ids["rollback-from-grant"]


def test_off_does_nothing(studio: Studio) -> None:
    clock = StillClock()
    cassettes = studio.cassettes("off", clock=clock)
    assert cassettes.clock is clock
    with cassettes.stage("plan"):
        pass
    assert not studio.folder.exists()


class Session:
    """What an engine does with the clock: between stages and within."""

    def __init__(self, cassettes: Cassettes) -> None:
        self.cassettes = cassettes
        self.said: list[Any] = []

    def run(self) -> list[Any]:
        clock = self.cassettes.clock
        self.said += [clock.new_id(), clock.now()]
        with self.cassettes.stage("preflight"):
            self.said += [clock.now(), clock.now()]
        self.said.append(clock.now())
        with self.cassettes.stage("dual-auth"):
            self.said += [clock.pass_until(clock.now()), clock.now(), clock.new_id()]
        return self.said


def test_the_clock_is_on_tape(studio: Studio) -> None:
    recorded = Session(studio.cassettes("record")).run()
    late = StillClock()
    late.time = late.time.replace(year=2030)
    late.ids = 77
    replaying = studio.cassettes("replay", clock=late)
    replaying.require(["preflight", "dual-auth"])
    assert Session(replaying).run() == recorded
    assert late.slept == []


def test_an_identifier_beyond_the_tape_is_an_error_and_a_reading_of_the_time_is_not(studio: Studio) -> None:
    with studio.cassettes("record").stage("preflight"):
        pass
    replaying = studio.cassettes("replay")
    with replaying.stage("preflight"):
        first, second = replaying.clock.now(), replaying.clock.now()
        assert first < second
        with pytest.raises(RecordingError, match="more new identifiers"):
            replaying.clock.new_id()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_where_a_stage_is_out_of_date_its_failure_begins_with_that(studio: Studio) -> None:
    studio.record(ask("SELECT 1"))
    cassettes = studio.cassettes("replay")
    cassettes.stale("snapshot", "the scenario changed (from.username, line 12)", "record it again: that way")
    for talk in (ask("SELECT 2"), ask()):
        with pytest.raises(RecordingError, match=r"^the scenario changed") as caught, cassettes.stage("snapshot"):
            talk(studio.connect(cassettes, CANONICAL_URL, cassettes.facts_of("snapshot").org_id))
        assert caught.value.remedy == "record it again: that way"
    with pytest.raises(RecordingError, match="there is no cassette"), cassettes.stage("verify"):
        pytest.fail("it was entered")
