"""One scenario by another strategy: what is changed is to.strategy, and whatever that does not allow as it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import ValidationError

from harness.errors import ScenarioError
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Scenario, Strategy, To

STRATEGIES: tuple[Strategy, ...] = ("new-user", "in-place", "temporary-full-license")


@dataclass(frozen=True, slots=True)
class Variant:
    """A scenario by one strategy."""

    strategy: Strategy
    file: ScenarioFile
    changed: tuple[str, ...] = ()
    """What had to be changed beside to.strategy, each in a few words."""


def variant(file: ScenarioFile, strategy: Strategy) -> Variant:
    """The scenario by a strategy. Raises ScenarioError where it cannot be written that way."""
    scenario, changed = file.scenario, []
    values: dict[str, object] = {
        info.alias or name: getattr(scenario, name) for name, info in type(scenario).model_fields.items()
    }
    username = scenario.to.username
    if strategy == "in-place" and username is not None:
        username = None
        changed.append("to.username left out")
    elif strategy != "in-place" and username is None:
        name, _, domain = scenario.from_.username.partition("@")
        username = f"{name}.integration@{domain}"
        changed.append(f"to.username {username}")
    if strategy == "in-place" and scenario.finish == "retire":
        values["finish"] = "freeze"
        changed.append("finish: retire left out, since the user goes on")
    values["to"] = To(strategy=strategy, username=username, sign_in=scenario.to.sign_in)
    try:
        made = Scenario.model_validate(values)
    except ValidationError as error:
        words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ScenarioError(words, place=file.place("to", "strategy")) from error
    return Variant(strategy, replace(file, scenario=made), tuple(changed))
