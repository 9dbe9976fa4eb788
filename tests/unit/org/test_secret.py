"""Secrets do not show themselves, and references say what is wrong with them."""

from __future__ import annotations

import copy
import pickle
import sys
import types
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.org.secret import LARGEST_SECRET_FILE, Secret, resolve_reference

VALUE = "correct horse battery"


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(VALUE)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", f"{secret:>20}", repr({"a": secret})]
    assert all(VALUE not in text and "Secret(***)" in text for text in shown)
    assert not hasattr(secret, "__dict__")


def test_a_secret_cannot_be_pickled_but_is_copied_as_itself() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)
    assert copy.deepcopy({"part": secret})["part"] is secret


def test_secrets_compare_by_value() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "!")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1
    assert not Secret("")


def resolve(reference: str, base: Path, **environ: str) -> str:
    return resolve_reference(reference, base=base, environ=environ).reveal()


def test_an_environment_variable(tmp_path: Path) -> None:
    assert resolve("env:ERP_OLD", tmp_path, ERP_OLD=VALUE) == VALUE


def test_a_file_beside_the_scenario_loses_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "erp.key").write_text(f"{VALUE}\nsecond line\r\n")
    assert resolve("file:erp.key", tmp_path) == f"{VALUE}\nsecond line"
    assert resolve(f"file:{tmp_path / 'erp.key'}", Path("/")) == f"{VALUE}\nsecond line"


def test_a_keyring_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, name: VALUE if (service, name) == ("erp", "a/b") else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert resolve("keyring:erp/a/b", tmp_path) == VALUE
    with pytest.raises(UsageError, match=r"(?s)keyring:erp/c: the keyring has no such entry.*keyring set erp c"):
        resolve("keyring:erp/c", tmp_path)


def test_a_keyring_that_is_not_installed_or_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError, match="pip install"):
        resolve("keyring:erp/a", tmp_path)
    locked = types.ModuleType("keyring")
    monkeypatch.setitem(sys.modules, "keyring", locked)
    with pytest.raises(UsageError, match="unlock or configure"):
        resolve("keyring:erp/a", tmp_path)


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (LARGEST_SECRET_FILE + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for reference, said in {
        "env:ERP_OLD": "no variable ERP_OLD",
        "env:EMPTY": "is empty",
        "file:none.key": "No such file",
        "file:large": "larger than 64 KiB",
        "file:binary": "not UTF-8 text",
        "plain-password": "this is none",
    }.items():
        with pytest.raises(UsageError, match=said) as caught:
            resolve(reference, tmp_path, EMPTY="")
        assert caught.value.remedy
        assert "plain-password" not in str(caught.value)
