"""The orgs a project rehearses in: `rehearse.toml`, or `[tool.rehearse]` of `pyproject.toml`.

    [orgs.uat]                                   # in pyproject.toml: [tool.rehearse.orgs.uat]
    my_domain = "https://acme--uat.sandbox.my.salesforce.com"
    org_id = "00D..."                            # 18 characters: another org under this name is refused
    api_version = "67.0"

    [orgs.uat.admin]
    username = "admin@acme.example.uat"
    flow = "jwt-bearer"
    app = "Rehearsal Admin"
    consumer_key = "env:UAT_CONSUMER_KEY"
    private_key = "file:~/keys/uat.pem"

Secrets stand here by reference only.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from harness.errors import Place, UsageError
from harness.scenario.model import SignIn, Username

FILES = ("rehearse.toml", "pyproject.toml")

_LOOPBACK = re.compile(r"^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$")
_HTTPS = re.compile(r"^https://[A-Za-z0-9.-]+(:\d+)?$")
_SIGN_IN: TypeAdapter[SignIn] = TypeAdapter(SignIn)


def _check_my_domain(url: str) -> str:
    trimmed = url.rstrip("/")
    if not (_HTTPS.match(trimmed) or _LOOPBACK.match(trimmed)):
        raise ValueError("write the My Domain URL as https://HOST, such as https://acme--uat.sandbox.my.salesforce.com")
    return trimmed


class OrgConfig(BaseModel):
    """One org of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    my_domain: Annotated[str, AfterValidator(_check_my_domain)]
    org_id: str = Field(pattern=r"^00D[A-Za-z0-9]{15}$")
    api_version: str = Field(default="67.0", pattern=r"^\d{2}\.0$")
    ca_bundle: Path | None = None
    admin: Mapping[str, str]


@dataclass(frozen=True)
class ConfiguredOrg:
    """An org, how its admin signs in, and the folder that `file:` references and `ca_bundle` are relative to."""

    name: str
    org: OrgConfig
    admin_username: str
    admin_sign_in: SignIn
    folder: Path
    file: Path

    @property
    def ca_bundle(self) -> Path | None:
        """The CA bundle to trust, as an absolute path."""
        return None if self.org.ca_bundle is None else (self.folder / self.org.ca_bundle.expanduser()).resolve()


def find_org(name: str, start: Path) -> ConfiguredOrg:
    """The org of that name, from the nearest configuration at or above `start`.

    Raises UsageError naming file and key for what is wrong, and the orgs there are when `name` is not one.
    """
    for folder in (start, *start.parents):
        for file in (folder / one for one in FILES):
            orgs = _orgs_of(file)
            if orgs is None:
                continue
            if name in orgs:
                return _read(name, orgs[name], file)
            raise UsageError(
                f"there is no org named {name!r}",
                place=Place(str(file)),
                remedy=_other_names(name, sorted(orgs)),
            )
    raise UsageError(
        f"there is no org named {name!r}: no rehearse.toml, and no [tool.rehearse.orgs] in a pyproject.toml, was found",
        remedy=f"write [orgs.{name}] into rehearse.toml, or leave out --org to rehearse in the simulated sandbox",
    )


def _other_names(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"configured are: {', '.join(known) or 'none'}"


def _orgs_of(file: Path) -> Mapping[str, Any] | None:
    """The `orgs` table of a configuration file, or None where it has none."""
    if not file.is_file():
        return None
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not valid TOML: {error}", place=Place(str(file))) from error
    if file.name == "pyproject.toml":
        document = document.get("tool", {}).get("rehearse", {})
        if not document:
            return None
    unknown = [key for key in document if key != "orgs"]
    if unknown:
        raise UsageError(f"unknown key {unknown[0]!r}", place=_place(file, unknown[0]), remedy="did you mean 'orgs'?")
    orgs = document.get("orgs", {})
    if not isinstance(orgs, dict):
        raise UsageError("`orgs` must be a table of orgs", place=_place(file, "orgs"), remedy="write [orgs.NAME]")
    return orgs


def _read(name: str, table: object, file: Path) -> ConfiguredOrg:
    try:
        org = OrgConfig.model_validate(table)
        admin = dict(org.admin)
        username = TypeAdapter(Username).validate_python(admin.pop("username", None))
    except ValidationError as error:
        raise _invalid(name, error, file, tuple(OrgConfig.model_fields)) from error
    try:
        sign_in = _SIGN_IN.validate_python(admin)
    except ValidationError as error:
        keys = ("username", "flow", "app", "consumer_key", "consumer_secret", "private_key", "password")
        raise _invalid(f"{name}.admin", error, file, (*keys, "security_token", "access_token")) from error
    return ConfiguredOrg(name, org, username, sign_in, file.parent, file)


def _invalid(where: str, error: ValidationError, file: Path, keys: tuple[str, ...]) -> UsageError:
    first = error.errors(include_url=False, include_input=False)[0]
    key = str(first["loc"][-1]) if first["loc"] else "username"
    remedy = None
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, keys, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(keys)}"
    message = first["msg"].removeprefix("Value error, ")
    return UsageError(f"[orgs.{where}] {key}: {message}", place=_place(file, key), remedy=remedy)


def _place(file: Path, key: str) -> Place:
    """The line the key is written on, where it is written; tomllib keeps no line numbers."""
    pattern = re.compile(rf'^\s*(\[.*)?["\']?{re.escape(key)}\b')
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if pattern.match(line):
            return Place(str(file), number)
    return Place(str(file))
