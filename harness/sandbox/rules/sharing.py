"""Shares: what is filled in, which levels say something, and that one share stands for one user or group."""

# ruff: noqa: D102 - the hooks are described in `Rules`

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.objects.sharing import MANUAL, level_column, parent_column
from harness.sandbox.rules.base import Rules, Values
from harness.sandbox.schema import SObject
from harness.sandbox.sharing.levels import organization_level
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_ORDER = ("None", "Read", "Edit", "ReadEditTransfer", "All")
_ACCOUNT_LEVELS = {"Account": "AccountAccessLevel", "Opportunity": "OpportunityAccessLevel", "Case": "CaseAccessLevel"}


class ShareRules(Rules):
    """Object Reference: AccountShare, StandardObjectNameShare; only manual shares are written."""

    def __init__(self, org: SandboxOrg, share: SObject) -> None:
        super().__init__(org)
        self._share = share
        shared = org.schema.get(share.share_of or "")
        assert shared is not None
        self._shared = shared

    def fill(self, values: Values) -> None:
        if not values.get("RowCause"):
            values["RowCause"] = MANUAL
        for name, column in _ACCOUNT_LEVELS.items() if self._shared.name == "Account" else ():
            if not values.get(column):
                values[column] = min(self._default(name), "Edit", key=_ORDER.index)

    def standing(self, values: Values) -> str | None:
        self._check(values)
        keys = (parent_column(self._shared), "UserOrGroupId", "RowCause")
        found = self.org.select(self._share, {key: values[key] for key in keys})
        if not found:
            return None
        column = level_column(self._shared)
        if _ORDER.index(values[column]) > _ORDER.index(str(found[0][column])):
            self.org.write_changes(self._share, found[0], {column: values[column]}, None)
        return str(found[0]["Id"])

    def before_update(self, row: Row, changes: Values) -> None:
        self._check({**row, **changes})

    def _check(self, values: Values) -> None:
        if values["RowCause"] != MANUAL:
            text = "field integrity exception: RowCause (Specified value is reserved and cannot be used)"
            raise invalid("FIELD_INTEGRITY_EXCEPTION", text, "RowCause")
        if self._shared.name == "Account":
            self._check_account(values)
            return
        column, default = level_column(self._shared), self._default(self._shared.name)
        given = str(values[column])
        if given == "All" or _ORDER.index(given) <= _ORDER.index(default):
            text = (
                f"field integrity exception: {column} (trivial share level {given}, for organization with default "
                f"level {default})"
            )
            raise invalid("FIELD_INTEGRITY_EXCEPTION", text, column)

    def _check_account(self, values: Values) -> None:
        """No level may be below the org-wide default, and one must be above it."""
        given = {name: str(values.get(column)) for name, column in _ACCOUNT_LEVELS.items()}
        defaults = {name: self._default(name) for name in given}
        steps = [
            _ORDER.index(given[name]) - _ORDER.index(min(defaults[name], "Edit", key=_ORDER.index)) for name in given
        ]
        if "All" not in given.values() and min(steps) >= 0 and max(steps) > 0:
            return
        shown = ", ".join([*given.values(), "Read"])
        wanted = ", ".join([*defaults.values(), organization_level(self._sharing("Contact"))])
        text = f"(Account, Opportunity, Case Levels, Con Levels ({shown}) are below organization levels ({wanted}))"
        columns = tuple(_ACCOUNT_LEVELS.values())
        raise ApiError(400, "INVALID_ACCESS_LEVEL", f"({', '.join(columns)}) {text}", columns)

    def _default(self, name: str) -> str:
        level: Any = organization_level(self._sharing(name))
        return level if level in _ORDER else "None"

    def _sharing(self, name: str) -> str:
        found = self.org.schema.get(name)
        return found.sharing if found is not None else "Private"
