"""The canary matrix: kinds of secret x ways to write them x places x endings, and not one hit.

Each ending is one process in which all kinds occur at once. A cell counts only where the kind went over the wire or was
in that process's reach, and where the place was written. That nothing is found counts because everything that is put
into a copy of each place's own content is found.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from tests.component.secrets import commands
from tests.component.secrets.canaries import FILED, KINDS, NETRC, OPAQUE, PASSPHRASE, PASSWORD, Canaries
from tests.component.secrets.endings import ENDINGS, Ending
from tests.component.secrets.looking import Looking
from tests.component.secrets.outcomes import Outcome, observed
from tests.component.secrets.places import collect
from tests.component.secrets.world import FILE, open_world
from tests.component.secrets.writing import WAYS

pytestmark = pytest.mark.xdist_group("canaries")

IN_REACH = frozenset({NETRC, PASSPHRASE, FILED})
"""What lies in the user's home, environment and credential file, and is never sent."""
_JWT = re.compile(rb"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_SESSION = re.compile(rb"00D\w{12,15}!")
_HEAD, _TAIL = 1500, 500
"""Bytes of a place's content that are kept in a copy."""

RunOf = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> RunOf:
    """Run an ending, once."""
    authority = trustme.CA()
    known: dict[str, Outcome] = {}

    def run(name: str) -> Outcome:
        if name not in known:
            with open_world(tmp_path_factory.mktemp("world"), authority) as world:
                known[name] = ENDINGS[name].run(world)
        return known[name]

    return run


@pytest.mark.parametrize("name", ENDINGS)
def test_no_canary_is_anywhere(run_of: RunOf, name: str) -> None:
    ending, outcome = ENDINGS[name], run_of(name)
    text = outcome.ran.text
    assert outcome.ran.code == ending.code, text[-4000:]
    assert ending.says in text
    assert outcome.hits == {}
    shaped = {name for _, name, content in outcome.left.pieces() if _JWT.search(content) or _SESSION.search(content)}
    assert shaped == set()
    assert ending.sent <= outcome.sent, "not everything was there to be found"
    assert outcome.sent.isdisjoint({NETRC}), "a password from the netrc file was sent"
    assert ending.places <= set(outcome.left.by_place), "not every place was written"


def kinds_there(ending: Ending, outcome: Outcome) -> frozenset[str]:
    """The kinds that there were to be leaked."""
    return outcome.sent | IN_REACH | ending.keys


def test_what_may_hold_a_secret_is_private(run_of: RunOf) -> None:
    outcome = run_of("commands")
    holding = {name for name, content in outcome.left.private.items() if outcome.looking.kinds_in(content)}
    kept = {re.sub(r"runs/\w+/", "runs/RUN/", name.removeprefix("project/")) for name in holding}
    assert {"scenarios/erp.env", ".rehearse/uat/erp/runs/RUN/credential.before", "run.pack"} <= kept


@pytest.mark.long
def test_the_org_that_the_command_keeps_is_private(tmp_path: Path) -> None:
    with open_world(tmp_path, trustme.CA()) as world:
        world.environ["PIECES"] = json.dumps({PASSWORD: world.canaries.piece(PASSWORD)})
        outcome = observed(world, commands.__file__, json.dumps([["run", FILE]]))
    assert "exit code 0" in outcome.ran.text
    assert outcome.hits == {}
    holding = {name for name, content in outcome.left.private.items() if outcome.looking.kinds_in(content)}
    assert "project/.rehearse/simulated/erp/org.db" in holding


@pytest.mark.long
def test_a_token_that_was_given_as_an_argument_is_not_repeated(tmp_path: Path) -> None:
    with open_world(tmp_path, trustme.CA()) as world:
        org = ("--org", world.canaries.one(OPAQUE))
        world.environ["PIECES"] = "{}"
        given = [["status", FILE, *org], ["run", org[1]], ["pytest", FILE, *org, "--cassettes", "off", "-rA"]]
        ran = world.run(commands.__file__, json.dumps(given))
    said = "\n".join(line for line in ran.text.splitlines() if not line.startswith("$ "))
    assert said.count("no org named 'REDACTED'") >= 3
    assert "File 'REDACTED' does not exist" in said
    assert Looking(world.canaries.pieces).kinds_in(said.encode()) == frozenset()


def test_a_key_that_cannot_be_used_is_refused_and_not_shown(run_of: RunOf) -> None:
    out, err = run_of("commands").ran.out.decode(), run_of("commands").ran.err.decode()
    codes = dict(re.findall(r"\$ adopt \S+ --org (\w+) --dry-run\n(?:(?!\$ ).*\n)*?exit code (\d)", out))
    assert codes == {"pkcs1": "0", "encrypted": "2", "openssh": "2", "ec": "2", "broken": "2"}
    assert err.count("is not an RSA private key in PEM form") == 3
    assert err.count("it holds what no header may hold") == 1


@pytest.mark.parametrize(
    ("name", "mode", "seen"),
    [
        ("reports/erp.html", 0o600, True),
        ("scenarios/erp.env", 0o600, False),
        ("scenarios/erp.env", 0o640, True),
        ("tmp/left-behind", 0o644, True),
        (".rehearse/uat/erp/runs/1/credential.before", 0o604, True),
    ],
)
def test_a_file_that_holds_one_is_seen_unless_it_is_there_for_that(
    tmp_path: Path, name: str, mode: int, seen: bool
) -> None:
    canaries = Canaries()
    path = tmp_path / "project" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"SF_PASSWORD={canaries.one(PASSWORD)}\n")
    path.chmod(mode)
    looking = Looking({PASSWORD: canaries.pieces[PASSWORD]})
    found = {kind for _, _, content in collect(tmp_path).pieces() for kind in looking.kinds_in(content)}
    assert found == ({PASSWORD} if seen else set())


def test_the_table(run_of: RunOf) -> None:
    cells = {
        (kind, way, place, end)
        for name, ending in ENDINGS.items()
        for kind in kinds_there(ending, run_of(name))
        for way in WAYS
        for place in run_of(name).left.by_place
        for end in ending.stands_for
    }
    kinds, ways, places, ends = (set(each) for each in zip(*cells, strict=True))
    assert kinds == set(KINDS)
    assert len(kinds) >= 14
    assert len(ways) >= 10
    assert len(places) >= 16
    assert ends == {
        *("pass", "failed check", "error in collection", "Ctrl-C", "SIGKILL", "internal error", "-n 2"),
        "debug logging",
    }
    assert len(cells) > 50_000


def test_everything_that_is_put_into_a_place_is_found(run_of: RunOf) -> None:
    missed = []
    for place, (outcome, content) in one_of_each_place(run_of).items():
        looking = outcome.looking
        clean = with_planted(content, b"")
        assert looking.kinds_in(clean) == frozenset(), place
        for way, write in WAYS.items():
            planted = b"\n--\n".join(write(outcome.world.canaries.one(kind)) for kind in KINDS)
            found = looking.kinds_in(with_planted(content, planted))
            missed += [(place, way, kind) for kind in KINDS if kind not in found]
    assert missed == []


def one_of_each_place(run_of: RunOf) -> dict[str, tuple[Outcome, bytes]]:
    found: dict[str, tuple[Outcome, bytes]] = {}
    for name in ENDINGS:
        outcome = run_of(name)
        for place, _, content in outcome.left.pieces():
            found.setdefault(place, (outcome, content))
    outcome, cassette = found["cassettes"]
    return found | {"cassettes, packed": (outcome, gzip.compress(cassette, mtime=0))}


def with_planted(content: bytes, planted: bytes) -> bytes:
    """A copy of a place's content, the beginning and the end of it, with something in it, wherever that stands."""
    if content.startswith(b"SQLite format 3\0"):
        return _in_database(content, planted)
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(_amid(gzip.decompress(content), planted), mtime=0)
    return _amid(content, planted)


def _amid(content: bytes, planted: bytes) -> bytes:
    return content[:_HEAD] + b"\n" + planted + b"\n" + content[-_TAIL:]


def _in_database(content: bytes, planted: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content[:18] + b"\1\1" + content[20:])
        database.execute("CREATE TABLE planted (value)")
        database.execute("INSERT INTO planted VALUES (?)", (planted,))
        database.commit()
        return database.serialize()
