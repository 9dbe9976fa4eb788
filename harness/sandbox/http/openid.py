"""OpenID Connect: what the org says about itself, its signing key, and ID tokens (OpenID Connect Core 1.0, 2).

Salesforce Help: "OpenID Connect Discovery", "Decode the ID Token". An app gets an ID token with the scope `openid`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.sandbox import apps
from harness.sandbox.apps import App
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import Session

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

SCOPE = "openid"
ID_TOKEN_SECONDS = 120
_KEY_ID = "1"


def configuration(instance_url: str) -> Answer:
    """`GET /.well-known/openid-configuration`: where the endpoints are."""
    oauth = f"{instance_url}/services/oauth2"
    return Answer(
        200,
        {
            "issuer": instance_url,
            "authorization_endpoint": f"{oauth}/authorize",
            "token_endpoint": f"{oauth}/token",
            "revocation_endpoint": f"{oauth}/revoke",
            "userinfo_endpoint": f"{oauth}/userinfo",
            "jwks_uri": f"{instance_url}/id/keys",
            "introspection_endpoint": f"{oauth}/introspect",
            "scopes_supported": ["api", "full", "id", "offline_access", "openid", "refresh_token", "web"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        },
    )


def keys(org: SandboxOrg) -> Answer:
    """`GET /id/keys`: the public key of ID tokens (RFC 7517)."""
    public = _key(org).public_key()
    known = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public))
    shown = {name: known[name] for name in ("kty", "n", "e")}
    return Answer(200, {"keys": [shown | {"alg": "RS256", "use": "sig", "kid": _KEY_ID}]})


def id_token(org: SandboxOrg, instance_url: str, app: App, session: Session, *, nonce: str | None) -> str:
    """Who signed in, for an app to read and check."""
    began = int(datetime.fromisoformat(session.issued).timestamp())
    half = hashlib.sha256(session.token.encode()).digest()[:16]
    claims = {
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "sub": f"{instance_url}/id/{org.org_id}/{session.user_id}",
        "aud": app.consumer_key,
        "iss": instance_url,
        "exp": began + ID_TOKEN_SECONDS,
        "iat": began,
    }
    key = _key(org)
    return jwt.encode(claims | ({"nonce": nonce} if nonce else {}), key, algorithm="RS256", headers={"kid": _KEY_ID})


def _key(org: SandboxOrg) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(apps.signing_key(org).encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
