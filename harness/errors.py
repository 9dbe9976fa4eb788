"""Every error this project raises on purpose, and the exit code each ends with.

    RehearseError
    ├── UsageError              2   what was written, configured or typed is wrong
    │   ├── ScenarioError           ... in a scenario file, at a line and column
    │   ├── RecordingError          ... a cassette is missing, stale or does not fit
    │   └── JournalRefused          ... a journal is damaged, cut or of another version
    ├── OrgError                1   the org said no
    │   ├── SignInRefused           ... to a sign-in
    │   ├── RequestRefused          ... to a request
    │   └── OrgUnreachable          ... nothing: it did not answer
    ├── StageFailed             1   a stage of the migration did not do what it must
    ├── Stopped                 3   the run stopped and can be taken up again
    │   └── JournalFailed           ... because its journal could not be written
    └── GuardRefused            4   a guard would not let it happen

Anything else that escapes is a bug of ours and ends with exit code 5.
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_AS_EXPECTED = 0
EXIT_OUR_BUG = 5


class CassetteWarning(UserWarning):
    """A recording still replays, and should be made again: it is old, or the scenario has outgrown it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something was written; `line` and `column` count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


class RehearseError(Exception):
    """An error with a message for the user: what happened, where, and what to do about it."""

    exit_code = EXIT_OUR_BUG

    def __init__(self, message: str, *, place: Place | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.message}" if self.place else self.message]
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


class UsageError(RehearseError):
    """What was written, configured or typed is wrong."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario file is wrong; `place` says where."""


class RecordingError(UsageError):
    """A cassette is missing, stale, holds what it must not, or does not fit what was asked."""


class JournalRefused(UsageError):
    """A journal is damaged, cut, of another version, or none at all: nothing is read from it."""


class OrgError(RehearseError):
    """The org said no, or nothing."""

    exit_code = 1


class SignInRefused(OrgError):
    """The org refused a sign-in.

    `code` and `description` are the org's own words (`error` and `error_description` of the token endpoint, or the
    SOAP exception code and message); `flow` is the sign-in flow that was tried.
    """

    def __init__(
        self,
        message: str,
        *,
        flow: str,
        username: str,
        code: str,
        description: str,
        place: Place | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.flow = flow
        self.username = username
        self.code = code
        self.description = description


class RequestRefused(OrgError):
    """The org refused a request: `asked` is what was asked, the rest its answer."""

    def __init__(
        self,
        message: str,
        *,
        asked: str,
        status: int,
        code: str,
        description: str,
        fields: tuple[str, ...] = (),
        place: Place | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.asked = asked
        self.status = status
        self.code = code
        self.description = description
        self.fields = fields


class OrgUnreachable(OrgError):
    """The org did not answer. `may_have_happened` is true when the request may have taken effect all the same."""

    def __init__(self, message: str, *, asked: str, may_have_happened: bool, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.asked = asked
        self.may_have_happened = may_have_happened


class StageFailed(RehearseError):
    """A stage of the migration did not do what it must."""

    exit_code = 1

    def __init__(self, message: str, *, stage: str, place: Place | None = None, remedy: str | None = None) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.stage = stage


class Stopped(RehearseError):
    """The run stopped, nothing is lost, and `rehearse resume` takes it up again."""

    exit_code = 3


class JournalFailed(Stopped):
    """The journal could not be written (disk full, failed fsync, read-only): nothing more is sent to the org.

    The journal object takes no further record. What was sent last is looked for in the org when the run is taken up.
    """


class GuardRefused(RehearseError):
    """A guard would not let it happen: not a sandbox, another org, no capability to write."""

    exit_code = 4
