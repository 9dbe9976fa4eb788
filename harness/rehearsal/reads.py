"""What each stage's traffic depends on in a scenario: which recordings a change makes out of date.

A key stands for all below it, but for those that have an entry of their own. `SAID` are the keys that no request and no
answer depends on: a change of them needs no new recording.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.scenario.loader import ScenarioFile
from harness.scenario.model import STAGES, Scenario

_SECRET_PARTS = ("consumer_key", "consumer_secret", "private_key", "password", "security_token", "access_token")
EVERY = STAGES
FROM_PLAN = STAGES[STAGES.index("plan") :]

READS: Mapping[str, tuple[str, ...]] = {
    "rehearse": EVERY,
    "system": EVERY,  # the names of what is made are made of it
    "purpose": EVERY,
    "org": EVERY,
    "from": EVERY,
    "to": EVERY,
    "permissions": EVERY,
    "references.project": ("snapshot",),
    "checks": ("verify", "dual-auth"),
    "workload": ("plan", "verify", "dual-auth", "cut-over"),
    "dual_auth": ("dual-auth", "cut-over"),
    "cut_over": ("cut-over",),
    "expect.grants": ("verify", "dual-auth"),  # both look at the objects that are named in them
    "expect.denials": ("verify",),
    "finish": ("cut-over", "retire"),
}
SAID: Mapping[str, str] = {
    "permissions.accept": "it judges what was read",
    "references.accept": "it judges what was found",
    "credentials": "it is a file beside the external system, of which no org knows",
    "expect.sign_off": "it judges the plan",
    "expect.because": "it stands in the report",
    "rollback": "which rollbacks are rehearsed: each has a recording of its own",
    **{
        f"{side}.sign_in.{part}": "it says where a secret is, and no recording holds one"
        for side in ("from", "to")
        for part in _SECRET_PARTS
    },
}
REASON = "because"
"""The key of a reason, which stands in the report, wherever it is written."""


def stages_of(key: str) -> tuple[str, ...]:
    """The stages whose traffic depends on a key of the scenario, such as `expect.denials`. Raises KeyError."""
    name = re.sub(r"\[\d+\]", "", key)
    while name:
        if name in SAID:
            return ()
        if name in READS:
            return READS[name]
        name = name.rpartition(".")[0]
    raise KeyError(key)


def reads(file: ScenarioFile, names: tuple[str, ...]) -> dict[str, str]:
    """What the traffic of these stages depends on: each part of the scenario, and a digest of what it says."""
    used = file.scenario.permissions.copy_ == "used"
    found: dict[str, str] = {}
    for key, value in _parts(file.scenario):
        stages = stages_of(key)
        if used and key.startswith("workload"):  # then what is granted follows from the workload
            stages = (*stages, *FROM_PLAN)
        if not {*stages}.isdisjoint(names):
            found[key] = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
    return found


def stages_in(cassette: str, scenario: Scenario, *, own: str) -> tuple[str, ...]:
    """The stages whose traffic is in a cassette; `own` is the stage from which the migration itself is undone."""
    stage = cassette.removeprefix("rollback-from-")
    if stage == cassette:
        return (cassette,)
    if stage == own:
        return ("provision",)  # it only undoes, and what it depends on every writing stage depends on
    forward = scenario.stages[: scenario.stages.index(stage) + 1]
    return tuple(name for name in forward if name not in ("snapshot", "trial", "plan") or name == stage)


def cassette_names(scenario: Scenario) -> list[str]:
    """The cassettes a recording of this scenario has, in the order in which they are played."""
    stages = scenario.stages
    if scenario.expect.sign_off == "refused":
        return list(stages[: stages.index("plan") + 1])
    return [*stages, *(f"rollback-from-{stage}" for stage in rollback_order(scenario))]


def rollback_order(scenario: Scenario) -> tuple[str, ...]:
    """The stages the rollback is rehearsed from; the one from which the migration itself is undone first."""
    *others, last = scenario.rollback_stages
    return (last, *others)


def line_of(file: ScenarioFile, key: str) -> int | None:
    """The line of a part of the scenario, or of what it was in."""
    keys = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key)]
    return file.place(*keys).line


def _parts(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    """The scenario as written, item by item; a default that is written is not the same as none."""
    yield from _flat(scenario.model_dump(mode="json", by_alias=True, exclude_unset=True), "")


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and path.count(".") < 2:
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and path:
        for index, each in enumerate(value):
            yield f"{path}[{index}]", _without_reasons(each)
    else:
        yield path, value


def _without_reasons(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_reasons(each) for key, each in value.items() if key != REASON}
    return [_without_reasons(each) for each in value] if isinstance(value, list) else value
