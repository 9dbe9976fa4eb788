"""What was measured of one strategy: plain data, the same for the table and for JSON. None: it was not measured."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Result(BaseModel):
    """The base of what is measured: immutable, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Kept(Result):
    """Of so many, so many are there still."""

    before: int
    kept: int


class Seats(Result):
    """The seats of one license in use: before the run, at most during it, and when its last stage had passed."""

    license: str
    total: int
    before: int
    most: int
    after: int


class Gap(Result):
    """A time in which neither credential worked: from the step after which, to the step after which one did again."""

    calls: int
    """API calls between the two."""
    stage: str
    ended: bool
    """False: no credential worked when the run ended."""


class Rollback(Result):
    """The rehearsal of a rollback from one stage."""

    stage: str
    proven: bool
    """Whether the fingerprint is the snapshot's, the old credential is back, and the old user signs in."""
    because: str | None = None
    """Why not."""


class Column(Result):
    """One strategy."""

    strategy: str
    changed: tuple[str, ...] = ()
    """What had to be changed in the scenario beside to.strategy."""
    ended: str
    """`through`, or where it ended and why."""
    through: bool = False
    same_user: bool | None = None
    """Whether the id of the user that works is the same before and after."""
    access: Kept | None = None
    """Object rights, fields, system permissions and setup entities of the old user, and those the new one holds."""
    gained: int | None = None
    """What the new user holds and the old one did not."""
    place: Kept | None = None
    """Role, groups and queues."""
    rows_owned: Kept | None = None
    """Rows the old user owned, and those of them that the user who works after owns."""
    rows_created: Kept | None = None
    """Rows whose CreatedById was the old user, and those of them that bear the id of the user who works after."""
    sign_ins: Kept | None = None
    """Rows of LoginHistory from before the first write, and those found under the id that works after."""
    session: bool | None = None
    """Whether a session that the old credential's app had opened before was alive when the new user was verified."""
    refresh_token: bool | None = None
    """Whether a refresh token of that app was still good for a session then."""
    refresh_token_at_end: bool | None = None
    """And when the last stage had passed."""
    old_credential_at_end: bool | None = None
    """Whether the old credential worked when the last stage had passed."""
    seats: tuple[Seats, ...] = ()
    gaps: tuple[Gap, ...] | None = None
    probes: int = 0
    """How often both credentials were tried on the way."""
    writes: int | None = None
    """Writes journaled."""
    rows_written: int | None = None
    calls: int | None = None
    """API calls of all stages."""
    calls_back: int | None = None
    """API calls of the rollback from the last stage."""
    rollbacks: tuple[Rollback, ...] = ()
    residue: tuple[str, ...] = ()
    """What a rollback leaves behind."""

    @property
    def good(self) -> bool:
        """Whether it ran through, and every rollback was proven."""
        return self.through and bool(self.rollbacks) and all(each.proven for each in self.rollbacks)


class Comparison(Result):
    """All strategies of one scenario."""

    scenario: str
    scenario_digest: str
    tool_version: str
    columns: tuple[Column, ...]
