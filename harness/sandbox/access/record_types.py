"""Record types: which ones a user may give to a row, and which one a row gets by itself.

Profiles and permission sets make record types available; the profile says which one is the default (Metadata API guide,
ProfileRecordTypeVisibility). No object tells these settings, so they are kept beside the rows. A record type that
nothing in the org's source mentions is available to everybody: a project seldom holds all profiles. It stays so when
a set comes to name it through the API, since what one set is given is taken from nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import invalid
from harness.sandbox.schema import SObject
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

MASTER = "012000000000000AAA"
"""The id of the Master record type, which has no row; rows with it have no RecordTypeId."""
FIELD = "RecordTypeId"

_STATE = "record_types"
_FREE = "free_record_types"
_MOST_REMEMBERED = 5000

Given = dict[str, bool | None]
"""Record type to whether it is the default; None where it is told not to be available."""


class RecordTypes:
    """The record types of one org. The caller holds the org's lock."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._settings: dict[str, Given] | None = None
        self._known: dict[tuple[int, str], tuple[frozenset[str], str | None]] = {}

    # What users have

    def of(self, sobject: SObject) -> list[Row]:
        """The rows of an object's record types, inactive ones too."""
        if sobject.setup or sobject.get(FIELD) is None or self._org.schema.get("RecordType") is None:
            return []
        return self._org.rows("RecordType", SobjectType=sobject.name)

    def available(self, sobject: SObject, access: EffectiveAccess) -> frozenset[str]:
        """The ids of the active record types that the user may give to rows; Master is not among them."""
        return self._look_up(sobject, access)[0]

    def default(self, sobject: SObject, access: EffectiveAccess) -> str | None:
        """The record type of a row for which none is given; None is Master."""
        return self._look_up(sobject, access)[1]

    def fill(self, sobject: SObject, values: dict[str, Any], access: EffectiveAccess, *, new: bool) -> None:
        """Understand Master, and give a new row its record type."""
        if values.get(FIELD) == MASTER:
            values[FIELD] = None
        elif new and sobject.get(FIELD) is not None and FIELD not in values:
            values[FIELD] = self.default(sobject, access)

    def check(self, sobject: SObject, record_type: str, access: EffectiveAccess) -> None:
        """Raise ApiError for a record type that the user may not give to rows of the object."""
        if record_type not in self.available(sobject, access):
            field = sobject.get(FIELD)
            label = field.label if field is not None else "Record Type ID"
            text = f"{label}: this ID value isn't valid for the user: {record_type}"
            raise invalid("INVALID_CROSS_REFERENCE_KEY", text, FIELD)

    def _look_up(self, sobject: SObject, access: EffectiveAccess) -> tuple[frozenset[str], str | None]:
        key = (access.serial, sobject.name)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._compute(sobject, access)
        return found

    def _compute(self, sobject: SObject, access: EffectiveAccess) -> tuple[frozenset[str], str | None]:
        active = {str(row["Id"]) for row in self.of(sobject) if row.get("IsActive")}
        if not active:
            return frozenset(), None
        settings = self._load()
        mentioned = {one for given in settings.values() for one in given}
        held = [settings.get(one, {}) for one in sorted(access.set_ids)]
        told = {one for given in held for one, default in given.items() if default is not None}
        free = self._free() - {one for given in held for one, default in given.items() if default is None}
        available = frozenset(one for one in active if one not in mentioned or one in told or one in free)
        owned = [settings.get(str(row["Id"]), {}) for row in self._sets_of_profile(access)]
        defaults = sorted(one for given in owned for one, default in given.items() if default and one in available)
        return available, defaults[0] if defaults else None

    def _sets_of_profile(self, access: EffectiveAccess) -> list[Row]:
        if access.profile_id is None or self._org.schema.get("PermissionSet") is None:
            return []
        return self._org.rows("PermissionSet", ProfileId=access.profile_id)

    # What sets give

    def given_by(self, set_id: str) -> Given:
        """What a set says of record types."""
        return dict(self._load().get(set_id, {}))

    def give(self, set_id: str, record_types: Mapping[str, bool | None], *, source: bool = True) -> None:
        """Let a permission set, or a profile by the set it owns, say of record types whether they are available.

        `source` is false for what is said after the org was made: it takes nothing from others.
        """
        with self._org.transaction():
            if not source:
                mentioned = {one for given in self._load().values() for one in given}
                self._org.store.save_state(_FREE, sorted(self._free() | (record_types.keys() - mentioned)))
            self._settings = {**self._load(), set_id: {**self._load().get(set_id, {}), **record_types}}
            self._org.store.save_state(_STATE, self._settings)
            self._known.clear()

    def _free(self) -> set[str]:
        """What nothing in the source mentions, and a set has come to name since."""
        return set(self._org.store.load_state(_FREE) or ())

    def _load(self) -> dict[str, Given]:
        if self._settings is None:
            self._settings = self._org.store.load_state(_STATE) or {}
        return self._settings

    # Forgetting

    def row_changed(self, name: str) -> None:
        """A row of an object was written."""
        if name == "RecordType":
            self._known.clear()

    def forget_everything(self) -> None:
        """After a rollback or another state."""
        self._settings = None
        self._known.clear()
