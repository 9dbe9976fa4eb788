"""The throw-away user of a trial, and the permission set it is tried with: their names, and how they are known again.

Users cannot be deleted, so a trial leaves an inactive one behind, which the next trial of the same scenario takes up.
"""

from __future__ import annotations

from harness.scenario.model import Scenario

_LONGEST_USERNAME = 80


def trial_username(scenario: Scenario) -> str:
    """The username of the throw-away user: that of the target, with `trial.` before it."""
    return f"trial.{scenario.target_username}"[-_LONGEST_USERNAME:]


def trial_of(scenario_name: str) -> str:
    """The scenario's name as the mark of the throw-away user has it: other than that of the target user."""
    return f"trial of {scenario_name}"


def trial_set_label(scenario: Scenario) -> str:
    """The label of the permission set: at most 80 characters."""
    return f"Trial of {scenario.permission_set_label}"[:80]


def trial_set_name(scenario: Scenario) -> str:
    """Its API name."""
    return f"Trial_of_{scenario.permission_set_name}"[:80].rstrip("_")
