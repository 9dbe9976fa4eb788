"""The limits of the org as a resource: what it may have, and what is left (REST guide, "Limits")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer

_FIXED: dict[str, int] = {
    "ActiveScratchOrgs": 0,
    "AnalyticsExternalDataSizeMB": 40_960,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 0,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 5_000_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyScratchOrgs": 0,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 100_000,
    "DataStorageMB": 1_024,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 1_024,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 20,
}
_SINCE = {
    "DailyBulkApiBatches": 49,
    "DailyBulkV2QueryFileStorageMB": 47,
    "DailyBulkV2QueryJobs": 47,
    "DailyAsyncApexTests": 56,
    "PermissionSets": 41,
}
_STORAGE = frozenset({"DataStorageMB", "FileStorageMB"})
_PERMISSION_SETS, _CUSTOM_PERMISSION_SETS = 1_500, 1_000


def limits(call: Call) -> Answer:
    """`GET limits`: needs View Setup and Configuration; the storage values need Manage Users too."""
    if not call.may("ViewSetup"):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "You do not have permission to view this record.")
    found = dict(_used(call))
    shown: dict[str, Any] = {
        name: {"Max": most, "Remaining": max(0, most - found.get(name, 0))}
        for name, most in _FIXED.items()
        if name not in _STORAGE or call.may("ManageUsers", "ManageInternalUsers")
    }
    most = call.desk.allowed(call.org)
    shown["DailyApiRequests"] = {"Max": most, "Remaining": max(0, most - call.desk.spent(call.org))}
    sets, custom = _permission_sets(call)
    shown["PermissionSets"] = {
        "Max": _PERMISSION_SETS,
        "Remaining": max(0, _PERMISSION_SETS - sets),
        "CreateCustom": {"Max": _CUSTOM_PERMISSION_SETS, "Remaining": max(0, _CUSTOM_PERMISSION_SETS - custom)},
    }
    if call.number < _SINCE["DailyBulkApiBatches"]:
        shown["DailyBulkApiRequests"] = shown["DailyBulkApiBatches"]
    kept = sorted(name for name in shown if _SINCE.get(name, 0) <= call.number)
    return Answer(200, {name: shown[name] for name in kept})


def record_count(call: Call) -> Answer:
    """`GET limits/recordCount?sObjects=A,B`: rows of each object, whoever owns them; an empty object is left out."""
    wanted = {name.strip().lower() for name in call.params.get("sObjects", "").split(",") if name.strip()}
    counts: list[dict[str, Any]] = []
    access = call.org.permissions_of(call.user_id)
    for sobject in sorted(call.org.schema, key=lambda one: one.name):
        if sobject.setup or sobject.tooling or (wanted and sobject.name.lower() not in wanted):
            continue
        if access.can(sobject, "read") and (count := call.org.store.count(sobject)):
            counts.append({"count": count, "name": sobject.name})
    return Answer(200, {"sObjects": counts})


def _used(call: Call) -> Iterator[tuple[str, int]]:
    """What was used of limits that are counted by jobs."""
    now = call.org.clock.peek()
    yield "DailyBulkV2QueryJobs", call.desk.query_jobs.count(now)
    yield "DailyBulkApiBatches", call.desk.batches.count(now)


def _permission_sets(call: Call) -> tuple[int, int]:
    """Permission sets that no profile owns, and those of them that somebody made here."""
    rows = call.org.rows("PermissionSet", IsOwnedByProfile=0)
    return len(rows), sum(1 for row in rows if row.get("IsCustom"))
