"""A real browser for the reports: Debian's chromium, driven by playwright. Skipped, saying so, where there is none."""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.report.evidence import gather
from harness.report.index import write_reports
from tests import report_journals as made
from tests import report_proofs as proofs

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = {
    "signed-off": made.signed_off,
    "refused-plan": made.refused_plan,
    "failed-verify": made.failed_verify,
    "partial": made.partial,
    "large": made.large,
    "hostile": made.hostile,
    "proven": proofs.proven,
    "found-wanting": proofs.found_wanting,
}


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = _chromium()
    if executable is None:
        pytest.skip("no chromium here: apt-get install chromium, or name one in CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: pytest's output is for the tests."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a folder of reports, one for each kind of run."""
    folder = tmp_path_factory.mktemp("site")
    evidences = []
    for name, build in PAGES.items():
        journal = build()
        evidence = gather(journal)
        journal.close()
        header = evidence.header.model_copy(update={"scenario_file": f"{name}.scenario.yaml"})
        evidences.append(evidence.model_copy(update={"name": name, "header": header}))
    write_reports(evidences, folder)
    with _serve(folder) as address:
        yield address


@contextmanager
def _serve(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
