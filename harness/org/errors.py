"""Every error the platform answers with, in one table: what it proves, whether to ask again, and what the user can do.

Codes come from the REST API (an `errorCode`, or a `statusCode` for a row of a collection), from SOAP faults, and from
the token endpoint; an answer without one, such as a proxy's page, goes by its status as `HTTP_502`. What is not in the
table proves nothing, is not asked again, and has no remedy of its own.

Facts 1.6, 4.3, 4.5, 4.7, 5.1, 5.3, 5.5 and section 6; SOAP API guide, "Core Data Types", `StatusCode`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.org.reply import ApiError

At = Literal["request", "row", "sign-in", "status", "ours"]
"""Where an error is met: about a whole call, about a row that is written, about a sign-in, as a bare HTTP status, or as
a code of our own where there was no answer."""
Again = Literal["never", "after signing in again", "with backoff", "next day"]
"""Whether the same thing may be asked again, and when."""


@dataclass(frozen=True, slots=True)
class Known:
    """One error: its code, and part of its text where the code alone does not tell (case does not matter)."""

    at: At
    code: str
    remedy: str
    text: str = ""
    certainty: Literal["NOT_APPLIED", "UNKNOWN"] = "NOT_APPLIED"
    """Whether it is certain that nothing was written. With a status of 500 or more it never is."""
    again: Again = "never"

    @property
    def is_certain(self) -> bool:
        """Whether nothing was written, for certain."""
        return self.certainty == "NOT_APPLIED"

    def is_about(self, code: str, message: str) -> bool:
        """Whether an error is this one."""
        return self.code.casefold() == code.casefold() and self.text.casefold() in message.casefold()


_WAIT = "the org was busy for longer than was waited: take it up again later"
_DOWN = "the org or something on the way to it is down: take it up again when it answers"
_BUG = "the request is not what this org understands: look at the API version of the org, and report it"

REQUEST = (
    Known(
        "request",
        "INVALID_SESSION_ID",
        "the session ended, and no new one lasted: check the sign-in, and the org's session settings",
        again="after signing in again",
    ),
    Known("request", "INVALID_AUTH_HEADER", "the access token was not accepted: check the sign-in"),
    Known("request", "API_CURRENTLY_DISABLED", "give the user the system permission API Enabled"),
    Known("request", "API_DISABLED_FOR_ORG", "give the user the system permission API Enabled"),
    Known(
        "request",
        "REQUEST_LIMIT_EXCEEDED",
        "too many long calls at a time: take it up again when fewer clients are at work",
        text="Concurrent",
        again="with backoff",
    ),
    Known(
        "request",
        "REQUEST_LIMIT_EXCEEDED",
        "the API calls of the last 24 hours are used up: take it up again when some are free, or ask for more",
        again="next day",
    ),
    Known("request", "SERVER_UNAVAILABLE", _DOWN, certainty="UNKNOWN", again="with backoff"),
    Known(
        "request",
        "UNKNOWN_EXCEPTION",
        "the platform failed: take it up again later; if it stays, give Salesforce support the ErrorId",
        certainty="UNKNOWN",
        again="with backoff",
    ),
    Known("request", "QUERY_TIMEOUT", "the org took too long over a query: take it up again", again="with backoff"),
    Known("request", "INVALID_QUERY_LOCATOR", "the pages of a query were dropped by the org: take it up again"),
    Known("request", "JSON_PARSER_ERROR", _BUG),
    Known("request", "MALFORMED_QUERY", _BUG),
    Known("request", "METHOD_NOT_ALLOWED", _BUG),
    Known("request", "UNSUPPORTED_MEDIA_TYPE", _BUG),
    Known("request", "INVALID_TYPE", "the object does not exist in this org, or the user may not read it"),
    Known("request", "INVALID_FIELD", "the field does not exist in this org, or the user may not read it"),
    Known("request", "NOT_FOUND", "it does not exist in this org, or the user may not see it"),
    Known("request", "INSUFFICIENT_ACCESS", "the user may not do this: look at its permissions"),
)
"""About a whole call, over REST or SOAP."""

ROW = (
    # the user
    Known("row", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "give the user Create or Edit on the object"),
    Known("row", "INSUFFICIENT_ACCESS_OR_READONLY", "give the user access to the record, by permission or sharing"),
    Known("row", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "give the user access to the record it refers to"),
    # what is already there, or no longer
    Known("row", "DUPLICATE_DEVELOPER_NAME", "something else has this name: rename one of the two"),
    Known("row", "DUPLICATE_EXTERNAL_ID", "another record has this external id"),
    Known("row", "DUPLICATE_USERNAME", "a user in this or another org has this username: choose another one"),
    Known("row", "DUPLICATE_VALUE", "another record has this value, which must be unique"),
    Known("row", "DUPLICATES_DETECTED", "a duplicate rule blocks it: look at the duplicate rules of the object"),
    Known("row", "ENTITY_IS_DELETED", "somebody deleted the record"),
    Known("row", "INVALID_CROSS_REFERENCE_KEY", "what it refers to does not exist, or is not to be seen"),
    # what depends on it
    Known("row", "DELETE_FAILED", "something in the org needs the record: its message says what"),
    Known("row", "DEPENDENCY_EXISTS", "something in the org needs the record: its message says what"),
    # values
    Known("row", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "a validation rule forbids the value: its message says why"),
    Known("row", "FIELD_FILTER_VALIDATION_EXCEPTION", "a lookup filter forbids the value"),
    Known("row", "FIELD_INTEGRITY_EXCEPTION", "the value does not go with others of the record: see the message"),
    Known("row", "INVALID_EMAIL_ADDRESS", "correct the email address"),
    Known("row", "INVALID_FIELD_FOR_INSERT_UPDATE", "give the user Edit on the field"),
    Known("row", "INVALID_ID_FIELD", "the id is not one of such a record"),
    Known("row", "INVALID_NEW_PASSWORD", "choose a password that the org's password policies allow"),
    Known("row", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "the picklist of this org has no such value"),
    Known("row", "INVALID_STATUS", "the record's state does not allow it"),
    Known("row", "MALFORMED_ID", "the id is not one of such a record"),
    Known("row", "MISSING_ARGUMENT", "a value is missing: see the message"),
    Known("row", "NUMBER_OUTSIDE_VALID_RANGE", "the number is too large or too small"),
    Known("row", "REQUIRED_FIELD_MISSING", "the org requires a field that has no value: see the message"),
    Known("row", "STRING_TOO_LONG", "the text is longer than the field"),
    Known("row", "MIXED_DML_OPERATION", "setup objects and other objects are not written in one transaction"),
    # limits and locks
    Known("row", "LICENSE_LIMIT_EXCEEDED", "free a license (deactivate a user that needs none), or buy one"),
    Known("row", "LIMIT_EXCEEDED", "a limit of the org is reached: its message says which"),
    Known("row", "STORAGE_LIMIT_EXCEEDED", "free some of the org's storage"),
    Known(
        "row",
        "UNABLE_TO_LOCK_ROW",
        "somebody else holds the record, or jobs are at work on it: take it up again when they are done",
        again="with backoff",
    ),
    # the transaction around it
    Known("row", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "another part of the same call failed: it says why"),
    Known("row", "BATCH_PROCESSING_HALTED", "an earlier part of the same call failed: it says why"),
    Known("row", "PROCESSING_HALTED", "another part of the same call failed: it says why"),
)
"""About a row that is written: alone, in a collection, in a part of a composite."""

SIGN_IN = (
    Known(
        "sign-in",
        "invalid_app_access",
        "pre-authorize the app for the user: add it to a permission set that the user holds",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "pre-authorize the app: set Permitted Users to admin-approved and add the app to the user's permission set",
        text="hasn't approved this consumer",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "set the app's run-as user for the client credentials flow",
        text="no client credentials user",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "use the org's My Domain URL, not login or test",
        text="not supported on this domain",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "the audience of the assertion must be the My Domain URL: check the org's url",
        text="audience",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "check that the private key belongs to the certificate of the app, and this machine's clock; a new app takes "
        "up to 10 minutes",
        text="invalid assertion",
    ),
    Known("sign-in", "invalid_grant", "activate the user, or name another one", text="inactive user"),
    Known("sign-in", "invalid_grant", "obtain a new token", text="expired"),
    Known(
        "sign-in",
        "invalid_grant",
        "check the login IP ranges and hours of the user's profile",
        text="ip restricted",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "the user signed in more than 3,600 times in an hour: wait an hour, and see which client does that",
        text="login rate exceeded",
    ),
    Known(
        "sign-in",
        "invalid_grant",
        "check username, password and security token, and that the org allows the username-password flow",
        text="authentication failure",
    ),
    Known("sign-in", "app_not_found", "install the External Client App in this org, or correct the org's URL"),
    Known("sign-in", "invalid_client_id", "check the consumer key: the org knows no app with it"),
    Known(
        "sign-in",
        "invalid_client",
        "install the connected app in this org (Setup, Connected Apps OAuth Usage)",
        text="installed",
    ),
    Known("sign-in", "invalid_client", "check the consumer secret"),
    Known("sign-in", "unsupported_grant_type", "enable this flow in the app's OAuth settings"),
    Known("sign-in", "INVALID_LOGIN", "check username, password and security token; the user may be locked or frozen"),
    Known(
        "sign-in",
        "LOGIN_MUST_USE_SECURITY_TOKEN",
        "give the user's security token, or trust this machine's IP address",
    ),
    Known(
        "sign-in",
        "INVALID_OPERATION",
        "use an OAuth flow; an org can still enable SOAP login (Setup, User Interface) until Summer '27",
        text="SOAP API login() is disabled",
    ),
    Known(
        "sign-in",
        "INSUFFICIENT_ACCESS",
        "SOAP login needs the system permission Use Any API Auth: use an OAuth flow",
    ),
    Known("sign-in", "UNSUPPORTED_API_VERSION", "SOAP login is gone from API version 65: use an OAuth flow"),
    Known("sign-in", "PASSWORD_LOCKOUT", "unlock the user in Setup"),
    Known("sign-in", "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "set a new password: this one has expired"),
    Known("sign-in", "LOGIN_DURING_RESTRICTED_DOMAIN", "check the login IP ranges of the user's profile"),
    Known("sign-in", "LOGIN_DURING_RESTRICTED_TIME", "check the login hours of the user's profile"),
    Known("sign-in", "ORG_LOCKED", "the org is locked: contact Salesforce"),
    Known("sign-in", "TRIAL_EXPIRED", "the org's trial has expired"),
    Known("sign-in", "API_CURRENTLY_DISABLED", "give the user the system permission API Enabled"),
    Known("sign-in", "API_DISABLED_FOR_ORG", "the org's edition has no API"),
    Known("sign-in", "Bad_OAuth_Token", "the access token has expired or was revoked: obtain a new one"),
    Known("sign-in", "INVALID_SESSION_ID", "the access token has expired or was revoked: obtain a new one"),
)
"""Refusals of the token endpoint, of `userinfo`, and of SOAP `login()`."""

_ELSEWHERE = "something on the way sends requests elsewhere, as a captive portal does: check the network"

STATUS = (
    *(Known("status", code, _ELSEWHERE, certainty="UNKNOWN") for code in ("HTTP_302", "HTTP_307", "HTTP_308")),
    Known("status", "HTTP_407", "the proxy wants to be signed in to: check HTTPS_PROXY", certainty="UNKNOWN"),
    Known(
        "status",
        "HTTP_420",
        "the request did not find its way to the org: check that url is the org's My Domain URL",
        certainty="UNKNOWN",
    ),
    Known("status", "HTTP_408", _DOWN, certainty="UNKNOWN", again="with backoff"),
    Known("status", "HTTP_429", _WAIT, certainty="UNKNOWN", again="with backoff"),
    Known("status", "HTTP_500", _DOWN, certainty="UNKNOWN", again="with backoff"),
    Known("status", "HTTP_502", _DOWN, certainty="UNKNOWN", again="with backoff"),
    Known("status", "HTTP_503", _DOWN, certainty="UNKNOWN", again="with backoff"),
    Known("status", "HTTP_504", _DOWN, certainty="UNKNOWN", again="with backoff"),
)
"""Answers without a code: of a proxy, of a load balancer, of an org that is coming up."""

NOT_SENT = "NOT_SENT"
"""Our own code for a row that was never sent, since an earlier part of the same work got no answer."""
NO_ANSWER = "NO_ANSWER"
"""Our own code for a row whose answer was lost."""
NOT_THE_ORG = "NOT_THE_ORG"
"""Our own code for an answer that no org gives: a page where data was asked for, or nothing at all."""

OURS = (
    Known("ours", NOT_SENT, "take it up again: this part was not sent"),
    Known("ours", NO_ANSWER, "take it up again: what was done is looked up first", certainty="UNKNOWN"),
    Known(
        "ours",
        NOT_THE_ORG,
        "something on the way answered in the org's place, as a captive portal does: check the network and the proxy",
        certainty="UNKNOWN",
        again="with backoff",
    ),
)
"""Where the org said nothing."""

TABLE = (*REQUEST, *ROW, *SIGN_IN, *STATUS, *OURS)
"""All of them. The first that an error is about counts, so that one with a text stands before one without."""

PASSING = tuple(sorted({one.code for one in TABLE if one.again == "with backoff"}))
"""The codes of what passes by itself; with some a text tells it from what does not."""
WITH_ANOTHER = frozenset({"ALL_OR_NONE_OPERATION_ROLLED_BACK", "BATCH_PROCESSING_HALTED", "PROCESSING_HALTED"})
"""The codes of what failed only because another part of the same call did."""

GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})
"""The codes of a delete that say there is nothing to delete."""


def find(code: str, message: str = "", *, at: At | None = None) -> Known | None:
    """What the table knows about an error; `at` narrows it to one part of it."""
    return next((one for one in TABLE if at in (None, one.at) and one.is_about(code, message)), None)


def known(errors: Sequence[ApiError]) -> Iterator[Known | None]:
    """The same for each of the errors of an answer."""
    return (find(error.code, error.message) for error in errors)


def passes(errors: Sequence[ApiError]) -> bool:
    """Whether something was refused only for now, so that asking again after a while may do."""
    again = [
        None if one is None else one.again
        for one, error in zip(known(errors), errors, strict=True)
        if error.code not in WITH_ANOTHER
    ]
    return bool(again) and all(each == "with backoff" for each in again)


def says_nothing(code: str, message: str) -> bool:
    """Whether an error is no answer to what was asked: it passes, or it came from elsewhere, or who knows."""
    found = find(code, message)
    return found is not None and (not found.is_certain or found.again in ("with backoff", "next day"))


def is_used_up(errors: Sequence[ApiError]) -> bool:
    """Whether something was refused since the day's calls are used up."""
    return any(one is not None and one.again == "next day" for one in known(errors))
