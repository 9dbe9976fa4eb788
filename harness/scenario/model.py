"""Version 1 of the scenario language, as pydantic models.

A scenario is pure data: nothing here reads a file, knows an org, or reveals a secret. `schema.json` beside this module
is generated from these models; every key carries a description and an example, which editors show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

STAGES = (
    "preflight",
    "snapshot",
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
"""The stages of a migration, in order. `retire` is only run when `finish: retire` asks for it."""

Stage = Literal[
    "preflight",
    "snapshot",
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
Flow = Literal["client-credentials", "jwt-bearer", "username-password", "soap-login", "access-token"]

_REFERENCE = re.compile(r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+)$")
_DURATION = re.compile(r"^(?P<count>\d+)\s*(?P<unit>[smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _check_reference(text: str) -> str:
    if not _REFERENCE.match(text):
        raise ValueError("a secret is written as a reference: env:NAME, file:PATH or keyring:SERVICE/NAME")
    return text


def _parse_duration(value: object) -> object:
    match = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a whole number and a unit, such as 48h or 14d (s, m, h, d, w)")
    return timedelta(**{_UNITS[match["unit"]]: int(match["count"])})


SecretReference = Annotated[
    str,
    AfterValidator(_check_reference),
    Field(pattern=_REFERENCE.pattern, examples=["env:ERP_OLD_PASSWORD", "file:~/keys/erp.pem", "keyring:erp/password"]),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_parse_duration, json_schema_input_type=str),
    Field(examples=["14d", "48h", "30m"]),
]
Name = Annotated[str, Field(min_length=1, max_length=80)]
ObjectName = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80, examples=["Account", "Invoice__c"])
]
Username = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=80, examples=["erp.sync@acme.example"])]


class Model(BaseModel):
    """The base of every part of a scenario: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)


# --- where it is rehearsed --------------------------------------------------------------------------------------------


class SimulatedOrg(Model):
    """The simulated sandbox this scenario is rehearsed in when no real org is named."""

    simulated: str = Field(examples=["orgs/erp", "demo"])
    """A Salesforce DX project, as a path beside this file, or `demo` for the org that comes with the tool."""
    population: str | None = Field(default=None, examples=["orgs/erp/sandbox.yaml"])
    """A file with the users, licenses and records to put into that org; `sandbox.yaml` in the project by default."""


# --- who signs in, and how --------------------------------------------------------------------------------------------


class ClientCredentials(Model):
    """OAuth 2.0 client credentials: the app signs in as its run-as user."""

    flow: Literal["client-credentials"] = Field(examples=["client-credentials"])
    """The sign-in flow."""
    app: Name = Field(examples=["ERP Integration"])
    """The connected app or External Client App, by its name in Setup."""
    consumer_key: SecretReference
    """Where the app's consumer key is."""
    consumer_secret: SecretReference
    """Where the app's consumer secret is."""


class JwtBearer(Model):
    """OAuth 2.0 JWT bearer: the app signs an assertion for the user with its private key (RS256)."""

    flow: Literal["jwt-bearer"] = Field(examples=["jwt-bearer"])
    """The sign-in flow."""
    app: Name = Field(examples=["MuleSoft Anypoint"])
    """The connected app or External Client App, by its name in Setup."""
    consumer_key: SecretReference
    """Where the app's consumer key is."""
    private_key: SecretReference
    """Where the private key (PEM) is that belongs to the app's certificate."""


class UsernamePassword(Model):
    """OAuth 2.0 username-password. Blocked in newer orgs and not supported by External Client Apps."""

    flow: Literal["username-password"] = Field(examples=["username-password"])
    """The sign-in flow."""
    app: Name = Field(examples=["ERP Legacy"])
    """The connected app, by its name in Setup."""
    consumer_key: SecretReference
    """Where the app's consumer key is."""
    consumer_secret: SecretReference
    """Where the app's consumer secret is."""
    password: SecretReference
    """Where the user's password is."""
    security_token: SecretReference | None = None
    """Where the user's security token is, if the org asks for one."""


class SoapLogin(Model):
    """SOAP `login()`: gone from API version 65, off in new orgs, retired in Summer '27."""

    flow: Literal["soap-login"] = Field(examples=["soap-login"])
    """The sign-in flow."""
    password: SecretReference
    """Where the user's password is."""
    security_token: SecretReference | None = None
    """Where the user's security token is, if the org asks for one."""


class AccessToken(Model):
    """An access token that somebody else obtained: it cannot be renewed."""

    flow: Literal["access-token"] = Field(examples=["access-token"])
    """The sign-in flow."""
    access_token: SecretReference
    """Where the access token is."""


SignIn = Annotated[
    ClientCredentials | JwtBearer | UsernamePassword | SoapLogin | AccessToken, Field(discriminator="flow")
]


class From(Model):
    """The source user: the one that holds a full Salesforce license today."""

    username: Username
    """The user's username in the org."""
    sign_in: SignIn
    """How the external system signs in today."""


class To(Model):
    """The target user, on the Salesforce Integration license."""

    strategy: Literal["new-user"] = Field(default="new-user", examples=["new-user"])
    """How the move is made: `new-user` creates a second user beside the old one."""
    username: Username
    """The username the new user gets."""
    sign_in: SignIn
    """How the external system will sign in."""


class Credentials(Model):
    """The file the external system reads its Salesforce credential from, and what the switch writes into it."""

    store: Literal["dotenv", "json"] = Field(examples=["dotenv"])
    """The file's format."""
    path: str = Field(min_length=1, examples=["erp/.env"])
    """The file, relative to this scenario. In a simulated org a copy in the run's own folder stands in for it."""
    keys: Mapping[str, CredentialPart] = Field(
        min_length=1, examples=[{"SF_USERNAME": "username", "SF_CLIENT_SECRET": "consumer_secret"}]
    )
    """For each variable (or JSON key, dots for nesting): which part of the new sign-in it holds."""


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


# --- what is copied ---------------------------------------------------------------------------------------------------


class Drop(Model):
    """One thing the new user shall not get, and why: one of permission, object, field, setup and permission_set."""

    permission: str | None = Field(default=None, examples=["ManageUsers"])
    """A system permission, by API name without the `Permissions` prefix."""
    object: ObjectName | None = None
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
        return self


class Permissions(Model):
    """Which of the source user's permissions the target user gets."""

    copy_: Literal["everything"] = Field(default="everything", alias="copy", examples=["everything"])
    """`everything` the source user holds, minus the drops."""
    drop: tuple[Drop, ...] = ()
    """What is left behind on purpose."""


# --- what the integration does, and what it must and must not be able to do -------------------------------------------


class AnyRecord(Model):
    """The id of some record that the acting user can see."""

    any: ObjectName
    """The object to take a record of."""
    where: str | None = Field(default=None, examples=["Name = 'Acme'"])
    """A SOQL condition the record must meet."""


Scalar = str | int | float | bool | None
Value = Scalar | AnyRecord
Values = Annotated[
    Mapping[str, Value],
    Field(examples=[{"Name": "{{company}}", "AccountId": {"any": "Account"}, "EffectiveDate": "{{today}}"}]),
]
"""Field values. A string may hold `{{...}}`: a Faker provider (`{{company}}`, seeded), `{{today}}`, `{{now}}`,
`{{row}}` (the row's number from 1) or `{{unique}}` (differs by row, by acting user and by round)."""


class InsertRows(Model):
    """Rows to insert."""

    object: ObjectName
    """The object."""
    rows: int = Field(default=1, ge=1, le=10_000, examples=[50])
    """How many rows."""
    fields: Values
    """The values of each row."""


class UpdateRows(Model):
    """Rows to update: those that meet a condition, at most `rows` of them."""

    object: ObjectName
    """The object."""
    where: str | None = Field(default=None, examples=["ERP_Key__c != null"])
    """A SOQL condition; without it, any rows the acting user sees."""
    rows: int = Field(default=1, ge=1, le=10_000, examples=[5])
    """At most how many rows."""
    fields: Values
    """The values to write."""


class UpsertRows(Model):
    """Rows to upsert by an external id."""

    object: ObjectName
    """The object."""
    by: str = Field(pattern=r"^\w+$", examples=["ERP_Key__c"])
    """The external id field."""
    rows: int = Field(default=1, ge=1, le=10_000, examples=[50])
    """How many rows."""
    fields: Values
    """The values of each row, the external id among them."""


class DeleteRows(Model):
    """Rows to delete: those the workload itself inserted, or those that meet a condition."""

    object: ObjectName
    """The object."""
    where: str | None = Field(default=None, examples=["Name LIKE 'Rehearsal%'"])
    """A SOQL condition; without it, rows that this workload inserted as the acting user."""
    rows: int = Field(default=1, ge=1, le=10_000, examples=[5])
    """At most how many rows."""


class BulkJob(Model):
    """A Bulk API 2.0 job: a query, or an ingest of generated rows."""

    operation: Literal["query", "insert", "update", "upsert", "delete"] = Field(examples=["upsert"])
    """What the job does."""
    query: str | None = Field(default=None, examples=["SELECT Id, Name FROM Account"])
    """With `operation: query`: the SOQL."""
    object: ObjectName | None = None
    """With an ingest: the object."""
    by: str | None = Field(default=None, pattern=r"^\w+$", examples=["External_Key__c"])
    """With `operation: upsert`: the external id field."""
    where: str | None = Field(default=None, examples=["Status__c = 'Open'"])
    """With `update` or `delete`: which rows."""
    rows: int = Field(default=1, ge=1, le=100_000, examples=[2000])
    """How many rows, or at most how many."""
    fields: Values = Field(default_factory=dict)
    """The values of each row."""

    @model_validator(mode="after")
    def _complete(self) -> BulkJob:
        needs = {
            "query": ("query",),
            "insert": ("object", "fields"),
            "update": ("object", "fields"),
            "upsert": ("object", "by", "fields"),
            "delete": ("object",),
        }
        missing = [key for key in needs[self.operation] if not getattr(self, key)]
        if missing:
            raise ValueError(f"a bulk {self.operation} needs {' and '.join(missing)}")
        return self


class FieldAccess(Model):
    """One field, readable or editable."""

    name: str = Field(pattern=r"^\w+\.\w+$", examples=["Account.CreditLimit__c"])
    """The field, as Object.Field."""
    access: Literal["read", "edit"] = Field(default="read", examples=["read"])
    """The access asked about."""


class ApexCall(Model):
    """A call of an Apex REST resource. Apex runs in system context: it may work where plain REST does not."""

    path: str = Field(pattern=r"^/", examples=["/orders/v1/status"])
    """The path after /services/apexrest."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="GET", examples=["GET"])
    """The HTTP method."""
    body: Mapping[str, Any] | None = Field(default=None, examples=[{"orderNumber": "00000100"}])
    """The JSON body."""


class _OneKey(Model):
    """One thing to do, named by its only key beside the common ones."""

    query: str | None = Field(default=None, examples=["SELECT Id, Name FROM Account LIMIT 10"])
    """A SOQL query."""
    insert: InsertRows | None = None
    """Rows to insert."""
    update: UpdateRows | None = None
    """Rows to update."""
    upsert: UpsertRows | None = None
    """Rows to upsert by an external id."""
    delete: DeleteRows | None = None
    """Rows to delete."""
    describe: ObjectName | None = None
    """An object to describe."""

    @property
    def kind(self) -> str:
        """The key that was given: `query`, `insert`, `update`, ..."""
        return self._kinds()[0]

    @classmethod
    def _common(cls) -> frozenset[str]:
        return frozenset()

    def _kinds(self) -> list[str]:
        return [n for n in type(self).model_fields if n not in self._common() and getattr(self, n) is not None]

    @model_validator(mode="after")
    def _one_kind(self) -> _OneKey:
        possible = [n for n in type(self).model_fields if n not in self._common()]
        if len(self._kinds()) != 1:
            raise ValueError(f"give exactly one of {', '.join(possible)}")
        return self


class Operation(_OneKey):
    """One thing the integration does: what is compared between the old and the new user."""

    bulk: BulkJob | None = None
    """A Bulk API 2.0 job."""


class Grant(_OneKey):
    """Something the new user must be able to do."""

    field: FieldAccess | None = None
    """A field that must be readable or editable."""
    apex: ApexCall | None = None
    """An Apex REST call that must be answered."""
    sign_in: Flow | None = Field(default=None, examples=["client-credentials"])
    """A sign-in flow that must work, with the new credential."""
    at_least: int | None = Field(default=None, ge=0, examples=[1])
    """With `query`: at least so many rows."""

    @classmethod
    def _common(cls) -> frozenset[str]:
        return frozenset({"at_least"})


class Denial(_OneKey):
    """Something the new user must not be able to do, and the error code that says so."""

    field: FieldAccess | None = None
    """A field that must not be readable or editable."""
    apex: ApexCall | None = None
    """An Apex REST call that must be refused."""
    sign_in: Flow | Literal["ui"] | None = Field(default=None, examples=["ui"])
    """A sign-in that must be refused: `ui` for the user interface."""
    error: str | None = Field(default=None, pattern=r"^[A-Za-z_]+$", examples=["INVALID_TYPE"])
    """The error code expected. A field that must not be readable, and `sign_in: ui`, have none."""

    @classmethod
    def _common(cls) -> frozenset[str]:
        return frozenset({"error"})

    @model_validator(mode="after")
    def _names_its_error(self) -> Denial:
        if self.error is None and self.kind not in ("field", "sign_in"):
            raise ValueError("a denial names the error code expected, such as error: INVALID_TYPE")
        return self


class Expect(Model):
    """What must be so at the end."""

    sign_off: Literal["granted", "refused"] = Field(default="granted", examples=["granted"])
    """`refused` for a migration that must not be signed off: the rehearsal passes when it is refused."""
    because: str | None = Field(default=None, examples=["AuthorApex is beyond the license."])
    """With `sign_off: refused`: why."""
    grants: tuple[Grant, ...] = ()
    """What the new user must be able to do."""
    denials: tuple[Denial, ...] = ()
    """What the new user must not be able to do."""

    @model_validator(mode="after")
    def _reasoned(self) -> Expect:
        if self.sign_off == "refused" and not self.because:
            raise ValueError("sign_off: refused needs because: the reason stands in the report")
        return self


# --- how it goes over -------------------------------------------------------------------------------------------------


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


class RollbackFrom(Model):
    """Which stages the rollback is rehearsed from."""

    from_: tuple[Stage, ...] = Field(alias="from", min_length=1, examples=[["grant", "cut-over"]])
    """The stages after which everything is undone, each in a run of its own."""


class Scenario(Model):
    """One migration of one integration user, from top to bottom as it goes."""

    rehearse: Literal[1] = Field(examples=[1])
    """The version of this language."""
    system: Name = Field(examples=["ERP"])
    """The external system, as the organization calls it."""
    purpose: Name = Field(examples=["Order Sync"])
    """What the integration is for."""
    org: Literal["simulated"] | SimulatedOrg = Field(
        default="simulated", examples=["simulated", {"simulated": "orgs/erp"}]
    )
    """The simulated sandbox it is rehearsed in; `--org NAME` rehearses it in a configured sandbox instead."""
    from_: From = Field(alias="from")
    """The source user."""
    to: To
    """The target user."""
    credentials: Credentials
    """The external system's credential file."""
    permissions: Permissions = Permissions()
    """What is copied and what is left behind."""
    workload: tuple[Operation, ...] = Field(min_length=1)
    """What the integration does, in order. It runs as the old and as the new user, and is compared."""
    dual_auth: DualAuth
    """The time in which both users work."""
    expect: Expect = Expect()
    """What the new user must and must not be able to do."""
    finish: Literal["freeze", "retire"] = Field(default="freeze", examples=["freeze"])
    """What becomes of the old user: `freeze` at cut-over, or `retire` (deactivate) after it."""
    rollback: Literal["from every stage"] | RollbackFrom = Field(
        default="from every stage", examples=["from every stage", {"from": ["cut-over"]}]
    )
    """Where the rollback is rehearsed from."""

    @model_validator(mode="after")
    def _two_users(self) -> Scenario:
        if self.from_.username.casefold() == self.to.username.casefold():
            raise ValueError("from.username and to.username are the same user; strategy new-user needs a second one")
        return self

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages this scenario runs, in order."""
        return STAGES if self.finish == "retire" else STAGES[:-1]

    @property
    def rollback_stages(self) -> tuple[str, ...]:
        """The stages the rollback is rehearsed from, in order; always the last stage among them.

        Before `provision` nothing is written, so there is nothing to undo.
        """
        after_the_plan = self.stages[self.stages.index("provision") :]
        if isinstance(self.rollback, RollbackFrom):
            asked = (*self.rollback.from_, after_the_plan[-1])
            return tuple(stage for stage in after_the_plan if stage in asked)
        return after_the_plan

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


Credentials.model_rebuild()
