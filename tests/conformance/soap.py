"""SOAP requests as the recordings' clients sent them, with a session of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.conformance.world import World

PARTNER = "urn:partner.soap.sforce.com"
METADATA = "http://soap.sforce.com/2006/04/metadata"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SF = "urn:sobject.partner.soap.sforce.com"

OPPORTUNITIES = "SELECT Id, Name, StageName FROM Opportunity"

Body = Callable[[World], str]


def partner(operation: str, token: str | None = None) -> Body:
    """A call of the partner API."""
    return lambda world: envelope(PARTNER, operation, token or world.token)


def metadata(operation: str) -> Body:
    """A call of the Metadata API."""
    return lambda world: envelope(METADATA, operation, world.token)


def login(*, wrong: bool = False) -> Body:
    """login() with the administrator's password, or with a wrong one."""

    def body(world: World) -> str:
        secret = "wrong" if wrong else world.admin["password"] + world.admin["security_token"]
        name = f"<username>{world.admin['username']}</username>"
        return envelope(PARTNER, f"<login>{name}<password>{secret}</password></login>", None)

    return body


def envelope(namespace: str, operation: str, token: str | None, header: str = "") -> str:
    if token is not None:
        header += f"<SessionHeader><sessionId>{token}</sessionId></SessionHeader>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" xmlns:xsi="{_XSI}" '
        f'xmlns:sf="{_SF}"><soapenv:Header xmlns="{namespace}">{header}</soapenv:Header>'
        f'<soapenv:Body xmlns="{namespace}">{operation}</soapenv:Body></soapenv:Envelope>'
    )


def update_opportunity(world: World) -> str:
    found = world.org.rows("Opportunity")[0]["Id"]
    row = f"<sObjects><sf:type>Opportunity</sf:type><sf:Id>{found}</sf:Id><sf:Name>New</sf:Name></sObjects>"
    return partner(f"<update>{row}</update>")(world)


def create_with_hidden_parent(world: World) -> str:
    """A contact of an account that its creator may not see; accounts are private."""
    parent = world.add("Account", Name="Hidden")
    clerks = world.add("PermissionSet", Name="Clerks", Label="Clerks", Type="Regular")
    for name, create in (("Account", False), ("Contact", True)):
        rights = {"PermissionsRead": True, "PermissionsCreate": create}
        world.add("ObjectPermissions", ParentId=clerks, SobjectType=name, **rights)
    field = {"SobjectType": "Contact", "Field": "Contact.AccountId"}
    world.add("FieldPermissions", ParentId=clerks, PermissionsRead=True, PermissionsEdit=True, **field)
    clerk = world.user_id("erp@acme.example")
    license_id = world.org.rows("PermissionSetLicense", DeveloperName="SalesforceAPIIntegrationPsl")[0]["Id"]
    world.add("PermissionSetLicenseAssign", AssigneeId=clerk, PermissionSetLicenseId=license_id)
    world.add("PermissionSetAssignment", AssigneeId=clerk, PermissionSetId=clerks)
    fields = f"<sf:LastName>X</sf:LastName><sf:AccountId>{parent}</sf:AccountId>"
    row = f"<sObjects><sf:type>Contact</sf:type>{fields}</sObjects>"
    return partner(f"<create>{row}</create>", world.token_of("erp@acme.example"))(world)


def create_profile_again(world: World) -> str:
    known = world.org.rows("Profile")[0]
    fields = f"<sf:Name>{known['Name']}</sf:Name><sf:UserLicenseId>{known['UserLicenseId']}</sf:UserLicenseId>"
    return partner(f"<create><sObjects><sf:type>Profile</sf:type>{fields}</sObjects></create>")(world)


def query_more(world: World) -> str:
    """The second page of a query, the first being all but two rows of it."""
    for number in range(202):
        world.add("Opportunity", Name=f"Opportunity {number}", StageName="Prospecting", CloseDate="2026-01-05")
    options = "<QueryOptions><batchSize>200</batchSize></QueryOptions>"
    asked = envelope(PARTNER, f"<query><queryString>{OPPORTUNITIES}</queryString></query>", world.token, options)
    first = world.ask("POST", "/services/Soap/u/53.0", data=asked, headers={"Content-Type": "text/xml"})
    locator = re.search("<queryLocator>(.*?)</queryLocator>", first.text)
    assert locator is not None, first.text
    return partner(f"<queryMore><queryLocator>{locator[1]}</queryLocator></queryMore>")(world)


def retrieve_status(world: World) -> str:
    """The state of a retrieval of the package that has nothing in it but its manifest."""
    unpackaged = "<unpackaged><version>50.0</version></unpackaged>"
    operation = f"<retrieve><retrieveRequest><apiVersion>50.0</apiVersion>{unpackaged}</retrieveRequest></retrieve>"
    asked = metadata(operation)(world)
    queued = world.ask("POST", "/services/Soap/m/50.0", data=asked, headers={"Content-Type": "text/xml"})
    found = re.search("<id>(.*?)</id>", queued.text)
    assert found is not None, queued.text
    return metadata(f"<checkRetrieveStatus><asyncProcessId>{found[1]}</asyncProcessId></checkRetrieveStatus>")(world)


def uncounted(answer: Any) -> Any:
    """An answer whose header says only that the day's requests are counted: how many they are, no two answers share."""
    info = answer["soapenv:Envelope"]["soapenv:Header"]["partner:LimitInfoHeader"]["partner:limitInfo"]
    if info["partner:current"].isdecimal():
        info["partner:current"] = "<count>"
    return answer
