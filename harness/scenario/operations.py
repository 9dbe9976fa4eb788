"""What an integration does, and what the new user must and must not be able to do: operations, grants, denials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.scenario.base import Flow, Model, ObjectName


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


def _check_key(by: str, fields: Mapping[str, Value]) -> None:
    if by not in fields:
        raise ValueError(f"fields has no {by}: each row of an upsert has its external id")


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

    @model_validator(mode="after")
    def _has_its_key(self) -> UpsertRows:
        _check_key(self.by, self.fields)
        return self


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
    object: ObjectName | None = Field(default=None, examples=["Account", "Invoice__c"])
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
        where = ("where",) if self.operation in ("update", "delete") else ()
        possible = {"operation", "rows", *needs[self.operation], *where}
        idle = sorted(self.model_fields_set - possible)
        if idle:
            raise ValueError(f"a bulk {self.operation} has no use for {' and '.join(idle)}")
        if self.operation == "upsert" and self.by:
            _check_key(self.by, self.fields)
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


INSERT_EXAMPLE = {
    "object": "Order",
    "fields": {"AccountId": {"any": "Account"}, "EffectiveDate": "{{today}}", "Status": "Draft"},
}
UPDATE_EXAMPLE = {"object": "Order", "where": "Status = 'Draft'", "rows": 5, "fields": {"Description": "Rehearsed"}}
UPSERT_EXAMPLE = {
    "object": "Account",
    "by": "ERP_Key__c",
    "rows": 50,
    "fields": {"ERP_Key__c": "A-{{row}}", "Name": "{{company}}"},
}
DELETE_EXAMPLE = {"object": "Order", "rows": 5}
BULK_EXAMPLE = {"operation": "query", "query": "SELECT Id, Name FROM Account"}


class _OneKey(Model):
    """One thing to do, named by its only key beside the common ones."""

    query: str | None = Field(default=None, examples=["SELECT Id, Name FROM Account LIMIT 10"])
    """A SOQL query."""
    insert: InsertRows | None = Field(default=None, examples=[INSERT_EXAMPLE])
    """Rows to insert."""
    update: UpdateRows | None = Field(default=None, examples=[UPDATE_EXAMPLE])
    """Rows to update."""
    upsert: UpsertRows | None = Field(default=None, examples=[UPSERT_EXAMPLE])
    """Rows to upsert by an external id."""
    delete: DeleteRows | None = Field(default=None, examples=[DELETE_EXAMPLE])
    """Rows to delete."""
    describe: ObjectName | None = Field(default=None, examples=["Account", "Invoice__c"])
    """An object to describe."""

    @classmethod
    def kinds(cls) -> tuple[str, ...]:
        """The keys of which exactly one is given: `query`, `insert`, ..."""
        return tuple(name for name in cls.model_fields if name not in cls._common())

    @property
    def kind(self) -> str:
        """The key that was given."""
        return self._given()[0]

    @classmethod
    def _common(cls) -> frozenset[str]:
        return frozenset()

    def _given(self) -> list[str]:
        return [name for name in self.kinds() if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _one_kind(self) -> _OneKey:
        if len(self._given()) != 1:
            raise ValueError(f"give exactly one of {', '.join(self.kinds())}")
        return self


class Operation(_OneKey):
    """One thing the integration does: what is compared between the old and the new user."""

    bulk: BulkJob | None = Field(default=None, examples=[BULK_EXAMPLE])
    """A Bulk API 2.0 job."""


ROWS_OF_A_CHECK = 24
"""How many rows a check can try: a composite holds 25 subrequests, and one of them undoes the others."""


class _Check(_OneKey):
    """Something tried with the new user. Writes are tried and rolled back."""

    @model_validator(mode="after")
    def _few_rows(self) -> _Check:
        rows = self.insert or self.update or self.upsert or self.delete
        if rows and rows.rows > ROWS_OF_A_CHECK:
            raise ValueError(f"a check tries at most {ROWS_OF_A_CHECK} rows; put more into the workload")
        return self


class Grant(_Check):
    """Something the new user must be able to do."""

    field: FieldAccess | None = Field(default=None, examples=[{"name": "Account.CreditLimit__c", "access": "edit"}])
    """A field that must be readable or editable."""
    apex: ApexCall | None = Field(default=None, examples=[{"path": "/orders/v1/status"}])
    """An Apex REST call that must be answered."""
    sign_in: Flow | None = Field(default=None, examples=["client-credentials"])
    """A sign-in flow that must work, with the new credential."""
    at_least: int | None = Field(default=None, ge=0, examples=[1])
    """With `query`: at least so many rows."""
    commit: bool = Field(default=False, examples=[True])
    """With `insert` or `update`: write for real, then clean up, where a write that is rolled back does not tell enough.
    Triggers and flows run to their end."""

    @classmethod
    def _common(cls) -> frozenset[str]:
        return frozenset({"at_least", "commit"})

    @model_validator(mode="after")
    def _commits_what_can_be_cleaned_up(self) -> Grant:
        if self.commit and not (self.insert or self.update):
            raise ValueError("commit goes with insert or update")
        return self

    @model_validator(mode="after")
    def _counts_rows_of_a_query(self) -> Grant:
        if self.at_least is not None and self.query is None:
            raise ValueError("at_least goes with query")
        return self


class Denial(_Check):
    """Something the new user must not be able to do, and the error code that says so."""

    field: FieldAccess | None = Field(default=None, examples=[{"name": "Account.CreditLimit__c", "access": "edit"}])
    """A field that must not be readable or editable."""
    apex: ApexCall | None = Field(default=None, examples=[{"path": "/orders/v1/status"}])
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
