"""The Metadata API over SOAP: deploys and retrieves, and calls for single components (Metadata API guide)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from harness.sandbox.errors import ApiError
from harness.sandbox.http import metadata_components
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.envelope import (
    METADATA,
    Request,
    SoapFault,
    children,
    client_fault,
    element,
    fault_answer,
    read_request,
    success_answer,
    text_of,
    texts_of,
)
from harness.sandbox.http.metadata_results import as_elements, deploy_result, retrieve_result
from harness.sandbox.http.partner import check_version, session_user
from harness.sandbox.http.wire import Answer
from harness.sandbox.metadata import jobs
from harness.sandbox.metadata.deployment import DeployOptions
from harness.sandbox.metadata.errors import ComponentError, RequestError
from harness.sandbox.metadata.manifest import Manifest, manifest_of
from harness.sandbox.metadata.work import Work
from harness.sandbox.org import API_VERSION

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_REFUSED = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"


@dataclass(frozen=True, slots=True)
class _Call:
    org: SandboxOrg
    jobs: jobs.MetadataJobs
    user_id: str
    version: float
    request: Request

    @property
    def element(self) -> Element:
        return self.request.call

    @property
    def work(self) -> Work:
        return Work(self.org, self.user_id, self.version)


def answer(org: SandboxOrg, desk: Desk, *, version: str, body: bytes, signed_in: Callable[[str], None]) -> Answer:
    """`POST /services/Soap/m/V`. `signed_in` is told the user of the session."""
    try:
        check_version(version)
        request = read_request(body)
        user_id = session_user(org, request)
        signed_in(user_id)
        check_user(org, user_id)
        operation = _OPERATIONS.get(request.operation)
        if operation is None:
            called = f"{{{request.namespace}}}{request.operation}"
            raise client_fault(f"No operation available for request {called}, please check the WSDL for the service.")
        desk.spend(org)
        org.api_version.set(API_VERSION)  # components have versions of their own
        content = operation(_Call(org, desk.metadata_jobs, user_id, float(version), request))
    except (RequestError, ApiError) as error:
        return fault_answer(SoapFault(error.code, error.message), namespace=METADATA, detailed=False)
    except SoapFault as fault:
        return fault_answer(fault, namespace=METADATA, detailed=False)
    name = f"{request.operation}Response"
    return success_answer(f"<{name}>{content}</{name}>", namespace=METADATA)


def check_user(org: SandboxOrg, user_id: str) -> None:
    """Raises RequestError unless the user may work with metadata."""
    access = org.permissions_of(user_id)
    if not access.has("ModifyAllData") and not (access.has("ModifyMetadata") and access.has("CustomizeApplication")):
        raise RequestError("INSUFFICIENT_ACCESS", _REFUSED)


def _deploy(call: _Call) -> str:
    given = _child(call.element, "zipfile")
    try:
        content = base64.b64decode("".join((given.text or "").split()) if given is not None else "", validate=True)
    except (binascii.Error, ValueError):
        raise client_fault("The ZipFile is not a valid value for the type xsd:base64Binary") from None
    options = _options(_child(call.element, "deployoptions"))
    job = call.jobs.deploy(call.org, call.user_id, content, options, version=call.version)
    return _queued(job.id)


def _options(given: Element | None) -> DeployOptions:
    if given is None:
        return DeployOptions()

    def flag(name: str) -> bool:
        return text_of(given, name).strip().lower() in ("true", "1")

    return DeployOptions(
        check_only=flag("checkOnly"),
        rollback_on_error=flag("rollbackOnError"),
        single_package=flag("singlePackage"),
        allow_missing_files=flag("allowMissingFiles"),
        ignore_warnings=flag("ignoreWarnings"),
        purge_on_delete=flag("purgeOnDelete"),
        auto_update_package=flag("autoUpdatePackage"),
        perform_retrieve=flag("performRetrieve"),
        test_level=text_of(given, "testLevel").strip() or None,
        run_tests=tuple(texts_of(given, "runTests")),
    )


def _quick_deploy(call: _Call) -> str:
    job = call.jobs.quick_deploy(call.org, call.user_id, text_of(call.element, "validationId").strip())
    return element("result", job.id)


def _check_deploy(call: _Call) -> str:
    job = call.jobs.deploy_of(call.org, _job_id(call.element))
    details = text_of(call.element, "includeDetails").strip().lower() in ("true", "1")
    return f"<result>{as_elements(deploy_result(call.org, job, details=details))}</result>"


def _cancel(call: _Call) -> str:
    job = call.jobs.cancel(call.org, call.user_id, text_of(call.element, "String").strip() or _job_id(call.element))
    return f"<result>{element('done', job.done)}{element('id', job.id)}</result>"


def _retrieve(call: _Call) -> str:
    request = _child(call.element, "retrieverequest", "request")
    if request is None:
        raise client_fault("Required field is missing: retrieveRequest")
    if packages := texts_of(request, "packageNames"):
        raise RequestError("INVALID_CROSS_REFERENCE_KEY", f"No package named '{packages[0]}' found")
    try:
        unpackaged = children(request, "unpackaged")
        wanted = manifest_of(unpackaged[0]) if unpackaged else Manifest()
    except ComponentError as error:
        raise client_fault(error.message) from error
    single = text_of(request, "singlePackage").strip().lower() in ("true", "1")
    job = call.jobs.retrieve(call.org, call.user_id, wanted, single_package=single, version=call.version)
    return _queued(job.id)


def _check_retrieve(call: _Call) -> str:
    job = call.jobs.retrieve_of(call.org, _job_id(call.element))
    wants_zip = text_of(call.element, "includeZip").strip().lower() in ("", "true", "1")
    content = None
    if job.outcome is not None and wants_zip:
        if job.zip_taken:
            raise SoapFault("INVALID_LOCATOR", "retrieve result has been deleted.")
        job.zip_taken = True
        content = base64.b64encode(job.outcome.content).decode()
    return f"<result>{as_elements(retrieve_result(call.org, job, content))}</result>"


def _queued(job_id: str) -> str:
    return f"<result>{element('done', False)}{element('id', job_id)}{element('state', 'Queued')}</result>"


def _job_id(given: Element) -> str:
    return (text_of(given, "asyncProcessId") or text_of(given, "id")).strip()


def _child(given: Element, *names: str) -> Element | None:
    """The first child of one of these names, in whatever case: clients differ."""
    return next((one for one in given if str(one.tag).rpartition("}")[2].lower() in names), None)


def _single(operation: Callable[[Work, Request], str]) -> Callable[[_Call], str]:
    return lambda call: operation(call.work, call.request)


_OPERATIONS: Mapping[str, Callable[[_Call], str]] = {
    "cancelDeploy": _cancel,
    "checkDeployStatus": _check_deploy,
    "checkRetrieveStatus": _check_retrieve,
    "createMetadata": _single(metadata_components.create),
    "deleteMetadata": _single(metadata_components.delete),
    "deploy": _deploy,
    "deployRecentValidation": _quick_deploy,
    "describeMetadata": _single(metadata_components.describe),
    "listMetadata": _single(metadata_components.list_components),
    "readMetadata": _single(metadata_components.read),
    "renameMetadata": _single(metadata_components.rename),
    "retrieve": _retrieve,
    "updateMetadata": _single(metadata_components.update),
    "upsertMetadata": _single(metadata_components.upsert),
}
