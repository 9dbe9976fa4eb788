"""The simulated org: rows, queries and writes as a user, and what loaders and sign-in do as the system."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from harness.sandbox.access.effective import AccessBook, EffectiveAccess
from harness.sandbox.access.permission_names import PermissionNames
from harness.sandbox.access.recalculation import Recalculation
from harness.sandbox.access.record_types import RecordTypes
from harness.sandbox.access.system_context import in_system_context
from harness.sandbox.audit import AuditTrail
from harness.sandbox.clock import SandboxClock, wire_datetime
from harness.sandbox.derived import Derived, link_definitions
from harness.sandbox.describing.definitions import tooling_field, unasked_tooling_fields
from harness.sandbox.describing.describe import describe, describe_global, visible
from harness.sandbox.describing.setup_metadata import with_metadata
from harness.sandbox.errors import ApiError, entity_is_deleted, not_found
from harness.sandbox.ids import IdSequence, long_id, make_id
from harness.sandbox.late import LateRequests
from harness.sandbox.objects.sharing import add_share_objects
from harness.sandbox.relations import Relations
from harness.sandbox.rules import complete, rules_of
from harness.sandbox.schema import Field, Schema, SObject
from harness.sandbox.sharing import Sharing
from harness.sandbox.sharing.derived_shares import DerivedShares
from harness.sandbox.sharing.guard import SharingGuard
from harness.sandbox.sharing.record_access import RECORD_ACCESS, RecordAccess
from harness.sandbox.soql.calendars import calendar_of
from harness.sandbox.soql.compiler import compile_query
from harness.sandbox.soql.dates import Calendar
from harness.sandbox.soql.functions import install
from harness.sandbox.soql.names import World
from harness.sandbox.soql.parser import LONGEST_KEPT, parse
from harness.sandbox.soql.plan import Plan, QueryResult
from harness.sandbox.soql.templates import Templates
from harness.sandbox.stamp import MetadataStamp
from harness.sandbox.store import COMPOUND_TYPES, Row, Store, as_read
from harness.sandbox.switches import DEFAULT_SWITCHES, Switches
from harness.sandbox.writing.dml import Dml
from harness.sandbox.writing.duplicates import DuplicateOptions, Duplicates
from harness.sandbox.writing.incoming import AUDIT_FIELDS
from harness.sandbox.writing.values import to_column

API_VERSION = "67.0"
_MOST_PLANS = 2000
_ANY_ID = "000000000000000AAA"
"""Stands for the id of whatever row is asked for."""


class SandboxOrg:
    """One org. Every method may be called from any thread; all raise ApiError for what the platform refuses."""

    def __init__(
        self,
        schema: Schema,
        *,
        path: Path | None = None,
        clock: SandboxClock | None = None,
        switches: Switches = DEFAULT_SWITCHES,
    ) -> None:
        add_share_objects(schema)
        self.schema = schema
        self.switches = switches
        self.clock = clock or SandboxClock()
        self.lock = threading.RLock()
        self.store = Store(schema, path)
        install(self.store)
        self.late = LateRequests(self)
        self._load_state()
        self.stamp = MetadataStamp(self.clock.peek, self.store.load_state("metadata"))
        self.org_id = make_id("00D", 1)
        link_definitions(schema)
        self.relations = Relations(schema)
        self.permission_names = PermissionNames(schema)
        self.sharing = Sharing(schema, self.store)
        self.sharing.hidden_names = self._hidden_names
        self.record_types = RecordTypes(self)
        self.sharing_guard = SharingGuard(self)
        self.shares = DerivedShares(self)
        self.record_access = RecordAccess(self)
        self.session_id: ContextVar[str | None] = ContextVar("session_id", default=None)
        """The AuthSession of the request under way."""
        self.duplicate_options: ContextVar[DuplicateOptions | None] = ContextVar("duplicate_options", default=None)
        """What the request under way says about duplicates."""
        self.api_version = ContextVar("api_version", default=API_VERSION)
        """The version of the request under way: what there is in it, and what a refusal tells of it."""
        self.book = AccessBook(
            schema,
            self.store,
            now=lambda: wire_datetime(self.clock.peek()),
            session_id=self.session_id.get,
            api_version=self.api_version.get,
            restricts_settings=lambda: self.switches.restricted_custom_settings,
        )
        self.derived = Derived(self)
        self.duplicates = Duplicates(self)
        self.dml = Dml(self, rules_of(self))
        self.trail = AuditTrail(self)
        self.recalculation = Recalculation(self)
        self.book.before_reading = self.recalculation.settle
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()
        self._templates = Templates()
        self.before_row: Callable[[str, str, str], None] = lambda _sobject, _operation, _user_id: None
        """Called before a user writes a row, and may refuse it: how a control interface locks rows."""
        self.known_sessions: dict[str, Any] = {}
        """What identity remembers of sessions between two requests."""
        self.after_restore: list[Callable[[], None]] = []
        """Called when a snapshot was put back."""
        self.store.before_commit.append(self._save_state)
        self.store.after_transaction.append(self._after_transaction)

    def close(self) -> None:
        """Close the state."""
        self.store.close()

    def snapshot(self) -> bytes:
        """All rows, sessions, sequences, late requests and the time, for `restore`.

        Raises RuntimeError in a transaction.
        """
        with self.lock:
            with self.store.transaction():  # which saves the sequences and the time
                pass
            return self.store.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Make everything as it was when the snapshot was taken. Raises RuntimeError in a transaction."""
        with self.lock:
            self.store.restore(snapshot)
            self._load_state()
            self.stamp.move()
            self._forget_everything()
            for callback in self.after_restore:
                callback()

    def _hidden_names(self, access: EffectiveAccess) -> tuple[list[str], list[str]]:
        """The objects and fields whose permission rows a user does not see."""
        return self.permission_names.hidden_from(access) if self.switches.hidden_permission_rows else ([], [])

    def _load_state(self) -> None:
        self.ids = IdSequence(self.store.load_state("ids"))
        self._numbers: dict[str, int] = self.store.load_state("numbers") or {}
        kept_time = self.store.load_state("clock")
        if kept_time:
            self.clock.put(datetime.fromisoformat(kept_time))
        self.late.reload()

    def _save_state(self) -> None:
        self.store.save_state("ids", self.ids.counters)
        self.store.save_state("numbers", self._numbers)
        self.store.save_state("clock", self.clock.peek().isoformat())
        self.store.save_state("metadata", self.stamp.kept())

    def _forget_everything(self) -> None:
        """What was remembered of another state."""
        self.book.forget_everything()
        self._forget_rows()

    def _forget_rows(self) -> None:
        """What was remembered of rows that are no longer so."""
        self.derived.forget_everything()
        self.shares.forget_everything()
        self.record_types.forget_everything()
        self.recalculation.reload()
        self.known_sessions.clear()

    def _after_transaction(self, kept: bool) -> None:
        outermost = not self.store.in_transaction
        self.book.transaction_ended(kept=kept, outermost=outermost)
        if not kept:
            self._forget_rows()
        if outermost:
            self.dml.end_transaction()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: rolled back when an exception leaves it. Inside another one it is a savepoint."""
        with self.lock, self.store.transaction():
            yield

    def schema_changed(self) -> None:
        """Objects or fields were added to the schema."""
        with self.lock:
            add_share_objects(self.schema)
            self.stamp.move()
            for sobject in self.schema:
                self.store.schema_changed(sobject)
            link_definitions(self.schema)
            self.relations = Relations(self.schema)
            self.permission_names = PermissionNames(self.schema)
            self.dml.use(rules_of(self))
            self.shares.forget_everything()
            self.derived.forget_everything()
            self.book.forget_everything()
            self._plans.clear()
            self._templates.clear()

    # As a user

    def permissions_of(self, user_id: str) -> EffectiveAccess:
        """What a user may do, computed again only after something it depends on has changed."""
        with self.lock:
            return self.book.of(user_id)

    def query(
        self,
        soql: str,
        *,
        as_user: str,
        all_rows: bool = False,
        tooling: bool = False,
        version: str = API_VERSION,
        system_context: bool = False,
    ) -> QueryResult:
        """Run SOQL with the user's permissions and sharing. `all_rows` finds deleted rows too (queryAll).

        In system context, as Apex runs, neither permissions nor sharing count.
        """
        with self.lock:
            access = self.book.of(as_user)
            if system_context:
                access = in_system_context(access, self.schema)
            plan = self._plan(soql, access, all_rows=all_rows, tooling=tooling)
            if plan.sobject.name == RECORD_ACCESS:
                self.record_access.fill(parse(soql), access)
            return self._run(plan, access, tooling=tooling, version=version)

    def _run(self, plan: Plan, access: EffectiveAccess, *, tooling: bool, version: str) -> QueryResult:
        self.derived.prepare(plan.reads, access, plan.compared)
        for share in plan.reads:
            if share.share_of:
                self.shares.refresh(share)
        base = f"/services/data/v{version}" + ("/tooling" if tooling else "")
        result = plan.run(self.store, self._calendar(plan, access.user_id), base)
        return with_metadata(self, plan.sobject, result) if tooling else result

    def _calendar(self, plan: Plan, user_id: str) -> Calendar:
        now = self.clock.peek()
        return calendar_of(self.store, self.schema, now, user_id) if plan.dated else Calendar(now)

    def _plan(self, soql: str, access: EffectiveAccess, *, all_rows: bool, tooling: bool) -> Plan:
        key = (access.serial, self.store.tables_lost, soql, all_rows, tooling)
        plan = self._plans.get(key)
        if plan is None:
            compiled = partial(self._compile, access=access, all_rows=all_rows, tooling=tooling)
            plan = self._templates.plan(soql, (access.serial, self.store.tables_lost, all_rows, tooling), compiled)
            if len(soql) <= LONGEST_KEPT:
                self._keep(key, plan)
        return plan

    def _row_plan(
        self, sobject: SObject, fields: Sequence[str] | None, access: EffectiveAccess, *, tooling: bool
    ) -> Plan:
        """How to read one row, with any id."""
        columns = None if fields is None else tuple(fields)
        key = (access.serial, self.store.tables_lost, sobject.name, columns, tooling)
        plan = self._plans.get(key)
        if plan is not None:
            return plan
        names = ", ".join(self._asked_fields(sobject, fields, access, tooling=tooling))
        soql = f"SELECT {names} FROM {sobject.name} WHERE Id = '{_ANY_ID}'"  # noqa: S608 - SOQL, names of the schema
        return self._keep(key, self._compile(soql, access, all_rows=False, tooling=tooling))

    def _compile(self, soql: str, access: EffectiveAccess, *, all_rows: bool, tooling: bool) -> Plan:
        world = World(self.schema, self.relations, self.store, self.sharing, access, tooling, all_rows)
        return compile_query(parse(soql), soql, world)

    def _keep(self, key: tuple[object, ...], plan: Plan) -> Plan:
        self._plans[key] = plan
        if len(self._plans) > _MOST_PLANS:
            self._plans.popitem(last=False)
        return plan

    def retrieve(
        self,
        sobject: str,
        record_id: str,
        *,
        as_user: str,
        fields: Sequence[str] | None = None,
        tooling: bool = False,
        version: str = API_VERSION,
    ) -> dict[str, Any]:
        """One row with the fields asked for, or with all that the user may read."""
        with self.lock:
            access = self.book.of(as_user)
            found = self._visible(sobject, access, tooling=tooling)
            key = long_id(record_id)
            if key is None or (found.key_prefix and not key.startswith((found.key_prefix, "000"))):
                raise not_found()
            plan = self._row_plan(found, fields, access, tooling=tooling).with_value(_ANY_ID, key)
            records = self._run(plan, access, tooling=tooling, version=version).records
            if not records:
                raise self._not_readable(found, key)
            return records[0]

    def _not_readable(self, sobject: SObject, record_id: str) -> ApiError:
        """What a read of a row answers that is gone, or was never there, or that sharing hides."""
        gone = self.ids.was_given(record_id) and not self.store.exists(sobject, record_id)
        return entity_is_deleted() if gone and self.switches.deleted_row_read == "entity-is-deleted" else not_found()

    def _visible(self, name: str, access: EffectiveAccess, *, tooling: bool = False) -> SObject:
        found = self.schema.get(name)
        if found is None or (found.tooling and not tooling) or not access.can(found, "read"):
            raise not_found()
        return found

    def _asked_fields(
        self, sobject: SObject, asked: Sequence[str] | None, access: EffectiveAccess, *, tooling: bool
    ) -> list[str]:
        if asked is None:
            own = [one.name for one in sobject.fields.values() if access.can_read_field(sobject, one)]
            return own + unasked_tooling_fields(sobject) if tooling else own
        names = []
        for name in asked:
            field = sobject.get(name) or (tooling_field(sobject, name) if tooling else None)
            if field is None or not access.can_read_field(sobject, field):
                raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
            names.append(field.name)
        return list(dict.fromkeys(names)) or ["Id"]

    def describe(self, sobject: str, *, as_user: str, version: str = API_VERSION) -> dict[str, Any]:
        """The describe of an object as the user sees it; NOT_FOUND where it does not."""
        with self.lock:
            access = self.book.of(as_user)
            return describe(self, visible(self, sobject, access), access, version)

    def describe_global(self, *, as_user: str, version: str = API_VERSION) -> dict[str, Any]:
        """The objects that the user sees."""
        with self.lock:
            return describe_global(self, self.book.of(as_user), version)

    def create(self, sobject: str, values: Mapping[str, Any], *, as_user: str) -> str:
        """Create a row; its id."""
        with self.lock, self.trail.acting(as_user):
            self.before_row(sobject, "create", as_user)
            return self.dml.create(sobject, values, self.book.of(as_user))

    def update(self, sobject: str, record_id: str, values: Mapping[str, Any], *, as_user: str) -> None:
        """Change fields of a row."""
        with self.lock, self.trail.acting(as_user):
            self.before_row(sobject, "update", as_user)
            self.dml.update(sobject, record_id, values, self.book.of(as_user))

    def delete(self, sobject: str, record_id: str, *, as_user: str) -> None:
        """Delete a row."""
        with self.lock, self.trail.acting(as_user):
            self.before_row(sobject, "delete", as_user)
            self.dml.delete(sobject, record_id, self.book.of(as_user))

    def upsert(
        self, sobject: str, key_field: str, key: str, values: Mapping[str, Any], *, as_user: str
    ) -> tuple[str, bool]:
        """Create or update the row with that external id; its id, and whether it was created."""
        with self.lock, self.trail.acting(as_user):
            self.before_row(sobject, "upsert", as_user)
            return self.dml.upsert(sobject, key_field, key, values, self.book.of(as_user))

    # As the system

    def insert_row(self, sobject: str, values: Mapping[str, Any]) -> str:
        """Add a row without any check; ids, audit fields and defaults are filled in. Its id."""
        with self.transaction():
            found = self._known(sobject)
            columns = self._convert(found, values)
            return str(self.write_new(found, columns, columns.get("CreatedById"))["Id"])

    def update_row(self, sobject: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Change a row without any check."""
        with self.transaction():
            found = self._known(sobject)
            row = self.store.get(found, long_id(record_id) or record_id)
            if row is None:
                raise not_found()
            self.write_changes(found, row, self._convert(found, values), None)

    def delete_row(self, sobject: str, record_id: str) -> None:
        """Delete a row without any check."""
        with self.transaction():
            found = self._known(sobject)
            row = self.store.get(found, long_id(record_id) or record_id)
            if row is None:
                raise not_found()
            self.write_removal(found, row)

    def purge(self, sobject: str, record_id: str) -> None:
        """Take a deleted row out of the recycle bin, and its details with it."""
        with self.transaction():
            self._purge(self._known(sobject), long_id(record_id) or record_id)

    def _purge(self, sobject: SObject, record_id: str) -> None:
        for child, field in self.relations.referring(sobject):
            if field.master_detail:
                for one in self.store.select(child, {field.name: record_id}, deleted=True):
                    self._purge(child, one["Id"])
        self.store.erase(sobject, record_id)

    def row(self, sobject: str, record_id: str) -> Row | None:
        """The columns of a row, by API name."""
        with self.lock:
            return self.store.get(self._known(sobject), long_id(record_id) or record_id)

    def rows(self, sobject: str, **equals: Any) -> list[Row]:
        """The rows whose columns have these values (None: is null; a set or list: any of them), by id."""
        with self.lock:
            found = self._known(sobject)
            named = {(field.name if (field := found.get(name)) else name): value for name, value in equals.items()}
            return self.select(found, named)

    def select(self, sobject: SObject, equals: Mapping[str, Any]) -> list[Row]:
        """As `rows`, with an object and the schema's names."""
        return self.store.select(sobject, equals)

    def _known(self, name: str) -> SObject:
        found = self.schema.get(name)
        if found is None:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def _convert(self, sobject: SObject, values: Mapping[str, Any]) -> dict[str, Any]:
        columns = {}
        for name, value in values.items():
            field = sobject.get(name)
            if field is None or field.type in COMPOUND_TYPES:
                raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
            columns[field.name] = to_column(field, value)
        return columns

    def complete(self) -> None:
        """Make what the platform makes by itself, where a loader left it out: see `rules.complete`."""
        with self.transaction():
            complete(self)

    def peek(self, name: str, record_id: str, column: str) -> Any:
        """One column of a row, without reading the whole of it; None where there is no such row or column."""
        sobject = self._known(name)
        return self.store.value(sobject, record_id, column) if sobject.get(column) else None

    # Writing: what every way of writing has in common

    def write_new(self, sobject: SObject, columns: Mapping[str, Any], user_id: str | None) -> Row:
        """Store a new row with its id, defaults, auto numbers and audit fields."""
        row: Row = {"Id": columns.get("Id") or self.ids.next(sobject.key_prefix or "000")}
        self.ids.keep_clear_of(row["Id"])
        for field in sobject.fields.values():
            if field.name == "Id" or field.type in COMPOUND_TYPES:
                continue
            value = columns.get(field.name)
            if value is None and field.name not in columns:
                value = self._initial(sobject, field)
            if value is not None or field.type == "boolean":
                row[field.name] = value if value is not None else 0
        self._stamp(sobject, row, user_id, created=True)
        self._name_from_parts(sobject, row)
        self.store.insert(sobject, row)
        stored = as_read(sobject, row)
        self._row_changed(sobject.name, stored)
        self.trail.changed(sobject, None, stored)
        return stored

    def write_changes(self, sobject: SObject, row: Row, columns: Mapping[str, Any], user_id: str | None) -> Row:
        """Store changes of a row."""
        changes = dict(columns)
        self._stamp(sobject, changes, user_id, created=False)
        if {"FirstName", "LastName"} & set(columns):
            changes = {**changes, **self._joined_name(sobject, {**row, **changes})}
        self.store.update(sobject, row["Id"], changes)
        after = self.store.get(sobject, row["Id"], deleted=True)
        assert after is not None
        self._row_changed(sobject.name, row, after)
        self.trail.changed(sobject, row, after)
        return after

    def write_removal(self, sobject: SObject, row: Row) -> None:
        """Remove a row: its details go with it, and lookups to it are emptied."""
        with self.trail.acting(None):
            self._let_go(sobject, row)
        if sobject.get("SystemModstamp"):  # which says when it was deleted, as long as it is in the recycle bin
            self.store.update(sobject, row["Id"], {"SystemModstamp": wire_datetime(self.clock.now())})
        self.store.remove(sobject, row["Id"])
        self._row_changed(sobject.name, row)
        self.trail.changed(sobject, row, None)

    def _let_go(self, sobject: SObject, row: Row) -> None:
        """Remove the details of a row, and empty the lookups to it."""
        for child, field in self.relations.referring(sobject):
            if field.name in AUDIT_FIELDS or not (field.master_detail or field.nillable):
                continue
            for one in self.store.select(child, {field.name: row["Id"]}):
                if field.master_detail:
                    self.write_removal(child, one)
                else:
                    self.write_changes(child, one, {field.name: None}, None)

    def _row_changed(self, name: str, *rows: Row) -> None:
        self.stamp.row_changed(name, *rows)
        self.book.row_changed(name, *rows)
        self.derived.row_changed(name)
        self.shares.row_changed(name)
        self.record_types.row_changed(name)
        self.recalculation.row_changed(name, *rows)

    def _initial(self, sobject: SObject, field: Field) -> Any:
        if field.auto_number:
            number = self._numbers[sobject.name] = self._numbers.get(sobject.name, 0) + 1
            return f"{number:08d}"
        return None if field.default is None or field.calculated else to_column(field, field.default)

    def _stamp(self, sobject: SObject, row: Row, user_id: str | None, *, created: bool) -> None:
        moment = wire_datetime(self.clock.now())
        user = user_id or self._system_user()
        names = ("LastModifiedDate", "SystemModstamp") + (("CreatedDate",) if created else ())
        row.update({name: moment for name in names if sobject.get(name) and not row.get(name)})
        names = ("LastModifiedById",) + (("CreatedById",) if created else ())
        row.update({name: user for name in names if sobject.get(name) and not row.get(name)})

    def _system_user(self) -> str | None:
        user = self.schema.get("User")
        if user is None:
            return None
        self.store.ensure(user)
        found = self.store.execute('SELECT min("Id") FROM "User"').fetchone()
        return found[0] if found else None

    def _name_from_parts(self, sobject: SObject, row: Row) -> None:
        row.update(self._joined_name(sobject, row))

    def _joined_name(self, sobject: SObject, row: Mapping[str, Any]) -> Row:
        name = sobject.get("Name")
        if name is None or not sobject.get("LastName") or not row.get("LastName"):
            return {}
        return {"Name": " ".join(str(row[part]) for part in ("FirstName", "LastName") if row.get(part))}
