"""The schema against describes that were recorded in real orgs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.objects import standard_schema

RECORDED = Path(__file__).parents[4] / "shared" / "recorded" / "describe"
DESCRIBES = {
    "Case": "case-describe-cci",
    "Contact": "contact-describe-cci",
    "Event": "event-describe-cci",
    "Group": "group-describe-v50-2023",
    "GroupMember": "groupmember-describe-v50-2023",
    "Lead": "lead-describe-cci",
    "OpportunityContactRole": "opportunitycontactrole-describe-cci",
    "PermissionSet": "permissionset-describe-v50-2023",
    "PermissionSetAssignment": "permissionsetassignment-describe-v50-2023",
    "User": "user-describe-v50-2023",
    "UserRole": "userrole-describe-v50-2023",
}
KNOWN_TO_DIFFER = {
    # Unique in effect, with an error code of its own; describe does not say so.
    ("User", "Username", "unique"),
    ("User", "CommunityNickname", "unique"),
    ("User", "FederationIdentifier", "unique"),
    # To objects that the simulated org does not have.
    ("User", "CallCenterId", "type"),
    ("Contact", "JigsawContactId", "relationshipName"),
    ("Lead", "JigsawContactId", "relationshipName"),
    ("Lead", "EmailBouncedReason", "updateable"),
    ("Lead", "EmailBouncedDate", "updateable"),
    ("Group", "OwnerId", "nillable"),
}
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded describes in {RECORDED}")


@pytest.mark.parametrize(("name", "file"), DESCRIBES.items())
def test_fields_are_as_a_real_org_describes_them(name: str, file: str) -> None:
    described = json.loads((RECORDED / f"{file}.body.json").read_text())
    ours = standard_schema().get(name)
    assert ours is not None
    assert ours.key_prefix == described.get("keyPrefix", ours.key_prefix)
    differences = {}
    for real in described["fields"]:
        field = ours.get(real["name"])
        if field is None:
            continue
        mine: dict[str, Any] = {
            "type": field.type,
            "length": field.length,
            "nillable": field.nillable,
            "createable": field.createable,
            "updateable": field.updateable,
            "filterable": field.filterable,
            "relationshipName": field.relationship_name,
            "unique": field.unique,
            "compoundFieldName": field.compound,
            "nameField": field.name_field,
        }
        if field.compound is None:  # a real describe calls an address's parts permissionable; only the whole has rows
            mine["permissionable"] = field.permissionable
        for key, value in mine.items():
            if (
                key in real
                and (real[key] or None) != (value or None)
                and (name, field.name, key) not in KNOWN_TO_DIFFER
            ):
                differences[field.name, key] = (real[key], value)
    assert differences == {}
