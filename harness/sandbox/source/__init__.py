"""Make a simulated org from a Salesforce DX project and a population file, or from a captured twin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Schema
from harness.sandbox.source.dependencies import load_dependencies
from harness.sandbox.source.dx import read_project
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.load_access import (
    SYSTEM_ADMINISTRATOR,
    load_grants,
    load_groups,
    load_licenses,
    load_permission_sets,
    load_profiles,
    load_record_type_access,
)
from harness.sandbox.source.load_automation import load_automation
from harness.sandbox.source.load_contents import (
    load_apex_rest,
    load_apps,
    load_organization,
    load_records,
    load_setup_entities,
)
from harness.sandbox.source.load_people import (
    count_seats,
    load_assignments,
    load_public_groups,
    load_roles,
    load_users,
)
from harness.sandbox.source.load_reference import load_reference
from harness.sandbox.source.load_sharing import apply_settings, load_group_members, load_shares
from harness.sandbox.source.load_sign_in import load_sign_in
from harness.sandbox.source.loading import ADMIN, Loading
from harness.sandbox.source.metadata import Project
from harness.sandbox.source.population import (
    POPULATION_FILE,
    Contents,
    Population,
    Settings,
    read_contents,
    read_population,
)
from harness.sandbox.source.schema import build_schema
from harness.sandbox.source.twin import fill as fill_from_twin
from harness.sandbox.source.twin import read_twin, twin_schema
from harness.sandbox.switches import Switches, set_switches

__all__ = ["DEMO", "SourceError", "open_org"]

DEMO = "demo"
"""The source that comes with the package."""

_STEPS = (
    load_licenses,
    load_organization,
    load_profiles,
    load_sign_in,
    load_roles,
    load_users,
    load_setup_entities,
    load_automation,
    load_permission_sets,
    load_grants,
    load_groups,
    load_record_type_access,
    load_public_groups,
    load_assignments,
    load_group_members,
    load_apps,
    load_apex_rest,
    load_reference,
    load_records,
    load_shares,
    load_dependencies,
    count_seats,
)
_STEPS_OF_A_TWIN = (load_apps, load_apex_rest, load_reference, load_records, count_seats)
_LOADED = "loaded"


def open_org(
    source: str | Path,
    *,
    population: Path | None = None,
    state: Path | None = None,
    switches: Iterable[str] = (),
) -> SandboxOrg:
    """Make the org of a source: `demo`, the directory of a Salesforce DX project, or a twin: a captured org's file.

    The population is `population`, else the project's own `sandbox.yaml`, else one active user for each profile and an
    `admin`; a twin has its own people, and `population` adds apps and records to it. With `state` the org is kept in
    that file; a file that is there is opened as it is, with the source's schema. `switches` are `name=value` texts that
    go before what the population says. Raises SourceError naming the file and what is wrong with it, ValueError for a
    switch that there is not.
    """
    recipe = _of_twin(Path(source), population) if _is_file(source) else _of_project(source, population)
    chosen = set_switches(Switches(**recipe.settings.model_dump()), switches)
    org = SandboxOrg(recipe.schema, path=state, switches=chosen)
    if org.store.load_state(_LOADED) is not None:
        _make_deploys_again(org)
        return org
    if not org.store.is_new:
        org.close()
        raise SourceError(f"{state}: no simulated org is kept in this file; name a new file or delete it")
    try:
        with org.transaction():
            recipe.load(org)
            org.store.save_state(_LOADED, recipe.name)
    except BaseException:
        org.close()
        if state is not None:
            state.unlink(missing_ok=True)
        raise
    return org


def _make_deploys_again(org: SandboxOrg) -> None:
    """The schema is that of the source: add what deploys have made of it since."""
    from harness.sandbox.metadata.custom_objects import reapply  # noqa: PLC0415 - it reads with this package's readers

    reapply(org)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What an org is made of, and how it is filled."""

    name: str
    schema: Schema
    settings: Settings
    load: Callable[[SandboxOrg], None]


def _is_file(source: str | Path) -> bool:
    return source != DEMO and Path(source).is_file()


def _of_project(source: str | Path, population: Path | None) -> _Recipe:
    directory = Path(str(resources.files("harness.sandbox") / "demo")) if source == DEMO else Path(source)
    project = read_project(directory)
    file = population or directory / POPULATION_FILE
    people = read_population(file) if population or file.is_file() else one_user_for_each_profile(project)

    def load(org: SandboxOrg) -> None:
        loading = Loading(org, project, people, str(file))
        for step in _STEPS:
            step(loading)

    schema = build_schema(project)
    apply_settings(schema, people.sharing, str(file))
    return _Recipe(project.name, schema, people.settings, load)


def _of_twin(file: Path, population: Path | None) -> _Recipe:
    twin = read_twin(file)
    contents = read_contents(population) if population else Contents()

    def load(org: SandboxOrg) -> None:
        loading = fill_from_twin(org, twin, contents, str(population or file))
        for step in _STEPS_OF_A_TWIN:
            step(loading)

    return _Recipe(file.name, twin_schema(twin), contents.settings, load)


def one_user_for_each_profile(project: Project) -> Population:
    """The population of a project that has none: an admin, and one active user on each of its profiles."""
    domain = f"{_slug(project.name)}.example"
    admin = {"username": f"admin@{domain}", "name": "Org Admin", "profile": SYSTEM_ADMINISTRATOR, "as": ADMIN}
    others = [
        {"username": f"{_slug(name)}@{domain}", "name": name, "profile": name}
        for name in sorted(project.profiles)
        if name != SYSTEM_ADMINISTRATOR
    ]
    return Population.model_validate({"org": {"name": project.name}, "users": [admin, *others]})


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
