"""Texts for people in which no secret stands, whoever put it there."""

from __future__ import annotations

import re
import traceback

from harness.org.secret import without_secrets
from harness.recording.redaction import BLANK, blank_shapes

_PASSWORD_IN_URL = re.compile(r"(://[^\s/:@\"'<>]*:)[^\s/@\"'<>]+@")
"""As a proxy's URL has it (RFC 3986, 3.2.1)."""


def discreet(text: str) -> str:
    """The text without the secrets that this process holds, and without what looks like one."""
    return _PASSWORD_IN_URL.sub(rf"\1{BLANK}@", blank_shapes(without_secrets(text, BLANK)))


def traceback_of(error: BaseException) -> str:
    """The traceback of a bug of ours: the frames without their locals, and messages without secrets."""
    return discreet("".join(traceback.format_exception(error)))
