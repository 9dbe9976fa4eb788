"""A cut-over that fails, or runs out of time, falls back at once: the old user works again, and that is tried."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, NoReturn

from harness.errors import OrgError, RehearseError, StageFailed
from harness.migration.old_sign_in import try_old_sign_in
from harness.migration.records import CutOverState, Intent
from harness.migration.time_box import KIND
from harness.migration.undoing.rollback import undo_stage
from harness.org.meter import LimitReached

if TYPE_CHECKING:
    from harness.migration.context import Context

_ANEW = "then `rehearse resume` cuts over anew, and `rehearse rollback` undoes the whole migration"


class FellBack(StageFailed):
    """The cut-over was undone, and the old user signs in again; `answer` is the org's words that made it so."""

    answer: str | None = None


def fall_back(context: Context, because: str, failed: RehearseError | None = None) -> Generator[None, None, NoReturn]:
    """Undo what the cut-over wrote and try the old sign-in. Raises FellBack, or StageFailed where it did not come back.

    What a guard or the lost lock forbids is raised as it is: the run then goes back when it is taken up.
    """
    context.record(KIND, "", CutOverState(state="falling-back", because=because))
    yield
    left = yield from _undo(context)
    if left:
        context.record(KIND, "", CutOverState(state="stuck", because=because, left=tuple(left)))
        raise _stuck(context, because, left)
    context.record(KIND, "", CutOverState(state="fell-back", because=because))
    username = context.scenario.from_.username
    context.warn("fell back", f"The cut-over fell back: {because}; {username} signs in again")
    remedy = (failed.remedy if failed else None) or "find out why"
    raise _told(context, f"fell back: {because}; {username} signs in again", failed, f"{remedy}; {_ANEW}")


def _undo(context: Context) -> Generator[None, None, list[str]]:
    """Undo it, with the calls that are kept for going back; what did not come back, each in a sentence."""
    try:
        with context.world.meter.stage(kept=0.0):
            findings = yield from undo_stage(context, context.stage)
            refusal = try_old_sign_in(context)
    except (OrgError, StageFailed, LimitReached) as error:
        return [error.message]
    yield
    refused = f"{context.scenario.from_.username} cannot sign in: {refusal}"
    return [*findings.drift, *([refused] if refusal is not None else [])]


def _stuck(context: Context, because: str, left: Sequence[str]) -> StageFailed:
    """The one thing that nobody may overlook: the old user may be shut out, and this run could not let it in again."""
    username, by_hand = context.scenario.from_.username, "; ".join(_by_hand(context)) or "let the old user in again"
    text = (
        f"THE CUT-OVER COULD NOT FALL BACK, AND {username} MAY BE SHUT OUT. It failed because {because}. Not undone: "
    )
    context.warn("could not fall back", f"{text}{'; '.join(left)}")
    return StageFailed(
        text + "; ".join(left),
        stage=context.stage,
        remedy=f"do it by hand in Setup, now: {by_hand}; `rehearse resume` tries it again and proves it",
    )


def _by_hand(context: Context) -> list[str]:
    """What the cut-over did, and how it is undone, in words."""
    bodies = [record.body for record in context.records(kind="intent") if record.stage == context.stage]
    intents = [body for body in bodies if isinstance(body, Intent) and body.undoes is None and not body.found]
    return list(dict.fromkeys(f"{each.inverse} (it was: {each.summary})" for each in intents))


def _told(context: Context, message: str, failed: RehearseError | None, remedy: str) -> FellBack:
    place = failed.place if failed else context.world.file.place("cut_over")
    told = FellBack(message, stage=context.stage, place=place, remedy=remedy)
    code = getattr(failed, "code", None)
    told.answer = f"{code}: {getattr(failed, 'description', '')}" if code else getattr(failed, "answer", None)
    return told
