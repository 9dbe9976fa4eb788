"""The bench of a migration, and a client whose traffic is recorded as it really goes over the wire."""

from __future__ import annotations

from tests.component.migration import conftest as migration

make_bench = migration.make_bench
