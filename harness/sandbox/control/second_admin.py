"""A second admin, who changes things between the calls of a client: now, or before or after a call that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from harness.sandbox.control.trigger import Model, Trigger

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg


class Write(Model):
    """One row, or all rows that have certain values, written with the permissions of who writes."""

    operation: Literal["create", "update", "delete"]
    object: str
    where: dict[str, Any] = Field(default_factory=dict)
    """Of `update` and `delete`: the values that the rows have, by field: `{"Username": "erp.sync@acme.example"}`."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Of `create` and `update`: the values they get."""

    @model_validator(mode="after")
    def _complete(self) -> Write:
        if (self.operation == "create") == bool(self.where):
            raise ValueError("update and delete need `where`, and create has none")
        if (self.operation == "delete") == bool(self.fields):
            raise ValueError("create and update need `fields`, and delete has none")
        return self


class Errand(Model):
    """What the second admin does, one transaction for each write."""

    writes: tuple[Write, ...] = Field(min_length=1)
    username: str | None = None
    """As whom: any active user; the first who may modify all data by default."""
    when: Literal["before", "after"] = "before"
    at: Trigger | None = None
    """Before or after which call; at once where it is left out."""

    @model_validator(mode="after")
    def _at_a_call(self) -> Errand:
        if self.at is not None and self.at.about_rows:
            raise ValueError("the second admin acts before or after a call, not as a row is written")
        return self


def run(org: SandboxOrg, errand: Errand) -> list[str]:
    """Do it; the ids of the rows written. Raises ApiError as for any user, ValueError where there is no such user."""
    user_id = _user(org, errand.username)
    written: list[str] = []
    for write in errand.writes:
        with org.transaction():
            if write.operation == "create":
                written.append(org.create(write.object, write.fields, as_user=user_id))
            for row in org.rows(write.object, **write.where) if write.where else ():
                if write.operation == "update":
                    org.update(write.object, row["Id"], write.fields, as_user=user_id)
                else:
                    org.delete(write.object, row["Id"], as_user=user_id)
                written.append(row["Id"])
    return written


def _user(org: SandboxOrg, username: str | None) -> str:
    active = org.rows("User", IsActive=True, **({"Username": username} if username else {}))
    for user in active:
        if username or org.permissions_of(user["Id"]).has("ModifyAllData"):
            return str(user["Id"])
    raise ValueError(f"there is no active user {username}" if username else "nobody may modify all data")
