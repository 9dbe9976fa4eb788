"""Switching and restoring a credential file: whole, private, and only while our value stands."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from filelock import FileLock

from harness.credentials import files, store
from harness.credentials.store import CredentialStore, Restored, open_store, values_for
from harness.errors import UsageError
from harness.org.secret import Secret
from harness.scenario.model import Credentials

OLD = b"# keep me\nSF_USER=old.user\nSF_SECRET='old secret'\nOTHER=1"
CREDENTIALS = Credentials(
    store="dotenv",
    path="erp/.env",
    keys={"SF_USER": "username", "SF_SECRET": "consumer_secret", "SF_KEY": "private_key"},
)
NEW_TEXT = {"SF_USER": "new.user", "SF_SECRET": "very new and secret", "SF_KEY": "first\nsecond\n"}
NEW = {key: Secret(value) for key, value in NEW_TEXT.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "erp" / ".env"
    path.parent.mkdir()
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def opened(tmp_path: Path, run: str = "run") -> CredentialStore:
    return open_store(CREDENTIALS, base=tmp_path, folder=tmp_path / run, stand_in=False)


def plain(values: Mapping[str, Secret]) -> dict[str, str]:
    return {key: secret.reveal() for key, secret in values.items()}


def test_a_switch_is_made_and_undone_byte_for_byte(tmp_path: Path, path: Path) -> None:
    one = opened(tmp_path)
    before = one.fingerprint()
    assert plain(one.current()) == {"SF_USER": "old.user", "SF_SECRET": "old secret"}
    assert one.switch(NEW)
    assert plain(one.current()) == NEW_TEXT
    assert one.holds(NEW)
    assert path.read_bytes().startswith(b"# keep me\nSF_USER=new.user\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert one.fingerprint() != before
    assert opened(tmp_path).restore() == Restored(changed=True)
    assert path.read_bytes() == OLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert one.fingerprint() == before
    assert one.restore() == Restored(changed=False)


def test_what_is_kept_is_private_and_holds_no_new_secret(tmp_path: Path, path: Path) -> None:
    opened(tmp_path).switch(NEW)
    kept = [each for each in (tmp_path / "run").iterdir() if each.is_file()]
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept} == {0o600}
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert OLD in [each.read_bytes() for each in kept]
    for secret in NEW_TEXT.values():
        assert not [each for each in kept if secret.encode() in each.read_bytes()]
    assert path.parent.joinpath(".env").exists()


def test_a_fingerprint_cannot_be_guessed_from_the_content(tmp_path: Path, path: Path) -> None:
    assert opened(tmp_path, "run 1").fingerprint() == opened(tmp_path, "run 1").fingerprint()
    assert opened(tmp_path, "run 1").fingerprint() != opened(tmp_path, "run 2").fingerprint()
    path.unlink()
    assert opened(tmp_path).fingerprint() == "absent"


def test_values_that_stand_there_already_are_not_ours(tmp_path: Path, path: Path) -> None:
    opened(tmp_path, "somebody else's").switch(NEW)
    content = path.read_bytes()
    one = opened(tmp_path)
    assert not one.switch(NEW)
    assert one.restore() == Restored(changed=False)
    assert path.read_bytes() == content


def test_a_repeated_switch_keeps_the_first_backup(tmp_path: Path, path: Path) -> None:
    opened(tmp_path).switch(NEW)
    assert not opened(tmp_path).switch(NEW)
    assert opened(tmp_path).switch({**NEW, "SF_USER": Secret("third")})
    assert opened(tmp_path).restore() == Restored(changed=True)
    assert path.read_bytes() == OLD


def test_what_others_changed_elsewhere_in_the_file_stays(tmp_path: Path, path: Path) -> None:
    opened(tmp_path).switch(NEW)
    path.write_bytes(path.read_bytes().replace(b"OTHER=1", b"OTHER=2"))
    assert opened(tmp_path).restore() == Restored(changed=True)
    assert path.read_bytes() == OLD.replace(b"OTHER=1", b"OTHER=2") + b"\n"


def test_drift_is_named_and_left_alone(tmp_path: Path, path: Path) -> None:
    opened(tmp_path).switch(NEW)
    theirs = path.read_bytes().replace(b"new.user", b"their.user")
    path.write_bytes(theirs)
    assert opened(tmp_path).restore() == Restored(changed=False, drift=("SF_USER",))
    assert path.read_bytes() == theirs


def test_somebody_put_the_old_values_back_already(tmp_path: Path, path: Path) -> None:
    opened(tmp_path).switch(NEW)
    path.write_bytes(OLD + b"\n# by hand\n")
    assert opened(tmp_path).restore() == Restored(changed=False)
    assert path.read_bytes() == OLD + b"\n# by hand\n"


def test_a_file_that_was_not_there_is_made_private_and_removed_again(tmp_path: Path, path: Path) -> None:
    path.unlink()
    opened(tmp_path).switch(NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert opened(tmp_path).restore() == Restored(changed=True)
    assert not path.exists()


def test_a_symbolic_link_is_followed(tmp_path: Path, path: Path) -> None:
    real = tmp_path / "real.env"
    path.rename(real)
    path.symlink_to(real)
    opened(tmp_path).switch(NEW)
    assert path.is_symlink()
    assert b"new.user" in real.read_bytes()
    opened(tmp_path).restore()
    assert path.is_symlink()
    assert real.read_bytes() == OLD


def test_a_loop_of_symbolic_links_and_a_missing_folder_are_usage_errors(tmp_path: Path, path: Path) -> None:
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(UsageError, match=r"\.env"):
        opened(tmp_path).current()
    with pytest.raises(UsageError, match="does not exist"):
        open_store(
            CREDENTIALS.model_copy(update={"path": "no/.env"}), base=tmp_path, folder=tmp_path / "run", stand_in=False
        )


class _Crash(BaseException):
    """The process dies here."""


def _calls(monkeypatch: pytest.MonkeyPatch, die_at: int) -> Iterator[None]:
    """Let the process die at the `die_at`-th of the calls that change the disk."""
    count = 0

    def counted(name: str, call: object) -> object:
        def wrapper(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == die_at:
                raise _Crash(name)
            assert callable(call)
            return call(*arguments, **options)

        return wrapper

    for owner, name in ((os, "fsync"), (os, "fchmod"), (Path, "replace"), (files.tempfile, "mkstemp")):
        monkeypatch.setattr(owner, name, counted(name, getattr(owner, name)))
    yield


@pytest.mark.parametrize("die_at", range(1, 22))
def test_interrupted_anywhere_it_is_the_old_or_the_new_file_and_can_be_finished_or_undone(
    tmp_path: Path, path: Path, die_at: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for _ in _calls(patch, die_at):
            with contextlib.suppress(_Crash):
                opened(tmp_path).switch(NEW)
    content = path.read_bytes()
    assert content == OLD or plain(opened(tmp_path).current()) == NEW_TEXT
    assert not list(path.parent.glob("*.rehearse"))
    opened(tmp_path).restore()
    assert path.read_bytes() == OLD
    opened(tmp_path).switch(NEW)
    assert plain(opened(tmp_path).current()) == NEW_TEXT
    opened(tmp_path).restore()
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("die_at", range(1, 8))
def test_an_interrupted_restore_can_be_done_again(tmp_path: Path, path: Path, die_at: int) -> None:
    opened(tmp_path).switch(NEW)
    with pytest.MonkeyPatch.context() as patch:
        for _ in _calls(patch, die_at):
            with contextlib.suppress(_Crash):
                opened(tmp_path).restore()
    assert path.read_bytes() == OLD or plain(opened(tmp_path).current()) == NEW_TEXT
    opened(tmp_path).restore()
    assert path.read_bytes() == OLD


def test_another_runs_switch_is_waited_for_and_then_told(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.05)
    with FileLock(path.with_name("..env.rehearse.lock")), pytest.raises(UsageError, match="by another run"):
        opened(tmp_path).switch(NEW)
    assert path.read_bytes() == OLD


def test_a_scenario_that_names_another_file_since_is_refused(tmp_path: Path, path: Path) -> None:
    opened(tmp_path).switch(NEW)
    moved = open_store(
        CREDENTIALS.model_copy(update={"path": "erp/other.env"}), base=tmp_path, folder=tmp_path / "run", stand_in=False
    )
    with pytest.raises(UsageError, match="the scenario now names"):
        moved.restore()
    assert b"new.user" in path.read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [(OLD + b"\nSF_USER=again\n", "SF_USER stands twice"), (b"OPEN='\nSF_KEY=x\n", "read back")],
)
def test_a_file_that_cannot_take_the_values_stays_as_it_is(
    tmp_path: Path, path: Path, content: bytes, message: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        opened(tmp_path).switch(NEW)
    assert not [text for text in NEW_TEXT.values() if text in str(caught.value)]
    assert path.read_bytes() == content


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path, path: Path) -> None:
    left = path.parent / "..env.abc123.rehearse"
    left.write_text("half a secr")
    opened(tmp_path).switch(NEW)
    assert not left.exists()


@pytest.mark.parametrize(("kind", "name"), [("dotenv", ".env"), ("json", "config.json")])
def test_a_stand_in_is_made_with_the_old_credential_and_the_real_file_is_left_alone(
    tmp_path: Path, path: Path, kind: str, name: str
) -> None:
    credentials = Credentials.model_validate(
        {"store": kind, "path": f"erp/{name}", "keys": {"sf.user": "username", "sf.key": "private_key"}}
    )
    old = {"username": Secret("old.user"), "password": Secret("unused")}
    one = open_store(credentials, base=tmp_path, folder=tmp_path / "run", stand_in=True, old=old)
    assert plain(one.current()) == {"sf.user": "old.user", "sf.key": ""}
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600
    before = one.path.read_bytes()
    one.switch(values_for(credentials, {"username": Secret("new.user"), "private_key": Secret("k\ny\n")}))
    again = open_store(credentials, base=tmp_path, folder=tmp_path / "run", stand_in=True, old=old)
    assert plain(again.current()) == {"sf.user": "new.user", "sf.key": "k\ny\n"}
    again.restore()
    assert again.path.read_bytes() == before
    assert path.read_bytes() == OLD


def test_a_part_the_new_sign_in_has_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"credentials\.keys\.SF_KEY is to hold the private_key") as caught:
        values_for(CREDENTIALS, {"username": Secret("u"), "consumer_secret": Secret("tell nobody")})
    assert "tell nobody" not in str(caught.value)
    assert "consumer_secret, username" in str(caught.value)


@pytest.mark.parametrize("carried", [True, False], ids=["with-the-file", "without-it"])
def test_a_switch_that_was_carried_is_undone_at_its_new_place(tmp_path: Path, path: Path, carried: bool) -> None:
    assert opened(tmp_path).switch(NEW)
    there = tmp_path / "there"
    (there / "erp").mkdir(parents=True)
    shutil.copytree(tmp_path / "run", there / "run")
    if carried:
        shutil.copy(path, there / "erp" / ".env")
    one = opened(there)
    with pytest.raises(UsageError, match="rehearse carry"):
        one.restore()
    assert one.move_here() is carried
    restored = one.restore()
    assert restored.changed is carried
    assert bool(restored.drift) is not carried, "what is not there is not put back, and is told"
    if carried:
        assert (there / "erp" / ".env").read_bytes() == OLD


def test_where_nothing_was_switched_nothing_moves(tmp_path: Path, path: Path) -> None:
    assert opened(tmp_path).move_here() is None
    assert path.read_bytes() == OLD
