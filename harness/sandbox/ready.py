"""What somebody needs to use a simulated org that runs: where it is, and the credentials of everyone in it.

The ready file is that as JSON, readable by its owner only, and written when the org already answers: whoever sees the
file may connect.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Ready"]


@dataclass(frozen=True, slots=True)
class Ready:
    """A running simulated org.

    `users`: role to `username`, `password`, `security_token`; `admin` is first.
    `apps`: app name to `consumer_key`, then `consumer_secret` or `private_key_file`.
    `control`: `url` and `token` of the interface that sets the clock, which no real org has.
    """

    instance_url: str
    org_id: str
    users: Mapping[str, Mapping[str, str]]
    apps: Mapping[str, Mapping[str, str]]
    control: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Ready(instance_url={self.instance_url!r}, org_id={self.org_id!r}, users={sorted(self.users)})"

    def to_json(self) -> str:
        """The content of the ready file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def write(self, path: Path) -> None:
        """Write the ready file at once, mode 0600; a file that is there is replaced. Raises OSError."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(self.to_json())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> Ready:
        """Read a ready file. Raises OSError when it is not there, ValueError naming what is wrong with its content."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{name: values[name] for name in cls.__slots__})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is no ready file of a simulated org: {error} is missing") from error
        except json.JSONDecodeError as error:
            raise ValueError(f"{path} is no ready file of a simulated org: {error}") from error
