"""Real clients, unmodified, against the demo org."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import DEMO, open_org
from tests.conformance.clients import tls
from tests.conformance.clients.node_packages import NodePackages, NotInstalled, node_packages


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "real_client: starts a program that is not part of the project (npm installs it)"
    )


@pytest.fixture(scope="session")
def packages() -> NodePackages:
    try:
        return node_packages()
    except NotInstalled as reason:
        pytest.skip(f"needs the npm packages of the Salesforce CLI and jsforce: {reason}")


@pytest.fixture(scope="module")
def org() -> Iterator[SandboxOrg]:
    org = open_org(DEMO)
    yield org
    org.close()


@pytest.fixture(scope="module")
def server(org: SandboxOrg) -> Iterator[SandboxServer]:
    with SandboxServer(org) as running:
        yield running


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tls.Certificates:
    return tls.certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_server(org: SandboxOrg, known: tls.Certificates) -> Iterator[SandboxServer]:
    with SandboxServer(org, tls=(known.server, known.server)) as running:
        yield running


@pytest.fixture(scope="module")
def https(tls_server: SandboxServer, known: tls.Certificates) -> Iterator[requests.Session]:
    with tls.session(tls_server.ready.instance_url, known) as session:
        yield session
