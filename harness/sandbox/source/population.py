"""The population file, `sandbox.yaml`: the people, licenses, apps and records that a project's metadata cannot hold.

Strict: an unknown key, a wrong type or a second key of the same name is an error with file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.yaml_file import YamlError, read_yaml

POPULATION_FILE = "sandbox.yaml"


class Model(BaseModel):
    """The base of every part: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


Name = Annotated[str, Field(min_length=1, max_length=255)]
Username = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=80)]
Flow = Literal["client-credentials", "jwt-bearer", "username-password", "web-server"]
IpRange = Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+(\s*-\s*[0-9a-fA-F.:]+)?$")]
"""First and last address: `10.0.0.1-10.0.0.9`, or one address."""
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Hours = Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")]
"""`08:00-18:00`, in the org's time zone."""


Read = TypeVar("Read", bound=Model)


class OrgSettings(Model):
    """The Organization row."""

    name: Name = "Simulated Sandbox"
    edition: Literal["Professional Edition", "Enterprise Edition", "Unlimited Edition", "Developer Edition"] = (
        "Enterprise Edition"
    )
    sandbox: bool = True
    """False makes it look like a production org, which no migration may write to."""
    trial_ends: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    """Trial expiration date: a sandbox with one is a scratch org."""


class User(Model):
    """One user."""

    username: Username
    name: Name
    """First and last name; the last word is the last name."""
    profile: Name
    as_: str | None = Field(default=None, alias="as", min_length=1)
    """The user's key in the ready file; the username by default. One is `admin`."""
    role: str | None = None
    """Developer name of the role."""
    email: str | None = None
    permission_sets: tuple[str, ...] = ()
    """API names."""
    permission_set_groups: tuple[str, ...] = ()
    permission_set_licenses: tuple[str, ...] = ()
    """Developer names. Those that the permission sets are bound to come by themselves."""
    groups: tuple[str, ...] = ()
    """Developer names of public groups."""
    queues: tuple[str, ...] = ()
    """Developer names of queues."""
    features: tuple[str, ...] = ()
    """Feature licenses, as in UserPermissionsMarketingUser: `MarketingUser`."""
    active: bool = True
    security_token: bool = True
    """Whether the password must be followed by a security token."""


class App(Model):
    """A connected app or External Client App: one that the metadata has, completed, or one of its own."""

    name: Name
    """Its label, or for one of the metadata its label or developer name."""
    kind: Literal["connected-app", "external-client-app"] = "connected-app"
    flows: tuple[Flow, ...] = Field(min_length=1)
    permitted_users: Literal["admin-approved", "self-authorized"] = "admin-approved"
    run_as: Username | None = None
    """The user that client credentials sign in as."""
    consented: tuple[Username, ...] = ()
    """Users who approved a self-authorized app once."""
    profiles: tuple[str, ...] = ()
    """Profiles whose users the admin pre-authorized."""
    permission_sets: tuple[str, ...] = ()
    """Permission sets whose users the admin pre-authorized."""
    scopes: tuple[str, ...] = ("api",)
    """OAuth scopes: `api`, `refresh_token`, `web`, `full`, `openid`, `id`."""
    callback_urls: tuple[str, ...] = ()
    """Where the web server flow sends its codes."""
    pkce_required: bool = False
    """Whether the web server flow needs a code challenge."""
    rotates_refresh_tokens: bool = False
    """Whether each use of a refresh token replaces it."""
    ip_relaxation: Literal["Enforce", "Bypass", "Bypass_2factor", "Enforce_RelaxRefresh"] = "Enforce"
    """Whether the login IP ranges of profiles hold for the app."""
    installed: bool = True
    """False: a connected app of another org that nobody installed."""
    blocked: bool = False
    """An administrator blocked it."""


class RowReference(Model):
    """The id of another row of this file."""

    ref: str


class UserReference(Model):
    """The id of a user."""

    user: Username


class RecordTypeReference(Model):
    """The id of a record type of the row's object."""

    record_type: str


Reference = RowReference | UserReference | RecordTypeReference
Scalar = str | int | float | bool | None
Value = Scalar | Reference


class Generated(Model):
    """Many rows alike: `{n}` in a text is the row's number from 1, and a list is gone through again and again."""

    count: int = Field(ge=1, le=100_000)
    fields: Mapping[str, Value | tuple[Value, ...]]


class Records(Model):
    """Rows of one object: named ones that others can refer to, or many alike."""

    object: Name
    owner: Username | None = None
    """Whose they are; the admin's by default."""
    queue: str | None = None
    """Developer name of the queue that owns them, instead of a user."""
    rows: Mapping[str, Mapping[str, Value]] = Field(default_factory=dict)
    """Name of the row to its values; the names are this file's own."""
    generate: Generated | None = None


class ApexRest(Model):
    """An Apex REST resource. `{name}` in answer and query is part of the path, a parameter, or a field of the body."""

    path: str = Field(pattern=r"^/")
    """The path after /services/apexrest; its parts may have names, `/orders/{number}`, and it may end in `/*`."""
    class_: Name = Field(alias="class")
    """The Apex class behind it, to which a user needs access."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    status: int = Field(default=200, ge=200, le=599)
    query: str | None = None
    """SOQL that runs in system context: neither permissions nor sharing count."""
    answer: Any = None
    """JSON; `{rows}` in it is what the query found, `{row}` the first of it. Without an answer it is the rows."""


class GroupMembers(Model):
    """Who is in a public group beside the users that name it: everybody in these roles and groups."""

    roles: tuple[str, ...] = ()
    """Developer names of roles."""
    roles_and_subordinates: tuple[str, ...] = ()
    """Developer names of roles, with all roles below them."""
    groups: tuple[str, ...] = ()
    """Developer names of public groups."""


class Share(Model):
    """One row shared by hand, with one user, public group or role."""

    row: str
    """The name of a row of this file."""
    user: Username | None = None
    group: str | None = None
    """Developer name of a public group."""
    role: str | None = None
    """Developer name of a role."""
    role_and_subordinates: str | None = None
    access: Literal["Read", "Edit"]

    @model_validator(mode="after")
    def _one_receiver(self) -> Share:
        if sum(one is not None for one in (self.user, self.group, self.role, self.role_and_subordinates)) != 1:
            raise ValueError("a share has one of user, group, role and role_and_subordinates")
        return self


class SharingSettings(Model):
    """What decides who sees which rows, beside the metadata: org-wide defaults, sharing rules and roles."""

    groups: Mapping[str, GroupMembers] = Field(default_factory=dict)
    """Developer name of a public group to who is in it."""
    without_hierarchies: tuple[str, ...] = ()
    """Custom objects without Grant Access Using Hierarchies."""
    shares: tuple[Share, ...] = ()


class Settings(Model):
    """What the org allows."""

    username_password_flow: bool = True
    """Allow OAuth username-password flows."""
    soap_login: bool = True
    """Enable SOAP API login()."""


class Security(Model):
    """From where and when people may sign in, and how often a password may be wrong."""

    most_failed_logins: int = Field(default=10, ge=0)
    """Wrong passwords in a row that lock a user out; 0: no limit."""
    lockout_minutes: int = Field(default=15, ge=0)
    """0: until an administrator unlocks."""
    session_minutes: int = Field(default=120, ge=1)
    password_days: int = Field(default=0, ge=0)
    """After how many days passwords expire; 0: never."""
    trusted_ip_ranges: tuple[IpRange, ...] = ()
    """Addresses from which no security token is needed."""
    trusts_forwarded_for: bool = False
    """Take callers' addresses from X-Forwarded-For, to test rules about addresses."""
    login_ip_ranges: Mapping[str, tuple[IpRange, ...]] = Field(default_factory=dict)
    """Profile to its login IP ranges."""
    login_hours: Mapping[str, Mapping[Day, Hours]] = Field(default_factory=dict)
    """Profile to its login hours; days that are not named are free."""


class Contents(Model):
    """What may be put into any org, whoever its people are."""

    settings: Settings = Settings()
    apps: tuple[App, ...] = ()
    records: tuple[Records, ...] = ()
    """In order: a row refers to rows above it."""
    apex_rest: tuple[ApexRest, ...] = ()
    sharing: SharingSettings = SharingSettings()


class Population(Contents):
    """The whole file."""

    org: OrgSettings = OrgSettings()
    licenses: Mapping[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Seats: user license name, or permission set license developer name, to the number in all."""
    users: tuple[User, ...] = Field(min_length=1)
    security: Security = Security()

    @model_validator(mode="after")
    def _one_admin(self) -> Population:
        roles = [one.as_ or one.username for one in self.users]
        twice = sorted({one for one in roles if roles.count(one) > 1})
        if twice:
            raise ValueError(f"two users are called {', '.join(twice)}")
        if "admin" not in roles:
            raise ValueError("one of the users must be `as: admin`")
        return self


def read_population(path: Path) -> Population:
    """Read a population file. Raises SourceError with file, line and what is wrong."""
    return _read(path, Population)


def read_contents(path: Path) -> Contents:
    """Read a file that holds only what may be put into any org. Raises SourceError like `read_population`."""
    return _read(path, Contents)


def _read(path: Path, model: type[Read]) -> Read:
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: the population file cannot be read: {error.strerror}") from error
    except YamlError as error:
        raise SourceError(f"{path}:{error}") from error
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SourceError(f"{path}:{document.line(first['loc'])}: {where}: {first['msg']}") from error
