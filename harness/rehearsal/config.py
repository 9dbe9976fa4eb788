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
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)
_FLOWS = "client-credentials, jwt-bearer, username-password, soap-login, access-token"
_SIGN_IN_KEYS = (
    "flow",
    "app",
    "consumer_key",
    "consumer_secret",
    "private_key",
    "password",
    "security_token",
    "access_token",
)
_REFERENCE = "secrets stand here by reference only: env:NAME, file:PATH or keyring:SERVICE/NAME"
_REMEDIES: Mapping[str, str] = {
    "my_domain": 'my_domain = "https://acme--uat.sandbox.my.salesforce.com"; Setup > My Domain shows it',
    "org_id": "write all 18 characters; `sf org display` shows them, and Setup > Company Information the first 15",
    "api_version": 'write it as in api_version = "67.0"',
    "admin": "write how the admin signs in as a table: [orgs.NAME.admin], with username, flow and what the flow needs",
    "flow": f"it is one of {_FLOWS}",
    "ca_bundle": "write the path of a PEM file, in quotes, relative to this file",
    "app": "write the app's name as Setup shows it, in quotes",
    "username": 'write a Salesforce username, as in username = "admin@acme.example.uat"',
    **{key: _REFERENCE for key in _SIGN_IN_KEYS if key not in ("flow", "app")},
}
"""What to do when the value of a key is wrong or missing."""


def _check_my_domain(url: str) -> str:
    trimmed = url.rstrip("/")
    if not (_HTTPS.match(trimmed) or _LOOPBACK.match(trimmed)):
        raise ValueError("is no My Domain URL: https://, a host, and nothing after it")
    return trimmed


class OrgConfig(BaseModel):
    """One org of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    my_domain: Annotated[str, AfterValidator(_check_my_domain)]
    org_id: str = Field(pattern=r"^00D[A-Za-z0-9]{15}$")
    api_version: str = Field(default="67.0", pattern=r"^\d{2}\.0$")
    ca_bundle: Path | None = None
    admin: Mapping[str, Any]


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
    document: object = _parse(file)
    if file.name == "pyproject.toml":
        for key in ("tool", "rehearse"):
            document = document.get(key) if isinstance(document, dict) else None
        if document is None:
            return None
    if not isinstance(document, dict):
        raise UsageError("`rehearse` must be a table", place=_place(file, "rehearse"), remedy=_write_orgs(file))
    unknown = [key for key in document if key != "orgs"]
    if unknown:
        place = _place(file, unknown[0])
        raise UsageError(f"unknown key {unknown[0]!r}", place=place, remedy=_write_orgs(file))
    orgs = document.get("orgs", {})
    if not isinstance(orgs, dict):
        raise UsageError("`orgs` must be a table of orgs", place=_place(file, "orgs"), remedy=_write_orgs(file))
    return orgs


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8: {error.reason}", place=Place(str(file)), remedy="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        what, at, where = str(error).partition(" (at line ")
        line, _, column = where.rstrip(")").partition(", column ")
        place = Place(str(file), int(line), int(column)) if column.isdecimal() else Place(str(file))
        remedy = "write strings in quotes, and each table and key once"
        raise UsageError(f"not valid TOML: {what if at else error}", place=place, remedy=remedy) from error


def _write_orgs(file: Path) -> str:
    prefix = "tool.rehearse." if file.name == "pyproject.toml" else ""
    return f"orgs are written as tables: [{prefix}orgs.NAME]"


def _read(name: str, table: object, file: Path) -> ConfiguredOrg:
    if not isinstance(table, dict):
        raise UsageError(f"[orgs.{name}] must be a table", place=_place(file, name), remedy=_write_orgs(file))
    try:
        org = OrgConfig.model_validate(table)
    except ValidationError as error:
        raise _invalid((name,), error, file, tuple(OrgConfig.model_fields)) from error
    admin = dict(org.admin)
    keys = ("username", *_SIGN_IN_KEYS)
    if "username" not in admin:
        place = _place(file, name, "admin")
        remedy = "name the user that writes to the org: a System Administrator of the sandbox"
        raise UsageError(f"[orgs.{name}.admin] username is missing", place=place, remedy=remedy)
    try:
        username = _USERNAME.validate_python(admin.pop("username"))
    except ValidationError as error:
        raise _invalid((name, "admin"), error, file, keys, key="username") from error
    try:
        sign_in = _SIGN_IN.validate_python(admin)
    except ValidationError as error:
        raise _invalid((name, "admin"), error, file, keys) from error
    return ConfiguredOrg(name, org, username, sign_in, file.parent, file)


def _invalid(
    tables: tuple[str, ...], error: ValidationError, file: Path, keys: tuple[str, ...], *, key: str = ""
) -> UsageError:
    """The first thing that is wrong, as it stands in the file; a key with a typo before the key that it then lacks."""
    errors = error.errors(include_url=False, include_input=False)
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    where = f"[orgs.{'.'.join(tables)}]"
    named = [str(part) for part in first["loc"] if str(part) in keys]
    if first["type"].startswith("union_tag"):  # the flow says which other keys there are
        named = ["flow"]
    key = key or (named[-1] if named else str(first["loc"][-1]) if first["loc"] else "")
    message, remedy = first["msg"].removeprefix("Value error, "), _REMEDIES.get(key)
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, keys, n=1)
        message = "there is no such key here"
        remedy = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(keys)}"
    elif first["type"] in ("missing", "union_tag_not_found"):
        message = "is missing"
    elif first["type"] == "union_tag_invalid":
        message = "there is no such sign-in flow"
    elif first["type"] == "string_pattern_mismatch":
        message = "is not written as it must be"
    return UsageError(f"{where} {key}: {message}", place=_place(file, *tables, key), remedy=remedy)


def _place(file: Path, *path: str) -> Place:
    """The line a key is written on, or the header of the table it is missing from; tomllib keeps no line numbers.

    `path` is one key, or the tables from the org's name on and then the key.
    """
    *tables, key = path
    header = re.compile(r"^\s*\[(?!\[)(.*)\]\s*(#.*)?$")
    written = re.compile(rf"^\s*[\"']?{re.escape(key)}\b")
    now: list[str] = []
    found: int | None = None
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if match := header.match(line):
            now = [part.strip(" \"'") for part in match[1].split(".")]
            if tables and now[-len(tables) :] == tables:
                found = found or number
            if now[-len(path) :] == list(path):
                return Place(str(file), number)
        elif written.match(line) and (not tables or now[-len(tables) :] == tables):
            return Place(str(file), number)
    return Place(str(file), found)
