"""What rows of an org name a user: a table, one query each.

Which columns hold a user and can be filtered on is told by the Object Reference and the Tooling API guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.access.soql import quote, select
from harness.references.meanings import GONE, STOPPED
from harness.references.model import Change, ReferenceHit, Subject
from harness.words import several


@dataclass(frozen=True, slots=True)
class Probe:
    """One query, and what its rows mean. `{id}`, `{profile_id}` and `{email}` of `where` are the old user's."""

    kind: str
    sobject: str
    column: str
    """What names a row; dots go to a parent."""
    where: str
    breaks: str
    when: tuple[Change, ...]
    remedy: str
    counted: str = ""
    """Not empty: the rows make one hit of this name, which tells how many they are."""
    optional: bool = False
    """Whether an org need not have the object: it comes with a feature."""
    tooling: bool = False
    """Whether it is asked of the Tooling API."""

    def query(self, subject: Subject) -> str:
        """The query for a user."""
        values = {"id": subject.id, "profile_id": subject.profile_id, "email": subject.email}
        where = self.where.format(**{name: quote(value) for name, value in values.items()})
        return select(self.sobject, ("Id", self.column), where=where, order="Id")

    def hits(self, rows: list[dict[str, Any]]) -> list[ReferenceHit]:
        """What the rows of the answer mean, each name once."""
        if self.counted:
            return [self._hit(self.counted, several(len(rows), "row"))] if rows else []
        names = dict.fromkeys(str(_value(row, self.column) or row["Id"]) for row in rows)
        return [
            self._hit(name, self.where.format(id="the user", profile_id="the profile", email="the e-mail address"))
            for name in names
        ]

    def _hit(self, name: str, says: str) -> ReferenceHit:
        return ReferenceHit(
            kind=self.kind,
            name=name,
            where=f"{self.sobject}.{self.where.partition(' ')[0]}",
            says=says.partition(" AND ")[0],
            breaks=self.breaks,
            when=self.when,
            remedy=self.remedy,
        )


def _value(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


_MEMBER_TOO = "nothing: the new user is made a member as well"

PROBES: tuple[Probe, ...] = (
    Probe(
        "CronTrigger",
        "CronTrigger",
        "CronJobDetail.Name",
        "OwnerId = {id} AND State NOT IN ('DELETED', 'COMPLETE', 'ERROR')",
        "The scheduled job runs as the old user: it fails once that user is inactive.",
        GONE,
        "schedule it again as another user",
    ),
    Probe(
        "AsyncApexJob",
        "AsyncApexJob",
        "ApexClass.Name",
        "CreatedById = {id} AND Status IN ('Holding', 'Queued', 'Preparing', 'Processing')",
        "The job runs as the old user and is not done yet.",
        GONE,
        "wait until it is done",
    ),
    Probe(
        "Dashboard",
        "Dashboard",
        "Title",
        "RunningUserId = {id}",
        "The dashboard runs as the old user: it shows an error once that user is inactive.",
        GONE,
        "choose another running user",
    ),
    Probe(
        "PendingApproval",
        "ProcessInstanceWorkitem",
        "ProcessInstanceId",
        "ActorId = {id}",
        "The rows wait for the approval of the old user, who does not come.",
        STOPPED,
        "reassign the requests",
        counted="waiting for the user",
    ),
    Probe(
        "Manager",
        "User",
        "Username",
        "ManagerId = {id} AND IsActive = true",
        "The old user is the manager of this user: approvals and rules that go to the manager stop there.",
        STOPPED,
        "name another manager",
    ),
    Probe(
        "DelegatedApprover",
        "User",
        "Username",
        "DelegatedApproverId = {id} AND IsActive = true",
        "The old user approves on behalf of this user.",
        STOPPED,
        "name another delegate",
    ),
    Probe(
        "QueueMembership",
        "GroupMember",
        "Group.DeveloperName",
        "UserOrGroupId = {id} AND Group.Type = 'Queue'",
        "The old user is a member of the queue; a user that is deactivated leaves it.",
        (),
        _MEMBER_TOO,
    ),
    Probe(
        "GroupMembership",
        "GroupMember",
        "Group.DeveloperName",
        "UserOrGroupId = {id} AND Group.Type = 'Regular'",
        "The old user is a member of the group; a user that is deactivated leaves it.",
        (),
        _MEMBER_TOO,
    ),
    Probe(
        "QueueEmail",
        "Group",
        "DeveloperName",
        "Email = {email} AND Type = 'Queue'",
        "Mail about what comes into the queue goes to the old user's address.",
        GONE,
        "check that the mailbox stays, or enter another address",
    ),
    Probe(
        "OauthToken",
        "OauthToken",
        "AppName",
        "UserId = {id}",
        "A client holds a token of the old user for this app: it can no longer sign in with it.",
        STOPPED,
        "find out who holds it; the token itself is not moved",
    ),
    Probe(
        "ApiCredential",
        "ExternalDataUserAuth",
        "ExternalDataSourceId",
        "UserId = {id}",
        "The old user has a credential of its own for callouts; the new user has none.",
        ("new-user",),
        "enter it for the new user as well",
    ),
    Probe(
        "EmailServicesAddress",
        "EmailServicesAddress",
        "LocalPart",
        "RunAsUserId = {id}",
        "Mail to the e-mail service is handled as the old user: it bounces once that user is inactive.",
        GONE,
        "choose another context user",
    ),
    Probe(
        "AuthProvider",
        "AuthProvider",
        "DeveloperName",
        "ExecutionUserId = {id}",
        "The registration handler of the authentication provider runs as the old user.",
        GONE,
        "run it as another user",
    ),
    Probe(
        "SamlSsoConfig",
        "SamlSsoConfig",
        "DeveloperName",
        "ExecutionUserId = {id}",
        "Users are provisioned by single sign-on as the old user.",
        GONE,
        "run it as another user",
    ),
    Probe(
        "RoleForecast",
        "UserRole",
        "DeveloperName",
        "ForecastUserId = {id}",
        "The old user is the forecast manager of the role.",
        GONE,
        "name another forecast manager",
        optional=True,
    ),
    Probe(
        "DefaultTeam",
        "UserTeamMember",
        "OwnerId",
        "UserId = {id}",
        "The old user is on default opportunity teams of others: new rows are shared with it, not with the new user.",
        ("new-user",),
        "add the new user to these teams",
        counted="default opportunity teams",
        optional=True,
    ),
    Probe(
        "DefaultTeam",
        "UserAccountTeamMember",
        "OwnerId",
        "UserId = {id}",
        "The old user is on the default account teams of others: new rows are shared with it, not with the new user.",
        ("new-user",),
        "add the new user to these teams",
        counted="default account teams",
        optional=True,
    ),
    Probe(
        "CaseTeam",
        "CaseTeamTemplateMember",
        "TeamTemplate.Name",
        "MemberId = {id}",
        "The old user is on a predefined case team, the new user is not.",
        ("new-user",),
        "add the new user to the team",
        optional=True,
    ),
    Probe(
        "PausedFlow",
        "FlowInterview",
        "InterviewLabel",
        "OwnerId = {id}",
        "Paused flows go on as the old user: they fail once that user is inactive.",
        GONE,
        "let them end, or delete them",
        counted="paused interviews",
        optional=True,
    ),
    Probe(
        "Site",
        "Site",
        "Name",
        "AdminId = {id}",
        "The old user is the contact of the site.",
        GONE,
        "name another contact",
        optional=True,
    ),
    Probe(
        "ChatterGroup",
        "CollaborationGroup",
        "Name",
        "OwnerId = {id}",
        "The old user owns the Chatter group.",
        GONE,
        "give it to another owner",
        optional=True,
    ),
    Probe(
        "TransactionSecurityPolicy",
        "TransactionSecurityPolicy",
        "DeveloperName",
        "ExecutionUserId = {id}",
        "The transaction security policy runs as the old user.",
        GONE,
        "run it as another user",
        optional=True,
        tooling=True,
    ),
    Probe(
        "PlatformEventSubscriber",
        "PlatformEventSubscriberConfig",
        "DeveloperName",
        "UserId = {id}",
        "The trigger on platform events runs as the old user: it stops once that user is inactive.",
        GONE,
        "run it as another user",
        optional=True,
        tooling=True,
    ),
)
"""A frozen user only cannot sign in; an inactive one can no longer be run as, nor own anything new."""
