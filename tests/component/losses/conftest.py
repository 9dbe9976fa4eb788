"""The org that losses are seeded in, migrated once for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from harness.scenario.loader import load
from tests.component.losses.migrated import Migrated, migrated
from tests.component.losses.org import MIGRATION, write_org


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    folder = tmp_path_factory.mktemp("losses")
    write_org(folder / "org")
    path = folder / "erp.scenario.yaml"
    path.write_text(json.dumps({**MIGRATION, "org": {"simulated": "org"}}))
    with migrated(load(path), folder) as made:
        yield made
