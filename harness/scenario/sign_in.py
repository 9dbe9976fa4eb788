"""Who signs in, and how: the sign-in flows, and where each part of a credential is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.scenario.base import Model, Name, SecretReference


class ClientCredentials(Model):
    """OAuth 2.0 client credentials: the app signs in as its run-as user."""

    flow: Literal["client-credentials"] = Field(examples=["client-credentials"])
    """The sign-in flow."""
    app: Name = Field(examples=["ERP Integration"])
    """The connected app or External Client App, by its name in Setup."""
    consumer_key: SecretReference
    """Where the app's consumer key is."""
    consumer_secret: SecretReference
    """Where the app's consumer secret is."""


class JwtBearer(Model):
    """OAuth 2.0 JWT bearer: the app signs an assertion for the user with its private key (RS256)."""

    flow: Literal["jwt-bearer"] = Field(examples=["jwt-bearer"])
    """The sign-in flow."""
    app: Name = Field(examples=["MuleSoft Anypoint"])
    """The connected app or External Client App, by its name in Setup."""
    consumer_key: SecretReference
    """Where the app's consumer key is."""
    private_key: SecretReference
    """Where the private key (PEM) is that belongs to the app's certificate."""


class UsernamePassword(Model):
    """OAuth 2.0 username-password. Blocked in newer orgs and not supported by External Client Apps."""

    flow: Literal["username-password"] = Field(examples=["username-password"])
    """The sign-in flow."""
    app: Name = Field(examples=["ERP Legacy"])
    """The connected app, by its name in Setup."""
    consumer_key: SecretReference
    """Where the app's consumer key is."""
    consumer_secret: SecretReference
    """Where the app's consumer secret is."""
    password: SecretReference
    """Where the user's password is."""
    security_token: SecretReference | None = Field(default=None, examples=["env:ERP_OLD_SECURITY_TOKEN"])
    """Where the user's security token is, if the org asks for one."""


class SoapLogin(Model):
    """SOAP `login()`: gone from API version 65, off in new orgs, retired in Summer '27."""

    flow: Literal["soap-login"] = Field(examples=["soap-login"])
    """The sign-in flow."""
    password: SecretReference
    """Where the user's password is."""
    security_token: SecretReference | None = Field(default=None, examples=["env:ERP_OLD_SECURITY_TOKEN"])
    """Where the user's security token is, if the org asks for one."""


class AccessToken(Model):
    """An access token that somebody else obtained: it cannot be renewed."""

    flow: Literal["access-token"] = Field(examples=["access-token"])
    """The sign-in flow."""
    access_token: SecretReference
    """Where the access token is."""


OLD_SIGN_IN = {
    "flow": "username-password",
    "app": "ERP Legacy",
    "consumer_key": "env:ERP_OLD_KEY",
    "consumer_secret": "env:ERP_OLD_SECRET",
    "password": "env:ERP_OLD_PASSWORD",
}
NEW_SIGN_IN = {
    "flow": "client-credentials",
    "app": "ERP Integration",
    "consumer_key": "env:ERP_NEW_KEY",
    "consumer_secret": "env:ERP_NEW_SECRET",
}
SignIn = Annotated[
    ClientCredentials | JwtBearer | UsernamePassword | SoapLogin | AccessToken,
    Field(discriminator="flow", examples=[NEW_SIGN_IN]),
]
