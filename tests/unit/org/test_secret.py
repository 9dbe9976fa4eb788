"""Secrets do not show themselves, and references say what is wrong with them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import io
import json
import logging
import marshal
import os
import pickle
import pprint
import reprlib
import subprocess
import sys
import textwrap
import traceback
import types
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pydantic_core
import pytest
import rich
import rich.pretty
import rich.traceback
import yaml
from rich.console import Console

from harness.errors import UsageError
from harness.org.secret import LARGEST_SECRET_FILE, Secret, resolve_reference

VALUE = "correct horse battery"


ROOT = Path(__file__).parents[3]

WAYS: dict[str, Callable[[Secret], object]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "f-string": lambda secret: f"{secret}",
    "f-string with !r": lambda secret: f"{secret!r:>20}",
    "f-string with a width": lambda secret: f"{secret:>40}",
    "f-string with =": lambda secret: f"{secret=}",
    "percent": lambda secret: "%s %r %a" % (secret, secret, secret),  # noqa: UP031 - it is one of the ways
    "format": "{0} {0!r} {0:^30}".format,
    "format that asks for attributes": lambda secret: [f"{{0.{name}}}".format(secret) for name in Secret.__slots__],
    "in a list and a dictionary": lambda secret: repr([{"a": (secret, {secret})}]),
    "reprlib": reprlib.repr,
    "pprint": lambda secret: pprint.pformat({"a": [secret] * 40}),
    "dataclass": lambda secret: repr(Holder(secret)),
    "asdict": lambda secret: repr(dataclasses.asdict(Holder(secret))),
    "astuple": lambda secret: repr(dataclasses.astuple(Holder(secret))),
    "namespace": lambda secret: repr(types.SimpleNamespace(secret=secret)),
    "copy": copy.copy,
    "deepcopy": lambda secret: copy.deepcopy([secret]),
    "json with default=str": lambda secret: json.dumps([secret], default=str),
    "pydantic": lambda secret: (Model(secret=secret), Model(secret=secret).model_dump()),
    "pydantic that writes the unknown": lambda secret: pydantic_core.to_json([secret], serialize_unknown=True),
    "members": inspect.getmembers,
    "members, each shown": lambda secret: [repr(value) for _, value in inspect.getmembers(secret)],
    "directory": dir,
    "weakref": weakref.ref,
    "rich": lambda secret: on_rich(lambda console: console.print(secret, {"a": secret}, Holder(secret))),
    "rich's pretty": lambda secret: rich.pretty.pretty_repr([secret, Holder(secret)], expand_all=True),
    "rich's inspect": lambda secret: on_rich(lambda console: rich.inspect(secret, console=console, all=True)),
    "rich's log": lambda secret: on_rich(lambda console: console.log(secret, log_locals=True)),
    "rich's traceback": lambda secret: on_rich(lambda console: console.print(rich_traceback(secret))),
    "traceback with locals": lambda secret: "".join(raised(secret, capture_locals=True).format()),
    "message of an error": lambda secret: repr(ValueError("wrong", secret)),
    "size": lambda secret: sys.getsizeof(secret) == sys.getsizeof(Secret("")),
    "class": lambda secret: type(secret).__name__,
}


def pickled(protocol: int) -> Callable[[Secret], object]:
    return lambda secret: pickle.dumps(secret, protocol)


REFUSED: dict[str, Callable[[Secret], object]] = {
    **{f"pickle {number}": pickled(number) for number in range(pickle.HIGHEST_PROTOCOL + 1)},
    "pickle in Python": lambda secret: pickle._Pickler(io.BytesIO()).dump([secret]),
    "marshal": lambda secret: marshal.dumps([secret]),
    "object's own reduce": lambda secret: object.__reduce_ex__(secret, 2),
    "state": lambda secret: secret.__getstate__(),
    "vars": vars,
    "__dict__": lambda secret: secret.__dict__,
    "json": json.dumps,
    "json of its attributes": lambda secret: json.dumps(secret, default=vars),
    "YAML": yaml.safe_dump,
    "YAML of any object": yaml.dump,
    "pydantic's JSON": lambda secret: Model(secret=secret).model_dump_json(),
    "len": len,  # type: ignore[dict-item]
    "iter": iter,  # type: ignore[dict-item]
    "list": list,  # type: ignore[dict-item]
    "contains": lambda secret: "c" in secret,  # type: ignore[operator]
    "index": lambda secret: secret[0],  # type: ignore[index]
    "addition": lambda secret: "x" + secret,  # type: ignore[operator]
    "join": lambda secret: "".join([secret]),  # type: ignore[list-item]
    "order": lambda secret: secret < Secret("z"),  # type: ignore[operator]
    "order among strings": lambda secret: sorted([secret, "z"]),  # type: ignore[type-var]
    "bytes": bytes,  # type: ignore[dict-item]
    "int": int,  # type: ignore[dict-item]
    "format as a number": lambda secret: f"{secret:d}",
    "environment": lambda secret: os.putenv("X", secret),  # type: ignore[arg-type]
    "command line": lambda secret: subprocess.run(["true", secret], check=False),  # type: ignore[list-item]
    "assignment": lambda secret: setattr(secret, "value", 1),
}


@dataclasses.dataclass(frozen=True)
class Holder:
    secret: Secret


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    secret: Secret


def on_rich(show: Callable[[Console], object]) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def raised(secret: Secret, **options: Any) -> traceback.TracebackException:
    try:
        len(secret)  # type: ignore[arg-type]
    except TypeError as error:
        return traceback.TracebackException.from_exception(error, **options)
    raise AssertionError


def rich_traceback(secret: Secret) -> rich.traceback.Traceback:
    holder = {"holder": Holder(secret)}
    try:
        secret < holder  # type: ignore[operator]  # noqa: B015 - it raises
    except TypeError:
        return rich.traceback.Traceback(show_locals=True, locals_hide_dunder=False, locals_hide_sunder=False)
    raise AssertionError


def tells(text: str) -> bool:
    """Whether a text has any part of the canary in it."""
    return any(VALUE[start : start + 6] in text for start in range(len(VALUE) - 5))


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_shows_itself_in_no_way(way: str) -> None:
    shown = WAYS[way](Secret(VALUE))
    assert not tells(shown if isinstance(shown, str) else repr(shown))


@pytest.mark.parametrize("way", REFUSED)
def test_a_secret_refuses_what_would_need_its_value(way: str) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError, yaml.YAMLError)) as caught:
        REFUSED[way](Secret(VALUE))
    assert not tells("".join(traceback.format_exception(caught.value)))
    assert not tells(repr(caught.value.args))


class Masked:
    """What a Secret would be if it only had a repr."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Masked(***)"


@pytest.mark.parametrize("way", ["members, each shown", "rich's inspect"])
def test_a_repr_alone_would_not_do(way: str) -> None:
    assert tells(str(WAYS[way](Masked(VALUE))))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["repr", "rich", "rich's log", "asdict", "pprint", "json with default=str", "reprlib"])
def test_a_text_would_be_seen(way: str) -> None:
    assert tells(str(WAYS[way](VALUE)))  # type: ignore[arg-type]


def test_logs_and_warnings_show_nothing(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    logging.getLogger("test").warning("%s %r", secret, secret)
    logging.getLogger("test").warning(secret)
    with pytest.warns(UserWarning, match="Secret") as warned:
        warnings.warn(f"{secret}", stacklevel=1)
    assert len(caplog.records) == 2
    assert not tells(caplog.text + repr([record.__dict__ for record in caplog.records]))
    assert not tells(str([str(each.message) for each in warned]))


def test_pytest_shows_nothing_of_a_failed_comparison(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            f"""
            from harness.org.secret import Secret
            one, other = Secret({VALUE!r}), Secret({VALUE[::-1]!r})

            def test_equal():
                first, second = one, other
                assert first == second

            def test_among():
                assert one in [other, "text"]

            def test_text():
                assert one == "text", one

            def test_dictionaries():
                assert {{"a": one}} == {{"a": other}}
            """
        )
    )
    command = [sys.executable, "-m", "pytest", "-l", "-vv", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    shown = subprocess.run(command, env=env, capture_output=True, check=False, text=True, cwd=ROOT).stdout
    assert "4 failed" in shown
    assert "Secret(***) == Secret(***)" in shown
    assert not tells(shown)
    assert not tells(shown[::-1])


def test_a_hash_says_nothing_to_another_process() -> None:
    command = [sys.executable, "-c", f"from harness.org.secret import Secret; print(hash(Secret({VALUE!r})))"]
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    hashes = {subprocess.run(command, env=env, capture_output=True, check=True, text=True).stdout for _ in range(2)}
    assert len(hashes) == 2


def test_a_copy_is_the_secret_itself() -> None:
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"part": secret})["part"] is secret


def test_secrets_compare_with_secrets_alone() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "!")
    assert Secret(VALUE) != VALUE
    assert VALUE not in [Secret(VALUE)]
    assert len({Secret(VALUE), Secret(VALUE)}) == 1
    assert not Secret("")
    assert Secret("\udc80") == Secret("\udc80")  # bytes that were no UTF-8, as an environment has them


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
