"""Orgs that are no sandbox, or not the one that was meant: not one mutating byte is heard at the socket.

Every case is run through a real socket, by the org's real host name (an HTTPS proxy leads there), and judged by the
bytes that were heard and by the org's own rows. A case that is as it should be shows that the writes would arrive; with
the guard taken out, the judge turns red.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import GuardRefused, RehearseError, UsageError
from harness.migration import engine as engine_module
from harness.migration.records import StageFinished
from harness.org.guard import SandboxProof, WriteGuard, prove_sandbox
from harness.org.ids import to_18
from harness.sandbox.org import SandboxOrg

from .bench import Kept, World, make_world
from .hearing import Ear, Told, write_certificate
from .hostile import (
    HOSTS,
    LEGACY,
    LOGIN,
    LOOPBACK,
    OTHER,
    PRODUCTION,
    SANDBOX,
    SAYS_DEVELOPER,
    SAYS_PRODUCTION,
    SAYS_SANDBOX,
    SAYS_SCRATCH,
    SAYS_TRIAL,
    SCRATCH,
    TEST,
    Hostile,
    Says,
    run_on,
)
from .scenarios import CASES

pytestmark = pytest.mark.xdist_group("hostile-orgs")

_DEVELOP, _TRAIL, _DEMO, _FREE, _PATCH, _UNHEARD, _PROXY, _LOOKALIKE, _DASH = HOSTS[4:]
SIMULATED = Says(LOOPBACK, identity=None, simulated=True)


def organization(status: int, body: Any) -> Told:
    return Told(status, json.dumps(body).encode())


def rows(*found: dict[str, Any]) -> Told:
    return organization(200, {"totalSize": len(found), "done": True, "records": list(found)})


REFUSED = organization(400, [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Organization' is not supported."}])
FORBIDDEN = organization(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "API is not enabled for this Org"}])
CAPTIVE = Told(200, b"<html>Welcome to the airport</html>", (("Content-Type", "text/html"),))
MOVED = Told(302, b"", (("Location", f"https://{PRODUCTION}/"),))
MOVED_FOR_GOOD = Told(308, b"", (("Location", f"https://{PRODUCTION}/"),))

NOT_A_SANDBOX = "is not a sandbox but"
CONTRADICTION = "is not provably a sandbox"
UNPROVEN = "cannot be proven to be a sandbox"
OTHER_ORG = "is pinned to"

FROM_THE_START: dict[str, tuple[Says, str]] = {
    # what it is
    "production": (Says(PRODUCTION, SAYS_PRODUCTION, LOGIN), f"{NOT_A_SANDBOX} a production org"),
    "production, by its own identity URL": (Says(PRODUCTION, SAYS_PRODUCTION, None), f"{NOT_A_SANDBOX} a production"),
    "trial": (Says(PRODUCTION, SAYS_TRIAL, LOGIN), f"{NOT_A_SANDBOX} a trial org"),
    "developer edition": (Says(_DEVELOP, SAYS_DEVELOPER, LOGIN), f"{NOT_A_SANDBOX} a Developer Edition org"),
    "trailhead playground": (Says(_TRAIL, SAYS_DEVELOPER, LOGIN), f"{NOT_A_SANDBOX} a Developer Edition org"),
    "demo": (Says(_DEMO, SAYS_PRODUCTION, LOGIN), f"{NOT_A_SANDBOX} a production org"),
    # a host or a proxy that leads elsewhere
    "production behind a sandbox's host": (Says(SANDBOX, SAYS_PRODUCTION, LOGIN), f"{NOT_A_SANDBOX} a production org"),
    "trial behind a sandbox's host": (Says(SANDBOX, SAYS_TRIAL, TEST), f"{NOT_A_SANDBOX} a trial org"),
    "developer edition behind a sandbox's host": (Says(SANDBOX, SAYS_DEVELOPER, LOGIN), NOT_A_SANDBOX),
    "production behind a legacy sandbox's host": (Says(LEGACY, SAYS_PRODUCTION, LOGIN), NOT_A_SANDBOX),
    "production behind a scratch org's host": (Says(SCRATCH, SAYS_PRODUCTION, LOGIN), NOT_A_SANDBOX),
    "production on the loopback": (Says(LOOPBACK, SAYS_PRODUCTION, LOGIN, simulated=True), NOT_A_SANDBOX),
    "a real sandbox through a tunnel": (Says(LOOPBACK), "the host 127.0.0.1:"),
    "a real sandbox taken for the simulated one": (Says(LOOPBACK, simulated=True), CONTRADICTION),
    "a host that is none of Salesforce's": (Says(_PROXY), "says no org of Salesforce"),
    "a host that ends otherwise": (Says(_LOOKALIKE), "says no org of Salesforce"),
    "a host with a dash for a dot": (Says(_DASH), "says no org of Salesforce"),
    "a host of a kind nobody knows": (Says(_UNHEARD), "says no org of Salesforce"),
    "every request is led to production": (Says(everything=MOVED), ""),
    "every request is led to production for good": (Says(everything=MOVED_FOR_GOOD), ""),
    # an Organization row that lies
    "a lying row at a production host": (Says(PRODUCTION, SAYS_SANDBOX, LOGIN), CONTRADICTION),
    "a lying row and a lying sign-in at a production host": (Says(PRODUCTION), CONTRADICTION),
    "a lying row at a developer host": (Says(_DEVELOP), "says a Developer Edition org"),
    "a lying row at a trailhead host": (Says(_TRAIL), "says a Trailhead Playground"),
    "a lying row at a demo host": (Says(_DEMO), "says a demo org"),
    "a lying row at a free host": (Says(_FREE), "says a Free Edition org"),
    "a lying row at a patch host": (Says(_PATCH), "says a patch org"),
    # an identity URL that lies, or alone says the truth
    "the identity URL alone says production": (Says(identity=LOGIN), CONTRADICTION),
    "the identity URL alone says production, of a legacy host": (Says(LEGACY, identity=LOGIN), CONTRADICTION),
    "the identity URL alone says production, of a scratch org": (Says(SCRATCH, SAYS_SCRATCH, LOGIN), CONTRADICTION),
    "the identity URL of the simulated one says production": (replace(SIMULATED, identity=LOGIN), CONTRADICTION),
    "the identity URL alone says sandbox": (Says(SANDBOX, SAYS_PRODUCTION, TEST), NOT_A_SANDBOX),
    "the identity URL is of another My Domain": (Says(identity=PRODUCTION), CONTRADICTION),
    "the identity URL is of nobody": (Says(identity="id.acme-proxy.com"), CONTRADICTION),
    "the instance URL says production": (
        Says(instance=PRODUCTION),
        "the instance URL of the sign-in says a production",
    ),
    # sandbox and scratch org taken for each other
    "a scratch org where a sandbox is configured": (Says(SANDBOX, SAYS_SCRATCH), "Organization row says a scratch org"),
    "a sandbox where a scratch org is configured": (Says(SCRATCH, SAYS_SANDBOX), "Organization row says a sandbox"),
    # another org than the pinned one
    "another pinned id": (Says(pinned=OTHER), f"pinned to {OTHER}"),
    "a refreshed sandbox": (Says(sign_in_id=OTHER), "signed in to org"),
    "the row alone says another org": (Says(row={**SAYS_SANDBOX, "Id": OTHER}), "the Organization row says"),
    "the sign-in alone says another org": (Says(sign_in_id=OTHER, row={**SAYS_SANDBOX, "Id": "own"}), OTHER_ORG),
    "a sign-in without an org": (Says(sign_in_id="none"), OTHER_ORG),
    "an id of 15 characters in another case": (Says(row={**SAYS_SANDBOX, "Id": "00dRh0000000001"}), OTHER_ORG),
    # an org that will not say
    "Organization is refused": (Says(organization=REFUSED), f"{UNPROVEN}: INVALID_TYPE"),
    "the API is off": (Says(organization=FORBIDDEN), UNPROVEN),
    "no Organization": (Says(organization=rows()), f"{UNPROVEN}: 0 rows"),
    "two Organizations": (Says(organization=rows({"Id": OTHER}, {"Id": OTHER})), f"{UNPROVEN}: 2 rows"),
    "a captive portal": (Says(organization=CAPTIVE), ""),
    "IsSandbox is a word": (Says(row={**SAYS_SANDBOX, "IsSandbox": "true"}), NOT_A_SANDBOX),
    "IsSandbox is null": (Says(row={**SAYS_SANDBOX, "IsSandbox": None}), NOT_A_SANDBOX),
    "IsSandbox is a number": (Says(row={**SAYS_SANDBOX, "IsSandbox": 1}), NOT_A_SANDBOX),
    "a trial that ends at no moment": (Says(SCRATCH, {**SAYS_SCRATCH, "TrialExpirationDate": "soon"}), UNPROVEN),
}
AS_IT_SHOULD_BE: dict[str, Says] = {
    "a sandbox": Says(),
    "a sandbox, by its own identity URL": Says(identity=None),
    "a sandbox by its legacy host": Says(LEGACY),
    "a scratch org": Says(SCRATCH, SAYS_SCRATCH),
    "the simulated sandbox": SIMULATED,
}
IN_THE_MIDDLE: dict[str, tuple[Says, str]] = {
    "swapped for production": (
        Says(SANDBOX, SAYS_PRODUCTION, LOGIN, sign_in_id=OTHER),
        f"signed in to org {OTHER}",
    ),
    "turned into production": (Says(SANDBOX, SAYS_PRODUCTION, TEST), NOT_A_SANDBOX),
    "signed in at production's login": (Says(SANDBOX, SAYS_SANDBOX, LOGIN), CONTRADICTION),
    "Organization is refused from now on": (Says(organization=REFUSED), UNPROVEN),
}
_FEW = ("grant", "retire")
STAGES = ("provision", "grant", "authorize", "verify", "dual-auth", "cut-over", "retire")
TURNS = [(name, stage) for name in list(IN_THE_MIDDLE)[:2] for stage in STAGES] + [
    (name, stage) for name in list(IN_THE_MIDDLE)[2:] for stage in _FEW
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Ear, dict[str, Kept]]]:
    """One org, kept as it was before each stage, and one server with a certificate for every name."""
    folder = tmp_path_factory.mktemp("hostile")
    ear = Ear(*write_certificate(folder, HOSTS))
    world = make_world(folder / "world", CASES["reference"])
    kept = {"": world.keep()}
    for record in world.process().engine.stages():
        if isinstance(record.body, StageFinished):
            kept[record.stage] = world.keep()
    yield world, ear, kept
    world.close()
    ear.close()


@pytest.fixture
def org(scene: tuple[World, Ear, dict[str, Kept]], monkeypatch: pytest.MonkeyPatch) -> Hostile:
    """The org as it was, behind an HTTPS proxy that hears everything."""
    world, ear, kept = scene
    for name in ("NO_PROXY", "no_proxy", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", ear.url)
    world.put_back(kept[""])
    ear.heard.clear()
    return Hostile(world, ear, ear.certificate, kept)


@pytest.mark.parametrize("name", AS_IT_SHOULD_BE)
def test_what_is_a_sandbox_is_written_to(org: Hostile, name: str) -> None:
    org.world.put_back(org.kept["plan"])
    process = org.process(AS_IT_SHOULD_BE[name])
    assert run_on(process, last="provision").result == "passed"
    assert len(org.ear.mutating) > 2
    assert org.world.org.rows("User", Username=org.world.file.scenario.target_username)


def test_the_refusal_says_which_remedy(org: Hostile) -> None:
    for says in (Says(PRODUCTION, SAYS_PRODUCTION, LOGIN), Says(identity=LOGIN), Says(pinned=OTHER)):
        with pytest.raises(GuardRefused) as caught:
            run_on(org.process(says))
        assert caught.value.exit_code == 4
        assert caught.value.remedy


@pytest.mark.parametrize("name", FROM_THE_START)
def test_what_is_none_hears_no_write(org: Hostile, name: str) -> None:
    says, why = FROM_THE_START[name]
    before = rows_of(org.world.org)
    assert (why or "answer") in refusal(org, says)
    assert org.ear.heard
    assert org.ear.mutating == []
    assert rows_of(org.world.org) == before


@pytest.mark.parametrize(("name", "stage"), TURNS)
def test_an_org_that_turns_hostile_hears_no_further_write(org: Hostile, name: str, stage: str) -> None:
    says, why = IN_THE_MIDDLE[name]
    process = org.shortly_before(stage)

    def turn() -> None:
        org.becomes(says)
        heard.extend(org.ear.mutating)
        rows.update(rows_of(org.world.org))

    heard: list[str] = []
    rows: dict[str, object] = {}
    with pytest.raises(GuardRefused) as caught:
        run_on(process, stage, turn)
    assert why in caught.value.message
    assert caught.value.remedy
    assert org.ear.mutating == heard
    assert rows_of(org.world.org) == rows
    assert bool(heard) == (stage != "provision")


def test_a_rollback_that_finds_another_org_writes_nothing(org: Hostile) -> None:
    process = org.shortly_before("grant")
    run_on(process, last="grant")
    heard = org.ear.mutating
    org.becomes(Says(sign_in_id=OTHER))
    for attempt in (process, org.process(Says(sign_in_id=OTHER))):
        with pytest.raises(GuardRefused, match="is pinned to") as caught:
            attempt.back()
        assert "refreshed" in str(caught.value.remedy)
    assert org.ear.mutating == heard


def test_a_session_that_ends_within_a_stage_is_renewed_and_the_org_proven_again(org: Hostile) -> None:
    process, began = org.shortly_before("grant"), list[int]()

    def expire() -> None:
        began.append(len(org.ear.heard))
        org.becomes(Says())

    assert run_on(process, "grant", expire, last="grant").result == "passed"
    lines = [each.line for each in org.ear.heard[began[0] :]]
    signed_in = next(number for number, line in enumerate(lines) if line.startswith("POST /services/oauth2/token"))
    first_write = next(number for number, each in enumerate(org.ear.heard[began[0] :]) if each.mutates)
    asked = [number for number, line in enumerate(lines) if "Organization" in line]
    assert any(signed_in < number < first_write for number in asked)


@pytest.mark.parametrize("stage", ["verify", "cut-over"])
def test_another_users_sign_in_that_says_production_ends_all_writing(org: Hostile, stage: str) -> None:
    """The admin's session goes on; the new user's first sign-in, in that stage, says something else."""
    process = org.shortly_before(stage)

    def turn() -> None:
        process._connections.pop("target", None)
        process._connections.pop("source", None)
        org.becomes(Says(identity=LOGIN), sessions_end=False)

    with pytest.raises(GuardRefused, match="nothing more is written: org uat is not provably a sandbox"):
        run_on(process, stage, turn)
    lines = [each.line for each in org.ear.heard]
    last = max(number for number, line in enumerate(lines) if line.startswith("POST /services/oauth2/token"))
    assert not any(each.mutates for each in org.ear.heard[last:])


def test_a_session_that_dies_under_a_write_costs_that_write_and_no_more(org: Hostile) -> None:
    """Whoever answers refuses a write of a session it does not know; only the next sign-in tells who that is."""
    process = org.shortly_before("grant")
    dead_from: list[int] = []

    def die_at_the_next_write() -> None:
        answer = org.ear.answer

        def dying(host: str, request: Any) -> Told:
            if not dead_from and org.ear.heard[-1].mutates:
                dead_from.append(len(org.ear.heard) - 1)
                org.becomes(Says(SANDBOX, SAYS_PRODUCTION, LOGIN, sign_in_id=OTHER))
            return answer(host, request)

        org.ear.answer = dying

    with pytest.raises(GuardRefused, match=f"signed in to org {OTHER}"):
        run_on(process, "grant", die_at_the_next_write)
    after = [each.line for each in org.ear.heard[dead_from[0] + 1 :] if each.mutates]
    assert after == []


@pytest.mark.parametrize(
    "written",
    [to_18(OTHER)[:15], "00D8B0000009XYZ", OTHER[:15] + "AAA", OTHER.lower(), f" {OTHER}", "00D8b0000009xYz!!!"],
    ids=["15 characters", "15 in capitals", "a checksum that is not its own", "no capitals", "a blank", "no id"],
)
def test_an_id_that_is_no_whole_id_is_refused_before_anything_is_sent(org: Hostile, written: str) -> None:
    with pytest.raises(UsageError, match="not an 18-character organization id") as caught:
        org.process(Says(pinned=written))
    assert caught.value.remedy
    assert org.ear.heard == []


def test_of_15_characters_the_remedy_says_the_whole_id(org: Hostile) -> None:
    with pytest.raises(UsageError) as caught:
        org.process(Says(pinned=OTHER[:15]))
    assert OTHER in str(caught.value.remedy)


@pytest.mark.parametrize(
    "name", ["production", "production behind a sandbox's host", "a lying row at a production host"]
)
def test_with_the_guard_taken_out_the_judge_turns_red(org: Hostile, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    says, _ = FROM_THE_START[name]
    without_guard(monkeypatch, org.world.org.org_id)
    org.world.put_back(org.kept["plan"])
    before = rows_of(org.world.org)
    refusal(org, says)
    assert org.ear.mutating
    assert rows_of(org.world.org) != before


def test_without_the_look_after_a_sign_in_the_judge_turns_red(org: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """An org that turns into production, under the same id: only reading its row again shows it."""
    monkeypatch.setattr(WriteGuard, "still_proves", lambda _self, _proof: True)
    proofs: list[SandboxProof] = []
    honest = prove_sandbox

    def once(admin: Any, site: Any) -> SandboxProof:
        proofs.append(proofs[0] if proofs else honest(admin, site))
        return proofs[-1]

    monkeypatch.setattr(engine_module, "prove_sandbox", once)
    process = org.shortly_before("grant")
    heard: list[str] = []

    def turn() -> None:
        org.becomes(Says(SANDBOX, SAYS_PRODUCTION, TEST))
        heard.extend(org.ear.mutating)

    run_on(process, "grant", turn, last="grant")
    assert len(org.ear.mutating) > len(heard)


def test_without_an_ear_for_sign_ins_the_judge_turns_red(org: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.org.guard.doubt_of", lambda *_: None)
    process, began = org.shortly_before("cut-over"), list[int]()

    def turn() -> None:
        process._connections.pop("target", None)
        began.append(len(org.ear.heard))
        org.becomes(Says(identity=LOGIN), sessions_end=False)

    run_on(process, "cut-over", turn)
    since = org.ear.heard[began[0] :]
    signed_in = next(number for number, each in enumerate(since) if each.line.startswith("POST /services/oauth2/token"))
    assert any(each.mutates for each in since[signed_in:])


# --- how it is told ---------------------------------------------------------------------------------------------------


def refusal(org: Hostile, says: Says) -> str:
    """Why nothing was written, in one text."""
    try:
        ended = run_on(org.process(says), last="provision")
    except RehearseError as error:
        return error.message
    return "" if ended.result == "passed" else ended.message


def rows_of(org: SandboxOrg) -> dict[str, object]:
    """What a write would change: users, what they hold, and the business rows."""
    names = ("User", "UserLogin", "PermissionSet", "PermissionSetAssignment", "PermissionSetLicenseAssign", "Account")
    return {
        name: [_stable(row) for row in org.rows(name)] for name in (*names, "SetupEntityAccess", "FieldPermissions")
    }


def _stable(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what a sign-in moves."""
    moving = ("LastLoginDate", "SystemModstamp", "LastViewedDate", "LastReferencedDate")
    return {name: value for name, value in row.items() if name not in moving}


def without_guard(monkeypatch: pytest.MonkeyPatch, org_id: str) -> None:
    """The tool as it would be if nobody had thought of hostile orgs."""
    monkeypatch.setattr(WriteGuard, "check", lambda _self, **_: None)
    monkeypatch.setattr(WriteGuard, "grant", lambda _self, _proof, _capability: nullcontext())
    proof = SandboxProof(org_id, "sandbox", "CS1", "Enterprise Edition")
    monkeypatch.setattr(engine_module, "prove_sandbox", lambda _admin, _site: proof)
    monkeypatch.setattr("harness.migration.writing.leave.check_plan", lambda *_: None)
