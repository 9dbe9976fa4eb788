"""How a run may end, and what it must have come to by then."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.component.secrets import commands
from tests.component.secrets.canaries import (
    ASSERTION,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    COOKIE,
    EC,
    ENCRYPTED,
    FRONT_DOOR,
    JWT,
    OPAQUE,
    OPENSSH,
    PASSWORD,
    PKCS1,
    PKCS8,
    PROXY,
    REFRESH,
    SECURITY_TOKEN,
    SOAP,
)
from tests.component.secrets.outcomes import Outcome, observed, pytest_in
from tests.component.secrets.world import BROKEN, CONTENT, FILE, ORGS, World

_SIGN_IN = frozenset({JWT, REFRESH, CONSUMER_KEY, ASSERTION, PASSWORD, SECURITY_TOKEN, COOKIE, SOAP, PROXY})
"""What has gone over the wire once the admin and the old user have signed in."""
_NEW_USER = _SIGN_IN | {OPAQUE, CONSUMER_SECRET, FRONT_DOOR}
"""And once the new user has, and was at the front door."""
_OF_PYTEST = frozenset(
    {"journal", "JUnit XML", "log file", "reports of items", "warnings", "pytest's cache", "terminal", "process list"}
)
_REPORTS = frozenset({"report, HTML", "report, JSON"})
_DOOR = "/secur/frontdoor.jsp"
RECORD = ("--cassettes", "record")


@dataclass(frozen=True)
class Ending:
    """One ending: the ways of the issue that it stands for, what brings it about, and what it must have met."""

    stands_for: tuple[str, ...]
    run: Callable[[World], Outcome]
    code: int
    says: str
    """Stands in what is printed."""
    sent: frozenset[str]
    """The kinds that must have gone over the wire."""
    places: frozenset[str]
    """The places that must have been written."""
    keys: frozenset[str] = frozenset({PKCS8})
    """The private keys that the run was given."""


def _passes(world: World) -> Outcome:
    return pytest_in(world, *RECORD, "-n", "2", "--dist", "loadgroup")


def _fails(world: World) -> Outcome:
    world.scenario(expect={**CONTENT["expect"], "grants": [{"query": "SELECT Id FROM Account", "at_least": 700}]})
    return pytest_in(world, *RECORD, "-x")


def _is_not_collected(world: World) -> Outcome:
    """Secrets that were written where they must not be, in every way a scenario can be wrong."""
    one = world.canaries.one
    literal = {"flow": "soap-login", "password": one(PASSWORD), "security_token": "env:OLD_TOKEN"}
    wrong = (
        json.dumps({**CONTENT, "from": {**CONTENT["from"], "sign_in": literal}}),
        json.dumps({**CONTENT, "to": {**CONTENT["to"], "sign_in": one(CONSUMER_SECRET)}}),
        json.dumps({**CONTENT, one(OPAQUE): 1}),
        json.dumps({**CONTENT, "from": {**CONTENT["from"], "sign_in": {"flow": one(JWT)}}}),
        f'{{"rehearse": 1, "system": "{one(REFRESH)}',
        f"rehearse: 1\nsystem: [{one(SECURITY_TOKEN)}: : }}",
    )
    for number, content in enumerate(wrong):
        world.write(f"scenarios/wrong{number}.scenario.yaml", content)
    return pytest_in(world, "--cassettes", "off", "--continue-on-collection-errors", "-k", "preflight")


def _is_interrupted(world: World) -> Outcome:
    return pytest_in(world, *RECORD, signal_at=_DOOR)


def _is_killed(world: World) -> Outcome:
    return pytest_in(world, *RECORD, DIE_WHILE_WRITING="verify")


def _has_bugs(world: World) -> Outcome:
    return pytest_in(world, *RECORD, "-x", FAIL_INSIDE="yes")


def _commands(world: World) -> Outcome:
    """Plan, run, look, carry away and back, undo; keys in every format; the score of the checks."""
    kinds = (OPAQUE, PASSWORD, CONSUMER_KEY, CONSUMER_SECRET)
    world.environ["PIECES"] = json.dumps({kind: world.canaries.piece(kind) for kind in kinds})
    uat = (FILE, "--org", "uat")
    given = [
        ["plan", *uat, "--write", "erp.plan.json"],
        ["run", *uat, "--plan", "erp.plan.json"],
        ["status", *uat, "--json"],
        ["carry", *uat, "--to", "run.pack"],
        ["carry", *uat, "--from", "run.pack"],
        ["rollback", *uat],
        *(["adopt", FILE, "--org", name, "--dry-run"] for name in (*list(ORGS)[1:], BROKEN)),
        ["mutate", FILE, "--only", "added field *", "--json", "--output", "cassettes/erp/mutation.json"],
    ]
    return observed(world, commands.__file__, json.dumps(given))


ENDINGS: Mapping[str, Ending] = {
    "pass, -n 2": Ending(
        ("pass", "-n 2", "debug logging"),
        _passes,
        0,
        "SIGNED OFF",
        _NEW_USER,
        _OF_PYTEST | _REPORTS | {"cassettes", "channel of xdist"},
    ),
    "failed check": Ending(
        ("failed check", "debug logging"), _fails, 1, "rows", _NEW_USER, _OF_PYTEST | _REPORTS | {"cassettes"}
    ),
    "error in collection": Ending(
        ("error in collection", "debug logging"),
        _is_not_collected,
        1,
        "a secret is written as a reference",
        _SIGN_IN,
        _OF_PYTEST | _REPORTS,
    ),
    "Ctrl-C": Ending(
        ("Ctrl-C", "debug logging"),
        _is_interrupted,
        2,
        "KeyboardInterrupt",
        _NEW_USER - {FRONT_DOOR},
        _OF_PYTEST | _REPORTS | {"cassettes"},
    ),
    "SIGKILL": Ending(
        ("SIGKILL", "debug logging"),
        _is_killed,
        -9,
        "verify",
        _NEW_USER,
        (_OF_PYTEST - {"JUnit XML", "pytest's cache"}) | {"cassettes", "temporary file of a cassette", "journal's log"},
    ),
    "internal error": Ending(
        ("internal error", "debug logging"),
        _has_bugs,
        3,
        "RuntimeError: another bug shows",
        _NEW_USER - {FRONT_DOOR},
        _OF_PYTEST | {"cassettes"},
    ),
    "commands": Ending(
        ("pass",),
        _commands,
        0,
        "is not an RSA private key in PEM form",
        _NEW_USER,
        _REPORTS | {"journal", "plan", "score of the checks", "terminal", "errors", "process list"},
        keys=frozenset({PKCS1, PKCS8, ENCRYPTED, OPENSSH, EC}),
    ),
}
