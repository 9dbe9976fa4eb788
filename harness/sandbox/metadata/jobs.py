"""Deploys and retrieves as the Metadata API hands them out: asynchronous jobs that are asked for how far they are.

A job takes as long as the switch says, on the org's clock, and is done when it is next looked at after that; by default
it is done at once. Jobs are forgotten when the server stops.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from harness.sandbox.ids import IdSequence, long_id
from harness.sandbox.metadata.deployment import DeployOptions, DeployOutcome, deploy
from harness.sandbox.metadata.errors import RequestError
from harness.sandbox.metadata.manifest import Manifest
from harness.sandbox.metadata.retrieval import RetrieveOutcome, retrieve
from harness.sandbox.metadata.work import Work
from harness.sandbox.org import API_VERSION

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Job = TypeVar("Job")
_MOST_JOBS = 100
_PENDING_SHARE = 5
"""A job is pending for the first fifth of its time."""
VALIDATION_LASTS = timedelta(days=10)
"""How long a validated deploy can be made a quick deploy."""


@dataclass(slots=True)
class DeployJob:
    """One deploy. `content` is its zip file, kept for as long as it may be needed."""

    id: str
    user_id: str
    options: DeployOptions
    version: float
    content: bytes
    created: datetime
    completed: datetime | None = None
    canceled_by: str | None = None
    outcome: DeployOutcome | None = None
    status: str = "Pending"

    @property
    def done(self) -> bool:
        """Whether it is over, one way or the other."""
        return self.completed is not None

    @property
    def success(self) -> bool:
        """Whether it did all it was asked for."""
        return self.status == "Succeeded"


@dataclass(slots=True)
class RetrieveJob:
    """One retrieve. `zip_taken` says that its zip file was handed out, after which it is gone."""

    id: str
    user_id: str
    wanted: Manifest
    version: float
    single_package: bool
    created: datetime
    outcome: RetrieveOutcome | None = None
    status: str = "Pending"
    zip_taken: bool = False


@dataclass(slots=True)
class MetadataJobs:
    """The jobs of one server, oldest first."""

    ids: IdSequence = field(default_factory=IdSequence)
    deploys: OrderedDict[str, DeployJob] = field(default_factory=OrderedDict)
    retrieves: OrderedDict[str, RetrieveJob] = field(default_factory=OrderedDict)

    def clear(self) -> None:
        """Forget every job."""
        self.deploys.clear()
        self.retrieves.clear()

    def deploy(
        self, org: SandboxOrg, user_id: str, content: bytes, options: DeployOptions, *, version: float
    ) -> DeployJob:
        """Begin a deploy. Raises RequestError when the zip file is too large."""
        job = DeployJob(self.ids.next("0Af"), user_id, options, version, content, org.clock.now())
        _keep(self.deploys, job.id, job)
        if not org.switches.metadata_job_seconds:
            _run_deploy(org, job)
        return job

    def quick_deploy(self, org: SandboxOrg, user_id: str, validated_id: str) -> DeployJob:
        """Deploy what was validated. Raises RequestError when there is no such validation, or it is too old."""
        found = self.deploys.get(long_id(validated_id) or "")
        fits = found is not None and found.options.check_only and found.success
        if found is None or not fits or org.clock.peek() - found.created > VALIDATION_LASTS:
            raise RequestError("INVALID_ID_FIELD", f"Invalid validation id: {validated_id}")
        options = replace(found.options, check_only=False)
        return self.deploy(org, user_id, found.content, options, version=found.version)

    def deploy_of(self, org: SandboxOrg, job_id: str) -> DeployJob:
        """A deploy as it is by now. Raises RequestError."""
        job = self.deploys.get(long_id(job_id) or "")
        if job is None:
            raise _unknown(job_id)
        if not job.done:
            job.status = _status(org, job.created)
            if job.status == "Done":
                _run_deploy(org, job)
        return job

    def cancel(self, org: SandboxOrg, user_id: str, job_id: str) -> DeployJob:
        """Cancel a deploy that is not over. Raises RequestError."""
        job = self.deploy_of(org, job_id)
        if job.done:
            raise RequestError("INVALID_ID_FIELD", "Deployment already completed")
        job.status, job.canceled_by, job.completed, job.content = "Canceled", user_id, org.clock.now(), b""
        return job

    def retrieve(
        self, org: SandboxOrg, user_id: str, wanted: Manifest, *, single_package: bool, version: float
    ) -> RetrieveJob:
        """Begin a retrieve."""
        job = RetrieveJob(self.ids.next("09S"), user_id, wanted, version, single_package, org.clock.now())
        _keep(self.retrieves, job.id, job)
        return job

    def retrieve_of(self, org: SandboxOrg, job_id: str) -> RetrieveJob:
        """A retrieve as it is by now. Raises RequestError."""
        job = self.retrieves.get(long_id(job_id) or "")
        if job is None:
            raise _unknown(job_id)
        if job.outcome is None:
            job.status = _status(org, job.created)
            if job.status == "Done":
                work = Work(org, job.user_id, job.version)
                job.outcome = retrieve(work, job.wanted, single_package=job.single_package)
                job.status = "Succeeded"
        return job


def _status(org: SandboxOrg, created: datetime) -> str:
    seconds = org.switches.metadata_job_seconds
    passed = (org.clock.peek() - created).total_seconds()
    if passed >= seconds:
        return "Done"
    return "Pending" if passed * _PENDING_SHARE < seconds else "InProgress"


def _run_deploy(org: SandboxOrg, job: DeployJob) -> None:
    version = org.api_version.set(API_VERSION)  # components have versions of their own
    job.outcome = deploy(Work(org, job.user_id, job.version), job.content, job.options)
    org.api_version.reset(version)
    job.completed = org.clock.now()
    kept = job.options.rollback_on_error or job.options.check_only or job.outcome.error
    some = any(one.success and one.kind for one in job.outcome.messages)
    job.status = "Succeeded" if not job.outcome.failed else "Failed" if kept or not some else "SucceededPartial"
    if not (job.options.check_only and job.success):
        job.content = b""


def _keep(jobs: OrderedDict[str, Job], job_id: str, job: Job) -> None:
    jobs[job_id] = job
    while len(jobs) > _MOST_JOBS:
        jobs.popitem(last=False)


def _unknown(job_id: str) -> RequestError:
    return RequestError("INVALID_ID_FIELD", f"Invalid Id: {job_id}")
