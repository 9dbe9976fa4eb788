"""What a cassette says about itself: when it was recorded, from what, with what, and what it depends on.

It stands in the file's metadata, beside the tape of the clock.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from harness.errors import Place, RecordingError

OrgKind = Literal["simulated", "sandbox", "scratch"]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")]
TapeLine = Annotated[str, Field(pattern=r"^(now \S+|id \S+|passed (yes|no)|said [^\x00-\x1f\x7f]{1,1000})$")]

ALIKE = ("live", "org_name", "org_id", "api_version", "scenario", "admin_flow", "admin_username")
"""What all cassettes of one scenario must agree on. A stage may be recorded again on a newer release of the org."""
ALIKE_WHERE_KNOWN = ("kind",)
"""And what those must agree on that were recorded after it was known."""
TAPES = ("before", "tape")
IN_WORDS: Mapping[str, str] = {"simulated": "simulated sandbox", "sandbox": "sandbox", "scratch": "scratch org"}


class Facts(BaseModel):
    """What a cassette says about itself. None where it was not known, or does not apply."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    recorded_at: AwareDatetime | None = None
    """Of a live org only: what a simulated one answered is the same at any time."""
    live: Literal["yes", "no"]
    """Whether a configured org was asked, in real time; else a simulated one of our own."""
    kind: OrgKind | None = None
    """What kind of org it is, as preflight proved it."""
    release: str | None = None
    """The Salesforce release of the org, as its list of API versions names the newest, such as `Winter '27`."""
    api_version: str = Field(pattern=r"^\d{2,3}\.0$")
    tool_version: str = Field(min_length=1)
    scenario: Digest
    """The digest of the scenario's file that the runs put into their marks in the org."""
    reads: Mapping[str, Digest] = {}
    """What this stage's traffic depends on in the scenario: `expect.denials[2]`, and a digest of what it said."""
    access: Digest | None = None
    """The fingerprint of the access that the snapshot saw."""
    org_name: str
    org_id: str = Field(pattern=r"^00D[A-Za-z0-9]{15}$")
    admin_flow: str
    admin_username: str
    before: tuple[TapeLine, ...] = ()
    """What the clock said between the stage before and this one (`recording.tape`)."""
    tape: tuple[TapeLine, ...] = ()
    """What it said in this one."""

    @property
    def is_live(self) -> bool:
        """Whether a configured org was asked, in real time."""
        return self.live == "yes"

    @property
    def source(self) -> str:
        """What it was recorded from, in words."""
        return IN_WORDS[self.kind or ("sandbox" if self.is_live else "simulated")]

    @property
    def starts_at(self) -> datetime | None:
        """The first time on the tape."""
        found = next((line for line in (*self.before, *self.tape) if line.startswith("now ")), None)
        return datetime.fromisoformat(found.removeprefix("now ")).astimezone(UTC) if found else None

    def as_metadata(self) -> dict[str, Any]:
        """The facts as they stand in the file."""
        told = self.model_dump(mode="json", exclude_none=True, exclude={*TAPES})
        if self.recorded_at is not None:
            told["recorded_at"] = self.recorded_at.isoformat(timespec="seconds")
        return told

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any], path: Path) -> Facts:
        """Read the metadata of a cassette. Raises RecordingError with file and line."""
        try:
            return cls.model_validate_json(json.dumps(metadata))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            key = str(first["loc"][0]) if first["loc"] else "metadata"
            what = f"its {key} is not what it must be: {first['msg']}"
            if first["type"] == "missing":
                what = f"it does not say its {key}"
            elif first["type"] == "extra_forbidden":
                what = f"nothing is known of its {key}"
        except (TypeError, ValueError):
            key, what = "metadata", "its metadata holds what is neither text nor number"
        raise RecordingError(
            f"the cassette cannot be relied on: {what}",
            place=Place(str(path), _line_of(key, path)),
            remedy="record it again; cassettes of an earlier version of rehearse say less",
        )


def _line_of(key: str, path: Path) -> int:
    """Where a key of the metadata stands in the file; where the metadata does, if it is not there."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1
    for wanted in (rf"  {re.escape(key)}:", "metadata:"):
        for number, line in enumerate(lines, start=1):
            if re.match(wanted, line):
                return number
    return 1


def check_agreement(found: Mapping[Path, Facts]) -> None:
    """Raise RecordingError, naming the odd one, where the cassettes of a scenario were not recorded together."""
    for name in (*ALIKE, *ALIKE_WHERE_KNOWN):
        said = {path: getattr(facts, name) for path, facts in found.items()}
        if name in ALIKE_WHERE_KNOWN:
            said = {path: value for path, value in said.items() if value is not None}
        counts = Counter(said.values())
        if len(counts) > 1:
            common = counts.most_common(1)[0][0]
            odd, value = next((path, value) for path, value in said.items() if value != common)
            raise RecordingError(
                f"its {name} is {value}, and that of the scenario's other cassettes {common}: "
                "they were not recorded together",
                place=Place(str(odd), _line_of(name, odd)),
                remedy="record the scenario again, all of it",
            )


def changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The parts of a scenario that are not as they were, in the order in which they stand; gone ones last."""
    return [name for name in now if then.get(name) != now[name]] + [name for name in then if name not in now]


def age_in_days(facts: Facts, now: datetime) -> int | None:
    """How many whole days ago it was recorded; None for a simulated org, whose answers have no age."""
    if not facts.is_live or facts.recorded_at is None:
        return None
    return max(0, (now - facts.recorded_at) // timedelta(days=1))


def oldest(found: Iterable[Facts]) -> Facts | None:
    """The one that was recorded first, of those that have an age."""
    dated = [facts for facts in found if facts.recorded_at is not None]
    return min(dated, key=lambda facts: facts.recorded_at or datetime.max.replace(tzinfo=UTC), default=None)


def in_words(parts: Sequence[str], most: int = 3) -> str:
    """Some names, and how many more."""
    shown = ", ".join(parts[:most])
    return shown if len(parts) <= most else f"{shown} and {len(parts) - most} more"
