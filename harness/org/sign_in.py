"""Signing in: four flows and a given token, each ending in a session or in a refusal in the org's own words.

Bodies and answers are those of facts sections 4.1 to 4.5. Every sign-in goes to the site's own URL, and its answer must
name the pinned org.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from harness.errors import OrgUnreachable, SignInRefused, UsageError
from harness.org import soap
from harness.org.clock import Clock
from harness.org.ids import to_18
from harness.org.refusals import remedy_for
from harness.org.sandbox_proof import other_org
from harness.org.secret import Resolve, Secret, without_secrets
from harness.org.site import Site
from harness.org.transport import Transport, caller
from harness.scenario.model import Flow, SignIn

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFETIME = timedelta(minutes=3)
"""As in Salesforce's own samples (facts 4.2)."""
LAST_SOAP_LOGIN = "64.0"
"""The last API version that has `login()` (facts 4.5)."""

_IN_A_HEADER = re.compile(r"[!-~]+")
_PARTS = ("consumer_key", "consumer_secret", "private_key", "password", "security_token", "access_token")


@dataclass(frozen=True, slots=True)
class Credential:
    """What one user signs in with. `parts` holds the secrets of the flow by name, as in the scenario."""

    flow: Flow
    username: str
    app: str | None
    parts: Mapping[str, Secret]

    @property
    def renewable(self) -> bool:
        """Whether a new session can be had with it."""
        return self.flow != "access-token"

    def part(self, name: str) -> str:
        """One part, revealed; empty where there is none. Only the code that sends it calls this."""
        return self.parts[name].reveal() if name in self.parts else ""


@dataclass(frozen=True, slots=True)
class Session:
    """One session of one user; ids have 18 characters."""

    access_token: Secret
    instance_url: str
    """Where the org says it is; empty where it did not say."""
    org_id: str
    user_id: str
    identity_url: str = ""
    """The identity URL of the answer, whose host tells what kind of org it is; empty where there is none (SOAP)."""
    number: int = 0
    """The how manieth sign-in it came from, as the guard counts them."""


def credential(sign_in: SignIn, username: str, resolve: Resolve) -> Credential:
    """The credential that a scenario's or a configuration's `sign_in` names. Raises what `resolve` raises."""
    references = {name: getattr(sign_in, name, None) for name in _PARTS}
    parts = {name: resolve(reference) for name, reference in references.items() if reference is not None}
    return Credential(sign_in.flow, username, getattr(sign_in, "app", None), parts)


def sign_in(credential: Credential, site: Site, transport: Transport, clock: Clock) -> Session:
    """Sign in, and tell the guard who answered: what contradicts the site ends all writing.

    Raises SignInRefused with the org's words, OrgUnreachable when there is no answer, UsageError for a private key that
    is none, and GuardRefused when the org that answers is not the pinned one.
    """
    match credential.flow:
        case "access-token":
            session = _with_token(credential, site, transport)
        case "soap-login":
            session = _with_soap(credential, site, transport)
        case _:
            session = _with_grant(credential, site, transport, _grant(credential, site, clock))
    session = replace(session, number=transport.guard.signed_in(site, session, credential.username))
    if session.org_id != site.org_id:
        raise other_org(site, f"{credential.username} signed in to", session.org_id)
    return session


def _grant(credential: Credential, site: Site, clock: Clock) -> dict[str, str]:
    """The form that a flow posts to the token endpoint (facts 4.2)."""
    if credential.flow == "jwt-bearer":
        return {"grant_type": JWT_GRANT, "assertion": _assertion(credential, site, clock)}
    app = {"client_id": credential.part("consumer_key"), "client_secret": credential.part("consumer_secret")}
    if credential.flow == "client-credentials":
        return {"grant_type": "client_credentials", **app}
    password = credential.part("password") + credential.part("security_token")
    return {"grant_type": "password", **app, "username": credential.username, "password": password}


def _assertion(credential: Credential, site: Site, clock: Clock) -> str:
    """A JWT signed with RS256 whose audience is the My Domain URL (facts 4.2)."""
    claims = {
        "iss": credential.part("consumer_key"),
        "sub": credential.username,
        "aud": site.url,
        "exp": int((clock.now() + JWT_LIFETIME).timestamp()),
    }
    # a key in an environment variable often has its line breaks written as \n
    key = credential.part("private_key").replace("\\n", "\n")
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise UsageError(
            f"the private key of {credential.app or credential.username} is not an RSA private key in PEM form",
            remedy="name the key that belongs to the certificate of the app",
        ) from error


def _with_grant(credential: Credential, site: Site, transport: Transport, form: Mapping[str, str]) -> Session:
    response = transport.session.post(
        f"{site.url}/services/oauth2/token",
        data=dict(form),
        headers={"Accept": "application/json", **caller(credential.username)},
    )
    answer = _json_answer(response)
    if response.status_code != 200 or "access_token" not in answer:
        raise _refused(credential, site, response, answer)
    # `id` is https://HOST/id/ORG/USER
    identity_url = str(answer.get("id", ""))
    org_id, user_id = ["", "", *urlsplit(identity_url).path.split("/")][-2:]
    return Session(
        Secret(str(answer["access_token"])),
        str(answer.get("instance_url", "")),
        to_18(org_id),
        to_18(user_id),
        identity_url,
    )


def _with_token(credential: Credential, site: Site, transport: Transport) -> Session:
    token = credential.part("access_token")
    if not _IN_A_HEADER.fullmatch(token):  # requests would say so too, and show it
        raise UsageError(
            f"the access token of {credential.username} is none: it holds what no header may hold",
            remedy="give the token alone, without blanks or line breaks",
        )
    response = transport.session.get(
        f"{site.url}/services/oauth2/userinfo",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json", **caller(credential.username)},
    )
    answer = _json_answer(response)
    if response.status_code != 200 or "user_id" not in answer:
        raise _refused(credential, site, response, answer)
    ids = to_18(str(answer.get("organization_id"))), to_18(str(answer["user_id"]))
    return Session(Secret(token), "", *ids, identity_url=str(answer.get("sub", "")))


def _with_soap(credential: Credential, site: Site, transport: Transport) -> Session:
    version = min(site.api_version, LAST_SOAP_LOGIN, key=float)
    password = credential.part("password") + credential.part("security_token")
    login = soap.element("username", credential.username) + soap.element("password", password)
    response = transport.session.post(
        f"{site.url}/services/Soap/u/{version}",
        data=soap.envelope(f'<login xmlns="urn:partner.soap.sforce.com">{login}</login>'),
        headers={**soap.HEADERS, "SOAPAction": "login", **caller(credential.username)},
    )
    result = soap.payload(response.content)
    if result is None or soap.text_of(result, "sessionId") is None:
        raise _soap_refused(credential, site, response)

    def said(name: str) -> str:
        return soap.text_of(result, name) or ""

    parts = urlsplit(said("serverUrl"))
    return Session(
        Secret(said("sessionId")),
        f"{parts.scheme}://{parts.netloc}",
        to_18(said("organizationId")),
        to_18(said("userId")),
    )


def _json_answer(response: requests.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    if isinstance(answer, list) and answer:
        answer = answer[0]
    return answer if isinstance(answer, dict) else {}


def _refused(
    credential: Credential, site: Site, response: requests.Response, answer: Mapping[str, Any]
) -> SignInRefused | OrgUnreachable:
    code = answer.get("error") or answer.get("errorCode")
    description = answer.get("error_description") or answer.get("message") or ""
    if code is None:
        text = " ".join(response.text.split())
        if response.status_code in (401, 403) and text.isidentifier():  # userinfo: `Bad_OAuth_Token`
            return _refusal(credential, text, "")
        return _no_answer(site, response)
    return _refusal(credential, str(code), str(description))


def _soap_refused(credential: Credential, site: Site, response: requests.Response) -> SignInRefused | OrgUnreachable:
    fault = soap.payload(response.content)
    if fault is None or soap.local_name(fault) != "Fault":
        return _no_answer(site, response)
    code = soap.text_of(fault, "exceptionCode") or (soap.text_of(fault, "faultcode") or "").rpartition(":")[2]
    words = soap.text_of(fault, "exceptionMessage") or soap.text_of(fault, "faultstring") or ""
    return _refusal(credential, code, words.removeprefix(f"{code}: "))


def _refusal(credential: Credential, code: str, description: str) -> SignInRefused:
    # an answer may repeat what was sent, and its words go into journals and reports
    code, description = without_secrets(code, "***"), without_secrets(description, "***")
    words = f"{code}: {description}" if description else code
    return SignInRefused(
        f"the {credential.flow} sign-in of {credential.username} was refused: {words}",
        flow=credential.flow,
        username=credential.username,
        code=code,
        description=description,
        remedy=remedy_for(code, description),
    )


def _no_answer(site: Site, response: requests.Response) -> OrgUnreachable:
    path = urlsplit(response.request.path_url).path
    return OrgUnreachable(
        f"{site.url}{path} answered HTTP {response.status_code}, which is no answer to a sign-in",
        asked=f"{response.request.method} {path}",
        may_have_happened=False,
        remedy="check that url is the org's My Domain URL",
    )
