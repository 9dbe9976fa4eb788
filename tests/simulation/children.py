"""Real processes for the simulation: forked from this one, with everything loaded, so that they begin at once."""

from __future__ import annotations

import ctypes
import os
import pickle
import platform
import sys
import warnings
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def fork(act: Callable[[], None]) -> int:
    """Do something in a child process, and end it; its id. Its exit code is 1 where `act` raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: no lock of theirs is needed
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        act()
        code = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)  # nothing of the parent's is cleaned up by a child


def in_child(act: Callable[[], Answer]) -> Answer:
    """Do something in a child process, and give what it returned. Raises ChildProcessError when it did not return."""
    reading, writing = os.pipe()

    def answer() -> None:
        found = pickle.dumps(act())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(found)

    child = fork(answer)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise ChildProcessError(f"the child ended with {os.waitstatus_to_exitcode(status)}")
    found: Answer = pickle.loads(told)
    return found


_SYNCING = {"x86_64": (74, 75), "aarch64": (82, 83)}
"""The numbers of the system calls fsync and fdatasync."""
CAN_FAIL_TO_SYNC = sys.platform == "linux" and platform.machine() in _SYNCING


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def let_syncing_fail() -> None:
    """From now on the kernel refuses this process every fsync, with EIO, as a dying disk does. There is no way back.

    A seccomp filter does it, which anybody may put on himself. Raises OSError where the kernel has none.
    """
    load, is_equal, answer = 0x20, 0x15, 0x06
    allow, refuse_with_eio = 0x7FFF0000, 0x00050005
    fsync, fdatasync = _SYNCING[platform.machine()]
    steps = (
        _Instruction(load, 0, 0, 0),
        _Instruction(is_equal, 2, 0, fsync),
        _Instruction(is_equal, 1, 0, fdatasync),
        _Instruction(answer, 0, 0, allow),
        _Instruction(answer, 0, 0, refuse_with_eio),
    )
    program = _Program(len(steps), (_Instruction * len(steps))(*steps))
    kernel = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp, with_filter = 38, 22, 2
    for call in ((no_new_privileges, 1, 0, 0, 0), (seccomp, with_filter, ctypes.byref(program), 0, 0)):
        if kernel.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
