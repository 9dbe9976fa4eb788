"""What is retrieved of a real org's project is what the real org had written, byte for byte, when it is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.sandbox.metadata.kinds import BY_NAME
from harness.sandbox.metadata.parts import document
from harness.sandbox.metadata.work import Work
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org

REAL_ORG = Path(__file__).parents[4] / "shared" / "orgs" / "gsa-workspace"
FILES = REAL_ORG / "force-app" / "main" / "default"
pytestmark = pytest.mark.skipif(not REAL_ORG.is_dir(), reason=f"no real org's metadata in {REAL_ORG}")


@pytest.fixture(scope="module")
def org() -> Iterator[SandboxOrg]:
    org = open_org(REAL_ORG)
    yield org
    org.close()


@pytest.mark.parametrize(
    ("kind", "count"), [("PermissionSet", 58), ("Role", 24), ("Group", 103), ("CustomPermission", 1)]
)
def test_files_are_written_as_the_platform_wrote_them(org: SandboxOrg, kind: str, count: int) -> None:
    handler = BY_NAME[kind]
    work = Work(org, org.rows("User")[0]["Id"], 60.0)
    files = sorted((FILES / handler.directory).glob(f"*.{handler.suffix}-meta.xml"))
    assert len(files) == count
    for file in files:
        parts = handler.show(work, unquote(file.name.removesuffix(f".{handler.suffix}-meta.xml")))
        assert parts is not None, file.name
        assert document(kind, parts).decode() == file.read_text(encoding="utf-8"), file.name
