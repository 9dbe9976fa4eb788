"""A permission set as metadata XML: order, bytes, escaping."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.access.model import Access
from harness.access.use.permission_set import not_in_metadata, permission_set_xml

ACCESS = Access.model_validate(
    {
        "objects": {"Lead": ["read", "view-all"], "Account": ["read", "create"]},
        "fields": {"Lead.Company": ["read"], "Account.Site": ["read", "edit"]},
        "system": ["ViewRoles", "ApiEnabled"],
        "setup": [
            "ApexClass:Sync",
            "CustomPermission:Skip",
            "ConnectedApplication:ERP",
            "CustomEntityDefinition:X__mdt",
        ],
        "record_types": ["Account.Customer"],
    }
)
EXPECTED = """<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">
    <classAccesses>
        <apexClass>Sync</apexClass>
        <enabled>true</enabled>
    </classAccesses>
    <customMetadataTypeAccesses>
        <enabled>true</enabled>
        <name>X__mdt</name>
    </customMetadataTypeAccesses>
    <customPermissions>
        <enabled>true</enabled>
        <name>Skip</name>
    </customPermissions>
    <description>What R&amp;D uses.</description>
    <fieldPermissions>
        <editable>true</editable>
        <field>Account.Site</field>
        <readable>true</readable>
    </fieldPermissions>
    <fieldPermissions>
        <editable>false</editable>
        <field>Lead.Company</field>
        <readable>true</readable>
    </fieldPermissions>
    <hasActivationRequired>false</hasActivationRequired>
    <label>Integration - R&amp;D</label>
    <objectPermissions>
        <allowCreate>true</allowCreate>
        <allowDelete>false</allowDelete>
        <allowEdit>false</allowEdit>
        <allowRead>true</allowRead>
        <modifyAllRecords>false</modifyAllRecords>
        <object>Account</object>
        <viewAllFields>false</viewAllFields>
        <viewAllRecords>false</viewAllRecords>
    </objectPermissions>
    <objectPermissions>
        <allowCreate>false</allowCreate>
        <allowDelete>false</allowDelete>
        <allowEdit>false</allowEdit>
        <allowRead>true</allowRead>
        <modifyAllRecords>false</modifyAllRecords>
        <object>Lead</object>
        <viewAllFields>false</viewAllFields>
        <viewAllRecords>true</viewAllRecords>
    </objectPermissions>
    <recordTypeVisibilities>
        <recordType>Account.Customer</recordType>
        <visible>true</visible>
    </recordTypeVisibilities>
    <userPermissions>
        <enabled>true</enabled>
        <name>ApiEnabled</name>
    </userPermissions>
    <userPermissions>
        <enabled>true</enabled>
        <name>ViewRoles</name>
    </userPermissions>
</PermissionSet>
"""


def test_as_an_org_gives_it_out() -> None:
    assert permission_set_xml(ACCESS, label="Integration - R&D", description="What R&D uses.") == EXPECTED
    assert not_in_metadata(ACCESS) == ("ConnectedApplication:ERP",)


NAMES = st.from_regex(r"[A-Z][a-z]{0,3}(__c)?", fullmatch=True)


@given(
    st.dictionaries(NAMES, st.just(frozenset({"read"})), max_size=5),
    st.frozensets(NAMES, max_size=5),
    st.randoms(use_true_random=False),
)
def test_the_order_things_come_in_makes_no_difference(
    objects: dict[str, frozenset[str]], system: frozenset[str], order: object
) -> None:
    shuffled = list(objects.items())
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        permission_set_xml(Access.model_validate({"objects": each, "system": system}), label="l", description="d")
        for each in (objects, dict(shuffled))
    )
    assert one == other
    found = re.findall(r"<(objectPermissions|userPermissions|description|label)>", one)
    assert found == sorted(found)
