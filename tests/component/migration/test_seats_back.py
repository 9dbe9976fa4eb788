"""A deactivation frees the seats of permission set licenses and packages: a rollback gives them back."""

from __future__ import annotations

import pytest

from harness.migration.records import RollbackProof
from harness.migration.undoing import rollback

from .conftest import Bench, MakeBench, ending, results


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """The source user has a seat of a package, and one of a permission set license."""
    accept = [
        {
            "lost": ["package-license dlrs", "system ViewHelpLink"],
            "because": "The new user runs nothing of the package.",
        }
    ]
    bench = make_bench(scenario={"permissions": {"accept": accept}})
    erp = bench.row("User", Username="erp.sync@acme.example")["Id"]
    package = bench.org.insert_row(
        "PackageLicense", {"NamespacePrefix": "dlrs", "AllowedLicenses": 5, "Status": "Active"}
    )
    bench.org.insert_row("UserPackageLicense", {"PackageLicenseId": package, "UserId": erp})
    psl = bench.row("PermissionSetLicense", DeveloperName="SalesforceAPIIntegrationPsl")["Id"]
    bench.org.insert_row("PermissionSetLicenseAssign", {"AssigneeId": erp, "PermissionSetLicenseId": psl})
    return bench


def test_seats_that_a_deactivation_freed_come_back(bench: Bench) -> None:
    records = list(bench.engine().stages())
    assert set(results(records).values()) == {"passed"}, ending(records)
    erp = bench.row("User", Username="erp.sync@acme.example")["Id"]
    assert not bench.org.rows("UserPackageLicense", UserId=erp), "the simulated org frees it"
    assert ending(list(bench.engine().rollback())).result == "passed"
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    assert proof.equal, proof
    assert len(bench.org.rows("UserPackageLicense", UserId=erp)) == 1
    assert len(bench.org.rows("PermissionSetLicenseAssign", AssigneeId=erp)) == 1


def test_a_rollback_that_forgets_the_seats_is_found_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "give_back_seats", lambda *_, **__: None)
    list(bench.engine().stages())
    list(bench.engine().rollback())
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    assert not proof.equal
    assert "package licenses" in str(proof)
    assert "permission set licenses" in str(proof)
