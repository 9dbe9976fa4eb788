"""Version 1 of the scenario language, as pydantic models.

A scenario is pure data: nothing here reads a file, knows an org, or reveals a secret. `schema.json` beside this module
is generated from these models; every key carries a description and an example, which editors show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.scenario.base import Duration, Flow, Model, Name, ObjectName, SecretReference, Username
from harness.scenario.operations import (
    ROWS_OF_A_CHECK,
    UPSERT_EXAMPLE,
    AnyRecord,
    ApexCall,
    BulkJob,
    DeleteRows,
    Denial,
    FieldAccess,
    Grant,
    InsertRows,
    Operation,
    Scalar,
    UpdateRows,
    UpsertRows,
    Value,
    Values,
)
from harness.scenario.sign_in import (
    NEW_SIGN_IN,
    OLD_SIGN_IN,
    AccessToken,
    ClientCredentials,
    JwtBearer,
    SignIn,
    SoapLogin,
    UsernamePassword,
)

__all__ = [
    "LOSS_KINDS",
    "ROWS_OF_A_CHECK",
    "STAGES",
    "Accept",
    "AcceptedReference",
    "AccessToken",
    "AnyRecord",
    "ApexCall",
    "BulkJob",
    "ClientCredentials",
    "CredentialPart",
    "Credentials",
    "CutOver",
    "DeleteRows",
    "Denial",
    "Drop",
    "DualAuth",
    "Duration",
    "Evidence",
    "Expect",
    "FieldAccess",
    "Flow",
    "From",
    "Grant",
    "InsertRows",
    "JwtBearer",
    "Keep",
    "LossKind",
    "Model",
    "Name",
    "ObjectName",
    "Operation",
    "Permissions",
    "References",
    "RollbackFrom",
    "Scalar",
    "Scenario",
    "SecretReference",
    "SignIn",
    "SimulatedOrg",
    "SoapLogin",
    "Stage",
    "Strategy",
    "To",
    "UpdateRows",
    "UpsertRows",
    "Username",
    "UsernamePassword",
    "Value",
    "Values",
    "lost_parts",
]

STAGES = (
    "preflight",
    "snapshot",
    "trial",
    "plan",
    "provision",
    "grant",
    "authorize",
    "verify",
    "switch",
    "dual-auth",
    "cut-over",
    "retire",
)
"""The stages of a migration, in order. `trial` is only run when `permissions.ceiling: try` asks for it, and `retire`
when `finish: retire` does."""

Stage = Literal[
    "preflight",
    "snapshot",
    "trial",
    "plan",
    "provision",
    "grant",
    "authorize",
    "verify",
    "switch",
    "dual-auth",
    "cut-over",
    "retire",
]


# --- where it is rehearsed --------------------------------------------------------------------------------------------


class SimulatedOrg(Model):
    """The simulated sandbox this scenario is rehearsed in when no real org is named."""

    simulated: str = Field(examples=["orgs/erp", "demo"])
    """A Salesforce DX project, as a path beside this file, or `demo` for the org that comes with the tool."""
    population: str | None = Field(default=None, examples=["orgs/erp/sandbox.yaml"])
    """A file with the users, licenses and records to put into that org; `sandbox.yaml` in the project by default."""


# --- who moves --------------------------------------------------------------------------------------------------------


class From(Model):
    """The source user: the one that holds a full Salesforce license today."""

    username: Username
    """The user's username in the org."""
    sign_in: SignIn
    """How the external system signs in today."""


Strategy = Literal["new-user", "in-place", "temporary-full-license"]


class To(Model):
    """The target user, on the Salesforce Integration license."""

    strategy: Strategy = Field(default="new-user", examples=["new-user"])
    """How the move is made: `new-user` creates a second user beside the old one, `in-place` changes the profile and the
    license of the same user, and `temporary-full-license` creates the second user on a full license first, sets it up,
    and then moves it."""
    username: Username | None = Field(default=None, examples=["erp.integration@acme.example"])
    """The username the new user gets; with `in-place`, none is written."""
    sign_in: SignIn
    """How the external system will sign in."""


CredentialPart = Literal[
    "flow",
    "username",
    "app",
    "instance_url",
    "consumer_key",
    "consumer_secret",
    "private_key",
    "password",
    "security_token",
    "access_token",
]


class Credentials(Model):
    """The file the external system reads its Salesforce credential from, and what the switch writes into it."""

    store: Literal["dotenv", "json"] = Field(examples=["dotenv"])
    """The file's format."""
    path: str = Field(min_length=1, examples=["erp/.env"])
    """The file, relative to this scenario. In a simulated org a file in the run's own folder stands in for it."""
    keys: Mapping[str, CredentialPart] = Field(
        min_length=1, examples=[{"SF_USERNAME": "username", "SF_CLIENT_SECRET": "consumer_secret"}]
    )
    """For each variable (or JSON key, dots for nesting): which part of the new sign-in it holds."""


# --- what is copied ---------------------------------------------------------------------------------------------------


class Drop(Model):
    """One thing the new user shall not get, and why: one of permission, object, field, setup and permission_set."""

    permission: str | None = Field(default=None, examples=["ManageUsers"])
    """A system permission, by API name without the `Permissions` prefix."""
    object: ObjectName | None = Field(default=None, examples=["Account", "Invoice__c"])
    """An object: every permission on it and its fields, or only those in `access`."""
    field: str | None = Field(default=None, pattern=r"^\w+\.\w+$", examples=["Account.CreditLimit__c"])
    """A field: read and edit, or only those in `access`."""
    setup: str | None = Field(default=None, pattern=r"^\w+:.+$", examples=["ApexClass:LegacySync"])
    """A setup entity, as TYPE:NAME."""
    permission_set: str | None = Field(default=None, examples=["Legacy_Reports"])
    """Whatever only this permission set gives, by API name."""
    access: tuple[Literal["create", "read", "edit", "delete", "view-all", "modify-all", "view-all-fields"], ...] = (
        Field(default=(), examples=[["delete"]])
    )
    """With `object` or `field`: only these kinds of access."""
    because: str = Field(min_length=1, examples=["The sync never creates users."])
    """Why it is not needed: it stands in the report."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Drop:
        given = [
            n for n in ("permission", "object", "field", "setup", "permission_set") if getattr(self, n) is not None
        ]
        if len(given) != 1:
            raise ValueError("a drop names exactly one of permission, object, field, setup, permission_set")
        if self.access and given[0] not in ("object", "field"):
            raise ValueError("access goes with object or field")
        if self.field and not {"read", "edit"}.issuperset(self.access):
            raise ValueError("the access to a field is read or edit")
        return self


LossKind = Literal[
    "object",
    "field",
    "system",
    "setup",
    "record-type",
    "default-record-type",
    "tab",
    "app",
    "login-hours",
    "login-ip-ranges",
    "role",
    "group",
    "queue",
    "team",
    "territory",
    "share",
    "sharing-rule",
    "feature-license",
    "package-license",
    "permission-set-license",
]
"""The kinds of things that can be lost."""
LOSS_KINDS: tuple[LossKind, ...] = get_args(LossKind)
_OF_OBJECTS = ("read", "create", "edit", "delete", "view-all", "modify-all", "view-all-fields")
_RIGHTS_OF_KIND: Mapping[str, tuple[str, ...]] = {"object": _OF_OBJECTS, "field": ("read", "edit")}


def lost_parts(line: str) -> tuple[str, str, frozenset[str]]:
    """The kind, the name and the rights of a loss as `accept` writes it: `object Account: delete`, `tab Invoice__c`.

    No rights stand for all of them. Raises ValueError with the nearest right word for a kind or a right there is not.
    """
    kind, _, rest = line.strip().partition(" ")
    if kind not in LOSS_KINDS:
        raise ValueError(f"there is no kind of loss {kind!r}{_nearest(kind, LOSS_KINDS)}")
    known = _RIGHTS_OF_KIND.get(kind, ())
    name, _, rights = rest.partition(":") if known else (rest, "", "")
    held = frozenset(right.strip() for right in rights.split(",") if right.strip())
    for right in sorted(held - {*known}):
        raise ValueError(f"{kind} {name.strip()} cannot lose {right!r}{_nearest(right, known)}")
    if not name.strip():
        raise ValueError(
            f"write what is lost after {kind!r}, as the plan does: such as 'system LightningExperienceUser'"
        )
    return kind, name.strip(), held


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"


def _a_loss(line: str) -> str:
    lost_parts(line)
    return line


class Accept(Model):
    """Losses that are agreed to, by name, and why."""

    lost: tuple[Annotated[str, AfterValidator(_a_loss)], ...] = Field(
        min_length=1, examples=[["system LightningExperienceUser", "tab standard-Account"]]
    )
    """Each as the plan writes it: the kind, the name, and after a colon the kinds of access where not all is meant."""
    because: str = Field(min_length=1, examples=["The user never sees a page."])
    """Why it may be lost: it stands in the report."""


_KEPT = (
    r"^(object|field) \S+(: (read|create|edit|delete|view-all|modify-all|view-all-fields)"
    r"(, (read|create|edit|delete|view-all|modify-all|view-all-fields))*)?$|^(system|setup|record-type) \S.*$"
)


class AcceptedReference(Model):
    """References to the old user that are agreed to, by name, and why."""

    named: tuple[str, ...] = Field(min_length=1, examples=[["ValidationRule Account.Sync_Only"]])
    """Each as the plan writes it: what it is, and its name."""
    because: str = Field(min_length=1, examples=["The rule is rewritten in the release."])
    """Why it may stay as it is: it stands in the report."""


class Keep(Model):
    """What is in use although no traffic shows it, and how that is known."""

    held: tuple[Annotated[str, Field(pattern=_KEPT)], ...] = Field(
        min_length=1, examples=[["setup CustomPermission:Bypass_Order_Validation", "object Account: view-all"]]
    )
    """Each as the plan writes a loss: the kind, the name, and after a colon the kinds of access where not all is
    meant."""
    because: str = Field(min_length=1, examples=["The validation rules on orders ask for it."])
    """Why it is needed: it stands in the report as where the use was seen."""


class Evidence(Model):
    """What shows which permissions the integration uses, beside the workload."""

    recordings: tuple[str, ...] = Field(default=(), examples=[["traffic/*.har", "traffic/night.yaml"]])
    """Recordings of its traffic, as paths or patterns beside this file: HAR files, vcrpy cassettes, and `ApiTotalUsage`
    event logs saved as CSV, such as those of production."""
    event_log_days: int | None = Field(default=None, ge=1, le=365, examples=[30])
    """How many days of `ApiTotalUsage` event logs are read from the org."""
    keep: tuple[Keep, ...] = Field(
        default=(),
        examples=[
            [
                {
                    "held": ["setup CustomPermission:Bypass_Order_Validation"],
                    "because": "The validation rules on orders ask for it.",
                }
            ]
        ],
    )
    """What is in use although no traffic shows it, such as a custom permission that a validation rule asks for."""


class Permissions(Model):
    """Which of the source user's permissions the target user gets."""

    copy_: Literal["everything", "used"] = Field(default="everything", alias="copy", examples=["everything"])
    """`everything` the source user holds, or what the workload and the evidence show as `used`; minus the drops."""
    evidence: Evidence = Field(default=Evidence(), examples=[{"recordings": ["traffic/*.har"]}])
    """With `copy: used`: what else shows the use."""
    drop: tuple[Drop, ...] = Field(
        default=(), examples=[[{"permission": "ManageUsers", "because": "The sync never creates users."}]]
    )
    """What is left behind on purpose."""
    accept: tuple[Accept, ...] = Field(
        default=(), examples=[[{"lost": ["system LightningExperienceUser"], "because": "The user never sees a page."}]]
    )
    """What cannot be carried over, or is of no use there, and is agreed to be lost."""
    ceiling: Literal["ask", "try"] = Field(default="ask", examples=["ask"])
    """How it is found out what the license can carry: `ask` the org, or also `try` it on a throw-away user."""
    licenses: tuple[str, ...] = Field(default=(), examples=[["FieldServiceIntegrationPsl"]])
    """Further permission set licenses that the new user is assigned, by DeveloperName."""


class References(Model):
    """What else in the org names the old user or its profile."""

    project: str | None = Field(default=None, examples=["../my-dx-project"])
    """A Salesforce DX project with the org's metadata, as a path beside this file: it is searched as well."""
    accept: tuple[AcceptedReference, ...] = Field(
        default=(),
        examples=[
            [{"named": ["ValidationRule Account.Sync_Only"], "because": "The rule is rewritten in the release."}]
        ],
    )
    """What was found and is agreed to."""


# --- what must be so at the end ---------------------------------------------------------------------------------------


class Expect(Model):
    """What must be so at the end."""

    sign_off: Literal["granted", "refused"] = Field(default="granted", examples=["granted"])
    """`refused` for a migration that must not be signed off: the rehearsal passes when it is refused."""
    because: str | None = Field(default=None, examples=["AuthorApex is beyond the license."])
    """With `sign_off: refused`: why."""
    grants: tuple[Grant, ...] = Field(
        default=(), examples=[[{"query": "SELECT Id, Name FROM Account LIMIT 10", "at_least": 1}]]
    )
    """What the new user must be able to do."""
    denials: tuple[Denial, ...] = Field(
        default=(), examples=[[{"query": "SELECT Id FROM Employee__c", "error": "INVALID_TYPE"}, {"sign_in": "ui"}]]
    )
    """What the new user must not be able to do."""

    @model_validator(mode="after")
    def _reasoned(self) -> Expect:
        if self.sign_off == "refused" and not self.because:
            raise ValueError("sign_off: refused needs because: the reason stands in the report")
        return self


# --- how it goes over -------------------------------------------------------------------------------------------------


def _check_version(value: object) -> object:
    if type(value) is not int:  # True and 1.0 are equal to 1
        raise ValueError("the version of the language is written rehearse: 1")
    return value


class DualAuth(Model):
    """The time in which both users work."""

    for_: Duration = Field(alias="for")
    """How long both credentials stay valid."""
    old_user_quiet_for: Duration
    """How long the old user must not have signed in before it is cut off."""

    @model_validator(mode="after")
    def _fits(self) -> DualAuth:
        if self.old_user_quiet_for > self.for_:
            raise ValueError("old_user_quiet_for is longer than for: the cut-over could never come")
        return self


class CutOver(Model):
    """How long the cut-over may take."""

    within: Duration = Field(
        default=timedelta(minutes=30), examples=["30m"], json_schema_extra={"default": "30m"}, ge=timedelta(minutes=1)
    )
    """How long it may take, from the moment the old sign-in is about to be ended: what has not passed by then, or fails
    before, is undone at once, and the old user works again."""


class RollbackFrom(Model):
    """Which stages the rollback is rehearsed from."""

    from_: tuple[Stage, ...] = Field(alias="from", min_length=1, examples=[["grant", "cut-over"]])
    """The stages after which everything is undone, each in a run of its own."""


class Scenario(Model):
    """One migration of one integration user, from top to bottom as it goes."""

    rehearse: Annotated[Literal[1], BeforeValidator(_check_version, json_schema_input_type=Literal[1])] = Field(
        examples=[1]
    )
    """The version of this language."""
    system: Name = Field(examples=["ERP"])
    """The external system, as the organization calls it."""
    purpose: Name = Field(examples=["Order Sync"])
    """What the integration is for."""
    org: Literal["simulated"] | SimulatedOrg = Field(
        default="simulated", examples=["simulated", {"simulated": "orgs/erp"}]
    )
    """The simulated sandbox it is rehearsed in; `--org NAME` rehearses it in a configured sandbox instead."""
    from_: From = Field(alias="from", examples=[{"username": "erp.sync@acme.example", "sign_in": OLD_SIGN_IN}])
    """The source user."""
    to: To = Field(examples=[{"username": "erp.integration@acme.example", "sign_in": NEW_SIGN_IN}])
    """The target user."""
    credentials: Credentials = Field(
        examples=[{"store": "dotenv", "path": "erp/.env", "keys": {"SF_CLIENT_SECRET": "consumer_secret"}}]
    )
    """The external system's credential file."""
    permissions: Permissions = Field(default=Permissions(), examples=[{"copy": "everything"}])
    """What is copied and what is left behind."""
    references: References = Field(default=References(), examples=[{"project": "../my-dx-project"}])
    """What else names the old user."""
    checks: Literal["listed", "exhaustive"] = Field(default="listed", examples=["exhaustive"])
    """`exhaustive` probes every object and field in scope, beside what `expect` lists."""
    workload: tuple[Operation, ...] = Field(
        min_length=1,
        examples=[[{"query": "SELECT Id, Status FROM Order"}, {"upsert": UPSERT_EXAMPLE}, {"describe": "Account"}]],
    )
    """What the integration does, in order. It runs as the old and as the new user, and is compared."""
    dual_auth: DualAuth = Field(examples=[{"for": "14d", "old_user_quiet_for": "48h"}])
    """How long both users work, and when the old one may be cut off."""
    cut_over: CutOver = Field(default=CutOver(), examples=[{"within": "30m"}], json_schema_extra={"default": {}})
    """How long the cut-over may take before it falls back by itself."""
    expect: Expect = Field(default=Expect(), examples=[{"grants": [{"describe": "Account"}]}])
    """What the new user must and must not be able to do."""
    finish: Literal["freeze", "retire"] = Field(default="freeze", examples=["freeze"])
    """What becomes of the old user: `freeze` at cut-over, or `retire` (deactivate) after it. With `in-place` the user
    goes on: what its old sign-in alone uses is taken away, as far as that can be given back."""
    rollback: Literal["from every stage"] | RollbackFrom = Field(
        default="from every stage", examples=["from every stage", {"from": ["cut-over"]}]
    )
    """Where the rollback is rehearsed from."""

    @model_validator(mode="after")
    def _two_users(self) -> Scenario:
        strategy, old, new = self.to.strategy, self.from_.username, self.to.username
        same = new is not None and new.casefold() == old.casefold()
        if strategy == "in-place" and new is not None and not same:
            raise ValueError("strategy in-place keeps the user: leave to.username out")
        if strategy != "in-place" and (new is None or same):
            raise ValueError(
                f"strategy {strategy} needs a second user: write a to.username that differs from from.username"
            )
        return self

    @model_validator(mode="after")
    def _one_user(self) -> Scenario:
        """What cannot be done where the old and the new user are one."""
        if self.to.strategy != "in-place":
            return self
        if self.finish == "retire":
            raise ValueError(
                "finish: retire deactivates the old user, which in-place goes on using: leave finish out, or choose "
                "strategy new-user"
            )
        if self.to.sign_in.flow in ("username-password", "soap-login"):
            raise ValueError(
                f"strategy in-place cannot move to {self.to.sign_in.flow}: the user has one password, and the old "
                "credential would end with it; sign in by client-credentials or jwt-bearer"
            )
        return self

    @property
    def target_username(self) -> str:
        """The username of the target user; with `in-place`, the source user's."""
        return self.to.username or self.from_.username

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages this scenario runs, in order."""
        asked_for = {"retire": self.finish == "retire", "trial": self.permissions.ceiling == "try"}
        return tuple(stage for stage in STAGES if asked_for.get(stage, True))

    @property
    def rollback_stages(self) -> tuple[str, ...]:
        """The stages the rollback is rehearsed from, in order; always the last stage among them.

        Before `provision` nothing is written but by a `trial`, so there is nothing to undo.
        """
        writing = tuple(stage for stage in self.stages if stage not in ("preflight", "snapshot", "plan"))
        if isinstance(self.rollback, RollbackFrom):
            asked = (*self.rollback.from_, writing[-1])
            return tuple(stage for stage in writing if stage in asked)
        return writing

    @property
    def permission_set_label(self) -> str:
        """The label of the permission set the tool makes: *Integration - [System] - [Purpose]*, at most 80 long."""
        return f"Integration - {self.system} - {self.purpose}"[:80]

    @property
    def permission_set_name(self) -> str:
        """The API name of that permission set."""
        return re.sub(r"\W+", "_", self.permission_set_label, flags=re.ASCII).strip("_")[:80]

    @property
    def user_label(self) -> str:
        """The name of the user the tool makes: *[System] Integration*."""
        return f"{self.system} Integration"[:80]
