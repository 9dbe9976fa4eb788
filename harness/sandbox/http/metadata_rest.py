"""Deploys over REST: `metadata/deployRequest` (Metadata API guide, "Deploy Metadata with REST")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.metadata import check_user
from harness.sandbox.http.metadata_results import Result, deploy_options, deploy_result
from harness.sandbox.http.multipart import NotMultipart, read_parts
from harness.sandbox.http.wire import Answer
from harness.sandbox.metadata.deployment import DeployOptions
from harness.sandbox.metadata.errors import RequestError
from harness.sandbox.metadata.jobs import DeployJob

_STATUS = {"INSUFFICIENT_ACCESS": 403, "INVALID_ID_FIELD": 404}


def create(call: Call) -> Answer:
    """`POST metadata/deployRequest`: a zip file with options, or the id of a validated deploy; 201."""
    try:
        check_user(call.org, call.user_id)
        if "multipart/" in call.headers.get("content-type", "").lower():
            job = _deploy(call)
        else:
            validated = call.json_object().get("validatedDeployRequestId")
            job = call.desk.metadata_jobs.quick_deploy(call.org, call.user_id, str(validated))
    except RequestError as error:
        raise _refused(error) from error
    result = deploy_result(call.org, job, details=False)
    first = {name: result[name] for name in ("id", "success", "checkOnly", "ignoreWarnings", "rollbackOnError")}
    shown = {**first, "status": "Pending", "runTestsEnabled": False, "done": False, "success": False}
    return Answer(201, _shown(call, job, shown))


def show(call: Call, job_id: str) -> Answer:
    """`GET metadata/deployRequest/ID?includeDetails=true`."""
    job = _job(call, job_id)
    details = call.params.get("includeDetails", "").lower() == "true"
    return Answer(200, _shown(call, job, deploy_result(call.org, job, details=details)))


def cancel(call: Call, job_id: str) -> Answer:
    """`PATCH metadata/deployRequest/ID` with the status `Canceling`: 202."""
    wanted = call.json_object().get("deployResult")
    if not isinstance(wanted, dict) or wanted.get("status") != "Canceling":
        raise ApiError(400, "INVALID_INPUT", "The only change of a deploy is its status Canceling")
    _job(call, job_id)
    try:
        job = call.desk.metadata_jobs.cancel(call.org, call.user_id, job_id)
    except RequestError as error:
        raise ApiError(400, error.code, error.message) from error
    return Answer(202, _shown(call, job, deploy_result(call.org, job, details=False)))


def _deploy(call: Call) -> DeployJob:
    try:
        parts = read_parts(call.body, call.headers.get("content-type", ""))
    except NotMultipart as error:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", str(error)) from error
    described = next((one for one in parts if "json" in one.content_type or one.name in _JSON_PARTS), None)
    file = next((one for one in parts if one is not described), None)
    if described is None or file is None:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "A deploy request needs a JSON part and a zip file")
    options = _options(described.content)
    return call.desk.metadata_jobs.deploy(call.org, call.user_id, file.content, options, version=float(call.version))


_JSON_PARTS = ("json", "entity_content")
"""Names of the part with the options: that of the guide, and that of the Salesforce CLI."""


def _options(content: bytes) -> DeployOptions:
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise parser_error(str(error)) from error
    asked = given.get("deployOptions") if isinstance(given, dict) else None
    if not isinstance(asked, dict):
        raise parser_error("The JSON part needs an object named deployOptions")
    tests = asked.get("runTests")
    return DeployOptions(
        check_only=_flag(asked, "checkOnly"),
        rollback_on_error=_flag(asked, "rollbackOnError"),
        single_package=_flag(asked, "singlePackage"),
        allow_missing_files=_flag(asked, "allowMissingFiles"),
        ignore_warnings=_flag(asked, "ignoreWarnings"),
        purge_on_delete=_flag(asked, "purgeOnDelete"),
        auto_update_package=_flag(asked, "autoUpdatePackage"),
        perform_retrieve=_flag(asked, "performRetrieve"),
        test_level=str(asked["testLevel"]) if asked.get("testLevel") else None,
        run_tests=tuple(map(str, tests)) if isinstance(tests, list) else (),
    )


def _flag(asked: Mapping[str, Any], name: str) -> bool:
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise parser_error(f"{name} is no boolean")
    return value


def _job(call: Call, job_id: str) -> DeployJob:
    try:
        check_user(call.org, call.user_id)
        return call.desk.metadata_jobs.deploy_of(call.org, job_id)
    except RequestError as error:
        raise _refused(error) from error


def _shown(call: Call, job: DeployJob, result: Result) -> Result:
    url = f"{call.desk.instance_url}{call.base}/metadata/deployRequest/{job.id}?includeDetails=true"
    return {"id": job.id, "url": url, "deployResult": result, "deployOptions": deploy_options(job.options)}


def _refused(error: RequestError) -> ApiError:
    return (
        not_found()
        if error.code == "INVALID_ID_FIELD"
        else ApiError(_STATUS.get(error.code, 400), error.code, error.message)
    )
