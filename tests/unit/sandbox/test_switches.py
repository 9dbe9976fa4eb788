"""Switches as a command line names them."""

from __future__ import annotations

import pytest

from harness.sandbox.switches import DEFAULT_SWITCHES, Switches, known_switches, set_switches


def test_switches_are_set_by_name_and_value() -> None:
    found = set_switches(DEFAULT_SWITCHES, ["profile-change=strip", "soap-login=off", "insufficient-access-status=400"])
    assert found == Switches(profile_change="strip", soap_login=False, insufficient_access_status=400)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("profile_change=strip", "there is no switch 'profile_change'; there are insufficient-access-status, profile-"),
        ("profile-change=drop", "the switch profile-change can be refuse or strip, not 'drop'"),
        ("soap-login", "the switch soap-login can be on or off, not ''"),
    ],
)
def test_a_wrong_setting_says_what_there_is(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        set_switches(DEFAULT_SWITCHES, [setting])


def test_each_switch_shows_its_default_first() -> None:
    shown = [f"{one.name}={one.choices[0]}" for one in known_switches()]
    assert set_switches(DEFAULT_SWITCHES, shown) == DEFAULT_SWITCHES
    assert all(len(one.choices) > 1 and one.about.endswith(".") for one in known_switches())
