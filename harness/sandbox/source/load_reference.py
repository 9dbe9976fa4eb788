"""Fill the tables that say what statuses and stages mean, from the picklists they stand for, and business hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.sandbox.source.loading import Loading

_TABLES = (
    ("OpportunityStage", "Opportunity", "StageName"),
    ("LeadStatus", "Lead", "Status"),
    ("CaseStatus", "Case", "Status"),
    ("TaskStatus", "Task", "Status"),
    ("TaskPriority", "Task", "Priority"),
    ("ContractStatus", "Contract", "Status"),
)
_PROBABILITIES: Mapping[str, int] = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}
"""Of the stages that a new org has."""
_STATUS_CODES = {"In Approval Process": "InApproval", "Activated": "Activated", "Draft": "Draft"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def load_reference(loading: Loading) -> None:
    """One row for each value of each status, and business hours around the clock, as a new org has them."""
    for table, sobject, field in _TABLES:
        described, stands_for = loading.org.schema.get(table), loading.org.schema.get(sobject)
        picklist = stands_for.get(field) if stands_for else None
        if described is None or picklist is None:
            continue
        for number, value in enumerate(picklist.picklist, start=1):
            row = _meaning(value, number, default=picklist.default)
            loading.insert(table, {name: one for name, one in row.items() if described.get(name)})
    if loading.org.schema.get("BusinessHours") is not None:
        midnight = {f"{day}{end}Time": "00:00:00.000Z" for day in _DAYS for end in ("Start", "End")}
        named = {"Name": "Default", "IsActive": True, "IsDefault": True, "TimeZoneSidKey": "America/Los_Angeles"}
        loading.insert("BusinessHours", named | midnight)


def _meaning(value: str, number: int, *, default: object) -> dict[str, Any]:
    closed, won = value.startswith("Closed") or value == "Completed", value == "Closed Won"
    category = "Closed" if won else "Omitted" if closed else "Pipeline"
    return {
        "MasterLabel": value,
        "ApiName": value,
        "SortOrder": number,
        "IsActive": True,
        "IsDefault": value == default,
        "IsClosed": closed,
        "IsWon": won,
        "IsConverted": value.endswith("- Converted"),
        "IsHighPriority": value == "High",
        "ForecastCategory": category,
        "ForecastCategoryName": category,
        "DefaultProbability": _PROBABILITIES.get(value, 0),
        "StatusCode": _STATUS_CODES.get(value, "Draft"),
    }
