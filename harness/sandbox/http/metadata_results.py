"""Results of the Metadata API as data: the same keys in SOAP, as elements in alphabetical order, and in REST as JSON.

Recorded answers decide about keys and order; `None` is left out in SOAP and is `null` in REST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.http.envelope import element
from harness.sandbox.metadata.deployment import DeployMessage, DeployOptions
from harness.sandbox.metadata.jobs import DeployJob, RetrieveJob
from harness.sandbox.metadata.properties import FileProperties, in_utc, user_name

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Result = dict[str, Any]


def deploy_result(org: SandboxOrg, job: DeployJob, *, details: bool) -> Result:
    """DeployResult."""
    messages = [one for one in job.outcome.messages if one.kind] if job.outcome else []
    failures = sum(not one.success for one in job.outcome.messages) if job.outcome else 0
    deployed = sum(one.success for one in messages)
    moments = {"completedDate": job.completed, "startDate": job.created if job.status != "Pending" else None}
    return {
        "canceledBy": job.canceled_by,
        "canceledByName": user_name(org, job.canceled_by) if job.canceled_by else None,
        "checkOnly": job.options.check_only,
        "completedDate": _moment(moments["completedDate"]),
        "createdBy": job.user_id,
        "createdByName": user_name(org, job.user_id),
        "createdDate": _moment(job.created),
        "details": _details(job) if details else None,
        "done": job.done,
        "errorMessage": job.outcome.error if job.outcome else None,
        "errorStatusCode": "UNKNOWN_EXCEPTION" if job.outcome and job.outcome.error else None,
        "id": job.id,
        "ignoreWarnings": job.options.ignore_warnings,
        "lastModifiedDate": _moment(job.completed or job.created),
        "numberComponentErrors": failures,
        "numberComponentsDeployed": deployed,
        "numberComponentsTotal": len(messages),
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "rollbackOnError": job.options.rollback_on_error,
        "runTestsEnabled": False,
        "startDate": _moment(moments["startDate"]),
        "status": job.status,
        "success": job.success,
    }


def _details(job: DeployJob) -> Result:
    outcome = job.outcome.messages if job.outcome else []
    moment = _moment(job.completed)
    return {
        "componentFailures": [deploy_message(one, moment) for one in outcome if not one.success],
        "componentSuccesses": [deploy_message(one, moment) for one in outcome if one.success],
        "runTestResult": {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0},
    }


def deploy_message(one: DeployMessage, moment: str | None) -> Result:
    """DeployMessage."""
    return {
        "changed": one.changed,
        "columnNumber": one.column,
        "componentType": one.kind,
        "created": one.created,
        "createdDate": moment,
        "deleted": one.deleted,
        "fileName": one.file,
        "fullName": one.name,
        "id": one.id,
        "lineNumber": one.line,
        "problem": one.problem,
        "problemType": None if one.problem is None else "Warning" if one.warning else "Error",
        "success": one.success,
        "warning": True if one.warning else None,
    }


def deploy_options(options: DeployOptions) -> Result:
    """DeployOptions, as REST shows them."""
    return {
        "allowMissingFiles": options.allow_missing_files,
        "autoUpdatePackage": options.auto_update_package,
        "checkOnly": options.check_only,
        "ignoreWarnings": options.ignore_warnings,
        "performRetrieve": options.perform_retrieve,
        "purgeOnDelete": options.purge_on_delete,
        "rollbackOnError": options.rollback_on_error,
        "runTests": list(options.run_tests) or None,
        "singlePackage": options.single_package,
        "testLevel": options.test_level,
    }


def retrieve_result(org: SandboxOrg, job: RetrieveJob, zip_file: str | None) -> Result:
    """RetrieveResult."""
    outcome = job.outcome
    return {
        "done": outcome is not None,
        "fileProperties": [properties_result(org, one) for one in outcome.properties] if outcome else [],
        "id": job.id,
        "messages": [{"fileName": file, "problem": problem} for file, problem in outcome.messages] if outcome else [],
        "status": job.status,
        "success": outcome is not None,
        "zipFile": zip_file,
    }


def properties_result(org: SandboxOrg, one: FileProperties) -> Result:
    """FileProperties."""
    return {
        "createdById": one.created_by,
        "createdByName": user_name(org, one.created_by),
        "createdDate": one.created,
        "fileName": one.file,
        "fullName": one.name,
        "id": one.id,
        "lastModifiedById": one.modified_by,
        "lastModifiedByName": user_name(org, one.modified_by),
        "lastModifiedDate": one.modified,
        "manageableState": "installed" if one.namespace else "unmanaged",
        "namespacePrefix": one.namespace,
        "type": one.kind,
    }


def as_elements(result: Mapping[str, Any]) -> str:
    """A result in SOAP: what is None is not there, a list is an element several times."""
    return "".join(_element(name, value) for name, value in result.items())


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return f"<{name}>{as_elements(value)}</{name}>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(_element(name, one) for one in value)
    return element(name, value)


def _moment(moment: datetime | None) -> str | None:
    return in_utc(wire_datetime(moment)) if moment else None
