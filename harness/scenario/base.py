"""What every part of a scenario is made of: names, durations, references to secrets, and the strict base model."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Flow = Literal["client-credentials", "jwt-bearer", "username-password", "soap-login", "access-token"]

_REFERENCE = re.compile(r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+)$")
_DURATION_PATTERN = r"^[0-9]{1,6}\s*[smhdw]$"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _check_reference(text: str) -> str:
    if not _REFERENCE.match(text):
        raise ValueError("a secret is written as a reference: env:NAME, file:PATH or keyring:SERVICE/NAME")
    return text


def _parse_duration(value: object) -> object:
    if not isinstance(value, str) or not re.match(_DURATION_PATTERN, value):
        raise ValueError("a duration is a whole number and a unit, such as 48h or 14d (s, m, h, d, w)")
    return timedelta(**{_UNITS[value[-1]]: int(value[:-1])})


SecretReference = Annotated[
    str,
    AfterValidator(_check_reference),
    Field(
        json_schema_extra={"pattern": _REFERENCE.pattern},
        examples=["env:ERP_OLD_PASSWORD", "file:~/keys/erp.pem", "keyring:erp/password"],
    ),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_parse_duration, json_schema_input_type=Annotated[str, Field(pattern=_DURATION_PATTERN)]),
    Field(examples=["14d", "48h", "30m"]),
]
Name = Annotated[str, Field(min_length=1, max_length=80)]
ObjectName = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80, examples=["Account", "Invoice__c"])
]
Username = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=80, examples=["erp.sync@acme.example"])]


class Model(BaseModel):
    """The base of every part of a scenario: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
