"""Apex REST classes as stubs: named endpoints with a fixed answer, behind the access check of a real class.

Apex runs in system context, so nothing but access to the class is asked of the user: SetupEntityAccess to the
ApexClass, Author Apex or Modify All Data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def add_endpoint(
    org: SandboxOrg, *, class_name: str, path: str, method: str = "GET", body: Any = None, status: int = 200
) -> None:
    """Let `METHOD /services/apexrest/PATH` answer with a body, JSON data.

    The class gets a row when the org has none of that name. Raises ValueError for a method that Apex REST has not.
    """
    if method not in METHODS:
        raise ValueError(f"Apex REST has no method {method}; it has {', '.join(METHODS)}")
    rows = org.rows("ApexClass", Name=class_name)
    class_id = rows[0]["Id"] if rows else org.insert_row("ApexClass", {"Name": class_name})
    values = {"class_id": class_id, "class_name": class_name, "status": status, "body": body}
    Drawer(org, "apex_rest").put(f"{method} {path.strip('/').lower()}", values)


def run(call: Call) -> Answer:
    """Answer for an endpoint. Raises ApiError NOT_FOUND or FORBIDDEN."""
    endpoint = Drawer(call.org, "apex_rest").get(f"{call.method} {call.path.lower()}")
    if endpoint is None:
        raise ApiError(404, "NOT_FOUND", "Could not find a match for URL")
    access = call.org.permissions_of(call.user_id)
    if endpoint["class_id"] not in access.setup and not access.has("AuthorApex", "ModifyAllData"):
        raise ApiError(403, "FORBIDDEN", f"You do not have access to the Apex class named: {endpoint['class_name']}")
    return Answer(int(endpoint["status"]), endpoint["body"])
