"""The conftest.py of the project in which canaries are looked for: it writes down what pytest passes about.

What xdist's processes say to each other, the reports of items, warnings; and it brings about what an outcome needs.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_HEARD = Path(__file__).parent / "heard"
_real_fsync = os.fsync


def _note(name: str, data: bytes) -> None:
    with (_HEARD / f"{name}.{os.getpid()}").open("ab") as file:
        file.write(data)


def pytest_configure(config: pytest.Config) -> None:
    _HEARD.mkdir(exist_ok=True)
    if config.getoption("numprocesses", None):
        _listen_to_execnet()
    if os.environ.get("DIE_WHILE_WRITING"):
        os.fsync = _fsync_or_die
    if os.environ.get("FAIL_INSIDE"):
        _plant_bugs()


def _listen_to_execnet() -> None:
    from execnet.gateway_base import Popen2IO

    read, write = Popen2IO.read, Popen2IO.write

    def heard(self: Any, count: int) -> bytes:
        data: bytes = read(self, count)
        _note("channel", data)
        return data

    def said(self: Any, data: bytes) -> None:
        _note("channel", data)
        write(self, data)

    Popen2IO.read, Popen2IO.write = heard, said


def _fsync_or_die(descriptor: int) -> None:
    """Die where a cassette's temporary file is whole, and not yet in its place."""
    written = Path(f"/proc/self/fd/{descriptor}").readlink()
    if "cassettes" in written.parts and os.environ["DIE_WHILE_WRITING"] in written.name:
        os.kill(os.getpid(), signal.SIGKILL)
    _real_fsync(descriptor)


def _plant_bugs() -> None:
    """A bug that shows what it holds: where the new user signs in, and where the report is written."""
    from harness.org import connection
    from harness.report import index

    sign_in, write = connection.sign_in, index.write_reports
    shown: list[str] = []

    def with_a_bug(credential: Any, *arguments: Any, **options: Any) -> Any:
        session = sign_in(credential, *arguments, **options)
        if credential.flow == "username-password":
            token, password = session.access_token.reveal(), credential.part("password")
            shown.extend((token, password))
            raise RuntimeError(f"a bug shows {token} and {password}")
        return session

    def with_another(*_arguments: Any, **_options: Any) -> Any:
        local = list(shown)
        raise RuntimeError(f"another bug shows {local} instead of {write}")

    connection.sign_in, index.write_reports = with_a_bug, with_another


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    sections = "\n".join(f"{name}\n{text}" for name, text in report.sections)
    _note("reports", f"{report.nodeid}\n{report.longrepr}\n{sections}\n".encode())


def pytest_warning_recorded(warning_message: Any) -> None:
    _note("warnings", f"{warning_message} {warning_message.source!r}\n".encode())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    warnings.warn(f"something about {item.nodeid}", stacklevel=1)
    return (yield)
