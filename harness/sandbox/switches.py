"""Behaviour of the platform that no public source settles, as switches with a documented default.

A switch is a field of `Switches`: its default, what else it may be, and what it decides. On a command line and in the
documents its name has dashes and its booleans are `on` and `off`: `profile-change=strip`, `soap-login=off`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

Value = bool | int | str


def _switch(default: Value, *others: Value, about: str) -> Any:
    """A switch: its default first, then what else it may be; booleans have both by themselves."""
    choices = (default, not default) if isinstance(default, bool) else (default, *others)
    return field(default=default, metadata={"choices": choices, "about": about})


@dataclass(frozen=True, slots=True)
class Switches:
    """How the simulated org behaves where nobody outside the platform's owner knows for certain."""

    insufficient_access_status: int = _switch(
        403, 400, about="HTTP status of INSUFFICIENT_ACCESS_OR_READONLY: 403 in tests of API clients, 400 elsewhere."
    )
    profile_change: Literal["refuse", "strip"] = _switch(
        "refuse",
        "strip",
        about="What a change of User.ProfileId does when assigned sets do not fit the new license: refuse or drop.",
    )
    license_change_drops_place: bool = _switch(
        False,
        about="Whether a change of User.ProfileId to another license takes the user's role, groups and queues; no"
        " source has seen it, none has denied it.",
    )
    deactivation_drops_permission_set_licenses: bool = _switch(
        True, about="Whether deactivating a user frees its permission set license seats."
    )
    deactivation_drops_memberships: bool = _switch(
        True, about="Whether deactivating a user removes it from public groups and queues."
    )
    deactivation_drops_package_licenses: bool = _switch(
        True, about="Whether deactivating a user frees its seats of managed packages (reported of some packages)."
    )
    automatic_license_removal: bool = _switch(
        True,
        about='Whether unassigning a set removes the permission set license that only it needed ("in most cases").',
    )
    psa_duplicate_text: Literal["ids", "sentence"] = _switch(
        "ids",
        "sentence",
        about="Which wording a duplicate PermissionSetAssignment gets; the code DUPLICATE_VALUE is firm.",
    )
    unseen_row_write: Literal["cross-reference", "not-found"] = _switch(
        "cross-reference",
        "not-found",
        about="What changing or deleting a row gets that is there but that sharing hides from the user:"
        " INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY (reported of DML) or 404 NOT_FOUND, as reading it gets.",
    )
    mixed_dml: bool = _switch(True, about="Whether one transaction may not write both setup and ordinary objects.")
    setup_objects_together: bool = _switch(
        True,
        about="Whether one transaction may write several kinds of setup objects, such as a permission set and its"
        " assignments: the guide reads as if not, and programs do it every day.",
    )
    group_recalculation_seconds: int = _switch(
        2,
        0,
        30,
        about="Simulated seconds from a change of a permission set group until its users have what it grants; each"
        " query of PermissionSetGroup counts as one of them.",
    )
    integration_feature_licenses: bool = _switch(
        False,
        about="Whether users of the Salesforce Integration license may have feature licenses such as Marketing User.",
    )
    duplicate_result_key: Literal["duplicateResut", "duplicateResult"] = _switch(
        "duplicateResut",
        "duplicateResult",
        about="The key of what a duplicate rule found in a REST error: misspelt, as reports of real orgs have it, or"
        " not.",
    )
    hidden_permission_rows: bool = _switch(
        True,
        about="Whether rows of ObjectPermissions and FieldPermissions about objects and fields that the caller does not"
        " see are left out; one reading of the Object Reference says so of those that the org does not have.",
    )
    bound_set_assigns_license: bool = _switch(
        False,
        about="Whether assigning a set that is bound to a permission set license gives the user that license, too;"
        " otherwise the assignment is refused until the license is there.",
    )
    delete_refusal: Literal["insufficient-access", "entity-type"] = _switch(
        "insufficient-access",
        "entity-type",
        about="What deleting a row without Delete on its object gets: INSUFFICIENT_ACCESS_OR_READONLY, which the live"
        " tests of one client met, or CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, as creating and editing do.",
    )
    profile_permissions_writable: bool = _switch(
        True,
        about="Whether permission rows of the set that a profile owns can be written: guides to mass edits do it,"
        " though the set itself cannot be modified.",
    )
    restricted_custom_settings: bool = _switch(
        True,
        about="Whether the org restricts access to custom settings: without Customize Application a permission set must"
        " name the setting (on everywhere since Spring '20, unless an admin turned it off).",
    )
    integration_licenses_add_requests: bool = _switch(
        False,
        about="Whether Salesforce Integration licenses add to the daily API requests, as Salesforce and Platform ones"
        " do.",
    )
    deleted_row_read: Literal["entity-is-deleted", "not-found"] = _switch(
        "entity-is-deleted",
        "not-found",
        about="What reading a deleted row by its id answers, with status 404: ENTITY_IS_DELETED, as writing it does and"
        " as operators expect, or NOT_FOUND.",
    )
    bulk_results_too_early: Literal["job-not-complete", "no-content"] = _switch(
        "job-not-complete",
        "no-content",
        about="What the results of a Bulk API 2.0 query job answer before there are any: 412 JOB_NOT_COMPLETE or 204;"
        " the guide has said both.",
    )
    shut_out_users_lose_sessions: bool = _switch(
        True, about="Whether freezing or deactivating a user ends the sessions that are open."
    )
    soap_login: bool = _switch(
        True, about="Whether SOAP login() is on; orgs made since Winter '26 have it off until somebody turns it on."
    )
    username_password_flow: bool = _switch(
        True,
        about="Whether the OAuth username-password flow is allowed; orgs made since Summer '23 block it by default.",
    )
    metadata_job_seconds: int = _switch(
        0, 10, 600, about="How long deploys and retrieves of the Metadata API take, in seconds of the org's clock."
    )
    connected_app_creation: bool = _switch(
        False,
        about="Whether a deploy may create connected apps; restricted since Spring '26, yet reported to work later.",
    )
    run_as_needs_api_only: bool = _switch(
        False,
        about="Whether the run-as user of client credentials must have API Only User (documents disagree).",
    )
    use_any_api_auth: bool = _switch(
        True,
        about="Whether SOAP login() needs Use Any API Auth: orgs made since Summer '26 do, older ones may opt in.",
    )
    frozen_user_error: Literal["authentication-failure", "inactive-user"] = _switch(
        "authentication-failure",
        "inactive-user",
        about="What the token endpoint calls a frozen user; LoginHistory says that the user is frozen either way.",
    )
    external_app_test_audience: Literal["refuse", "accept"] = _switch(
        "refuse",
        "accept",
        about="Whether JWT bearer of an External Client App takes https://test.salesforce.com as its audience.",
    )
    long_lived_assertions: Literal["accept", "refuse"] = _switch(
        "accept",
        "refuse",
        about="What a JWT gets that is good for more than five minutes: guides say 3 to 5, clients send far times.",
    )
    bearer_flows_leave_oauth_tokens: bool = _switch(
        False, about="Whether client credentials and JWT bearer show up in OauthToken and OAuth usage."
    )
    unknown_token_error: Literal["unsupported_token_type", "invalid_token"] = _switch(
        "unsupported_token_type", "invalid_token", about="What revoking an unknown token is answered, status 400."
    )
    integration_user_by: Literal["license", "api-only"] = _switch(
        "license",
        "api-only",
        about="What makes userinfo say is_salesforce_integration_user: the Integration license or API Only User.",
    )
    api_only_web_flow: Literal["tokens", "refuse"] = _switch(
        "tokens",
        "refuse",
        about="Whether an API-only user gets tokens by the web server flow; vendors report both.",
    )


DEFAULT_SWITCHES = Switches()


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch as people read and write it."""

    name: str
    choices: tuple[str, ...]
    """The default first."""
    about: str


def known_switches() -> Iterator[Switch]:
    """All switches, in their order."""
    for one in fields(Switches):
        choices = tuple(_shown(value) for value in one.metadata["choices"])
        yield Switch(one.name.replace("_", "-"), choices, one.metadata["about"])


def set_switches(switches: Switches, settings: Iterable[str]) -> Switches:
    """Set switches from `name=value` texts. Raises ValueError that says what there is to choose from."""
    known = {one.name.replace("_", "-"): one for one in fields(Switches)}
    changes = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        found = known.get(name)
        if found is None:
            raise ValueError(f"there is no switch {name!r}; there are {', '.join(known)}")
        values = {_shown(value): value for value in found.metadata["choices"]}
        if text not in values:
            raise ValueError(f"the switch {name} can be {' or '.join(values)}, not {text!r}")
        changes[found.name] = values[text]
    return replace(switches, **changes)


def _shown(value: Value) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)
