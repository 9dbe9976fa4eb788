"""What the simulated org answers, held against recorded answers of real orgs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import requests
from defusedxml.ElementTree import fromstring

from harness.sandbox import identity
from harness.sandbox.http.wire import encode
from harness.sandbox.objects import standard_schema
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
API = "/services/data/v53.0"
LOGIN = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>
<login xmlns="urn:partner.soap.sforce.com"><username>{}</username><password>{}</password></login>
</env:Body></env:Envelope>"""

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not beside the project")


@dataclass(frozen=True)
class At:
    """Where an org answers, with a session that carries a token."""

    url: str
    http: requests.Session

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.http.request(method, f"{self.url}{path}", timeout=10, **options)


def recorded(name: str) -> str:
    """The body of a recording."""
    return next(RECORDED.glob(f"{name}.body.*")).read_text(encoding="utf-8")


def provenance(name: str) -> dict[str, Any]:
    """Where a recording comes from, with its status and headers."""
    known: dict[str, Any] = json.loads((RECORDED / f"{name}.provenance.json").read_text(encoding="utf-8"))
    return known


def bodies() -> list[str]:
    """The JSON bodies that a recorder took from an org, byte by byte."""
    names = [path.relative_to(RECORDED).as_posix()[: -len(".body.json")] for path in RECORDED.rglob("*.body.json")]
    return sorted(name for name in names if provenance(name)["recorded"] == "recorded" and not _rewritten(name))


def _rewritten(name: str) -> bool:
    """Whether whoever cut a recording to size wrote it anew: no org puts a blank behind a colon and none before it."""
    return re.match(r'[\[{\s]*"\w+": ', recorded(name)) is not None


@pytest.fixture(scope="module")
def org() -> Iterator[SandboxOrg]:
    org = SandboxOrg(standard_schema())
    org.insert_row("Organization", {"Id": org.org_id, "Name": "Acme", "IsSandbox": True})
    values = {"Name": "Salesforce", "MasterLabel": "Salesforce", "Status": "Active", "TotalLicenses": 5}
    license_id = org.insert_row("UserLicense", values)
    every = {f"Permissions{one}": True for one in org.schema.system_permissions if one != "ApiUserOnly"}
    profile_id = org.insert_row("Profile", {"Name": "Admin", "UserLicenseId": license_id, **every})
    owned = {"Name": "X1", "Label": "X1", "ProfileId": profile_id, "IsOwnedByProfile": True, "LicenseId": license_id}
    org.insert_row("PermissionSet", owned | every)
    org.insert_row("User", {"Username": "a@acme.example", "LastName": "A", "IsActive": True, "ProfileId": profile_id})
    yield org
    org.close()


@pytest.fixture(scope="module")
def at(org: SandboxOrg) -> Iterator[At]:
    """The org as its administrator, over HTTP."""
    with SandboxServer(org) as server, requests.Session() as session:
        token = identity.sign_in(org, org.rows("User")[0], identity.Login(type="Test", application="Test")).token
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token}"
        yield At(server.ready.instance_url, session)


def shape(value: Any) -> Any:
    """Types instead of values, keys in their order."""
    if isinstance(value, dict):
        return [(name, shape(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("name", bodies() if RECORDED.is_dir() else [])
def test_json_is_written_as_recorded(name: str) -> None:
    text = recorded(name)
    pretty = encode(json.loads(text), pretty=True).decode()
    compact = encode(json.loads(text), pretty=False).decode()
    assert text.strip() in (pretty, compact)


def same_bytes(response: requests.Response, name: str) -> None:
    """Status, type and body as recorded."""
    known = provenance(name)["response"]
    assert response.text == recorded(name)
    assert response.status_code == known["status"]
    headers = {key.lower(): value for key, value in (known["headers"] or {}).items()}
    for header in ("content-type", "cache-control", "www-authenticate", "expires"):
        assert response.headers.get(header) == headers.get(header, response.headers.get(header)), header
    assert ("sforce-limit-info" in response.headers) == ("sforce-limit-info" in headers)


def test_errors_are_the_recorded_bytes(at: At) -> None:
    none, malformed = {"Authorization": None}, {"Authorization": "Bearer"}
    describe = f"{API}/sobjects/User/describe"
    same_bytes(at.ask("GET", describe, headers=none), "errors/401-invalid-session-id-missing-auth")
    same_bytes(at.ask("GET", describe, headers=malformed), "errors/401-invalid-auth-header")
    unknown = at.ask("POST", f"{API}/sobjects/PlayingCard__c", json={"Name": "Ace of Spades"})
    same_bytes(unknown, "errors/sfx-create-unknown-object")
    field = at.ask("POST", f"{API}/sobjects/Account", json={"FavoritePet__c": "Dog"})
    same_bytes(field, "errors/sfx-create-invalid-field")
    column = at.ask("GET", f"{API}/query", params={"q": "SELECT Bacon__c FROM Account LIMIT 2"})
    known = json.loads(recorded("errors/sfx-query-unknown-column"))
    assert column.status_code == 400
    assert [without_excerpt(one) for one in column.json()] == [without_excerpt(one) for one in known]
    malformed_query = at.ask("GET", f"{API}/query", params={"q": "SELEKT Id FROM Account"})
    same_bytes(malformed_query, "errors/sfx-query-malformed-soql")
    form = {"grant_type": "refresh_token", "refresh_token": "INVALID", "client_id": "INVALID"}
    token = at.ask("POST", "/services/oauth2/token", data=form, headers=none)
    same_bytes(token, "oauth/token-refresh-invalid-client-id")


def without_excerpt(error: dict[str, str]) -> dict[str, str]:
    """How much of the query an error quotes differs between recordings; what it says of it does not."""
    return error | {"message": error["message"].partition("ERROR at")[2]}


def test_a_row_comes_and_goes_as_recorded(at: At) -> None:
    made = at.ask("POST", f"{API}/sobjects/Account/", json={"Name": "x"}, headers={"X-PrettyPrint": "1"})
    assert shape(made.json()) == shape(json.loads(recorded("rest/sobject-create-201")))
    assert made.text.count("\n") == recorded("rest/sobject-create-201").count("\n")
    path = f"{API}/sobjects/Account/{made.json()['id']}"
    for method, body, name in (("PATCH", {"Name": "y"}, "dml/sfx-update"), ("DELETE", None, "dml/sfx-delete")):
        same_bytes(at.ask(method, path, json=body), name)
    same_bytes(at.ask("DELETE", path), "errors/sfx-delete-already-deleted")


def test_composite_answers_have_the_recorded_shape(at: At) -> None:
    parts = [
        {"referenceId": reference, "method": "GET", "url": f"{API}/query/?q=select count() from {sobject}"}
        for reference, sobject in (("refAccount", "Account"), ("refXYZZY", "XYZZY"))
    ]
    answer = at.ask("POST", f"{API}/composite", json={"compositeRequest": parts}, headers={"X-PrettyPrint": "1"})
    known = recorded("composite/composite-inner-invalid-type")
    count = json.loads(known)["compositeResponse"][0]["body"]["totalSize"]
    assert answer.text.replace('"totalSize" : 0', f'"totalSize" : {count}') == known


def test_an_empty_tooling_query_is_the_recorded_bytes(at: At) -> None:
    soql = "SELECT Id, Name FROM ApexClass WHERE Name = 'Nothing'"
    answer = at.ask("GET", f"{API}/tooling/query/", params={"q": soql}, headers={"X-PrettyPrint": "1"})
    assert answer.text == recorded("tooling/tooling-query-empty")


def test_row_counts_have_the_recorded_bytes(at: At, org: SandboxOrg) -> None:
    path, pretty = f"{API}/limits/recordCount?sObjects=Account", {"X-PrettyPrint": "1"}
    assert at.ask("GET", path, headers=pretty).text == recorded("limits/recordcount-no-rows")
    account_id = org.insert_row("Account", {"Name": "x"})
    assert at.ask("GET", path, headers=pretty).text == recorded("limits/recordcount")
    org.delete_row("Account", account_id)


def test_collections_have_the_recorded_shape(at: At, org: SandboxOrg) -> None:
    account_id = org.insert_row("Account", {"Name": "x"})
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Account"}, "Id": account_id, "Name": "y"}]}
    answer = at.ask("PATCH", f"{API}/composite/sobjects", json=body)
    assert shape(answer.json()) == shape(json.loads(recorded("collections/collections-update-success")))
    org.delete_row("Account", account_id)


def test_a_wrong_soap_login_is_the_recorded_bytes(at: At) -> None:
    answer = at.ask("POST", "/services/Soap/u/46.0", data=LOGIN.format("a@acme.example", "wrong"))
    assert answer.text.strip() == recorded("soap/login-fault-invalid-login-partner-sf-prefix").strip()
    assert answer.status_code == 500


def test_a_soap_login_has_the_recorded_elements(at: At, org: SandboxOrg) -> None:
    known = identity.secrets_of(org, org.rows("User")[0]["Id"])
    secret = known["password"] + known["security_token"]
    answer = at.ask("POST", "/services/Soap/u/46.0", data=LOGIN.format("a@acme.example", secret))
    assert elements(fromstring(answer.text)) == elements(fromstring(recorded("soap/login-success-partner-v46")))


def elements(parent: Element) -> list[Any]:
    """Names and nesting, without texts."""
    return [(child.tag, elements(child)) for child in parent]
