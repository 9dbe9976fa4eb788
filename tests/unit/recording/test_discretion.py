"""What people are shown holds no secret of this process, whoever put it there."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from harness.org.secret import Secret
from harness.recording.scanning.discretion import discreet, traceback_of

VALUE = "Ä9 &<\"'%+/\\=?#\nx"


@pytest.mark.parametrize(
    "written",
    [str, json.dumps, repr, lambda value: repr(value.encode()), quote, quote_plus, lambda value: quote(value, "")],
)
def test_a_secret_that_is_held_stands_in_no_text(written: Callable[[str], str]) -> None:
    text = f"before {written(VALUE)} after"
    assert discreet(text) == text
    held = Secret(VALUE)
    shown = discreet(text)
    assert shown.strip("\"'b") != text
    assert "REDACTED" in shown
    assert "Ä9" not in shown.replace("\\xc3\\x84", "Ä").replace("%C3%84", "Ä").replace("\\u00c4", "Ä")
    del held
    assert discreet(text) == text


def test_a_short_secret_is_taken_out_where_it_is_a_whole_word() -> None:
    held = [Secret("1234"), Secret("abc")]
    assert discreet("code 1234, number 51234, abc") == "code REDACTED, number 51234, abc"
    assert len(held) == 2


def test_the_password_of_a_proxy_is_taken_out_of_its_url() -> None:
    assert discreet("through http://me:sesame@proxy.example:3128") == "through http://me:REDACTED@proxy.example:3128"


def test_a_traceback_shows_frames_and_no_secret() -> None:
    held = Secret("correct horse")

    def fails() -> None:
        raise RuntimeError(f"it is {held.reveal()}")

    with pytest.raises(RuntimeError) as caught:
        fails()
    shown = traceback_of(caught.value)
    assert "in fails" in shown
    assert shown.endswith("RuntimeError: it is REDACTED\n")
