"""The `carry` command: take a run to another machine, and take it up there."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from rich.console import Console

from harness import __version__
from harness.credentials.store import open_store
from harness.errors import UsageError
from harness.front import standing_of
from harness.org.secret import resolve_reference
from harness.rehearsal.carrying import About, Manifest, pack, unpack
from harness.rehearsal.config import ConfiguredOrg, find_org
from harness.rehearsal.options import shown
from harness.rehearsal.rehearsal import Rehearsal
from harness.rehearsal.worlds import identity_of
from harness.words import several

_IN_CLEAR = "credential.before"


def carry_to(rehearsal: Rehearsal, target: Path, *, at: datetime, host: str | None = None) -> int:
    """Pack what is kept of the scenario, and mark it as carried away. Raises UsageError when no run stands."""
    with rehearsal.held():
        standing_of(rehearsal, "carry")
        about, host = _about(rehearsal), host or platform.node() or "unknown"
        manifest = pack(rehearsal.folder, target, about=about, tool_version=__version__, at=at, host=host)
    say(_of_pack(rehearsal, target, manifest))
    return 0


def carry_from(rehearsal: Rehearsal, source: Path) -> int:
    """Take up what was packed. Raises UsageError when it does not belong here."""
    with rehearsal.held():
        manifest = unpack(source, rehearsal.folder, about=_about(rehearsal))
        lines = list(_of_arrival(rehearsal, manifest))
    say(lines)
    return 0


def say(lines: Iterable[str]) -> None:
    """Print lines for people."""
    for line in lines:
        Console(highlight=False).print(line, markup=False, soft_wrap=True)


def _about(rehearsal: Rehearsal) -> About:
    options, file = rehearsal.options, rehearsal.file
    about = About(scenario=file.shown, scenario_digest=file.digest, org="simulated")
    if options.sandbox is not None:
        return about.model_copy(update={"org": "sandbox", "org_id": identity_of(options.sandbox)})
    if options.org != "simulated":
        org_id = find_org(options.org, options.root).org.org_id
        return about.model_copy(update={"org": "configured", "org_id": org_id})
    return about


def _of_pack(rehearsal: Rehearsal, target: Path, manifest: Manifest) -> Iterator[str]:
    file = rehearsal.file
    yield f"packed {several(manifest.records, 'record')} of {several(len(manifest.runs), 'run')} into {shown(target)}"
    if any(name.endswith(_IN_CLEAR) for name in manifest.files):
        yield f"  it holds the old content of {file.scenario.credentials.path}, in clear: keep it like a private key"
    yield f"  take along as well: {file.shown}, byte for byte, and {_where(rehearsal)}"
    command = f"rehearse carry {file.shown}{rehearsal.options.as_typed} --from {target.name}"
    yield f"  there: {command}, then `rehearse resume` or `rehearse rollback`"
    yield "  here nothing goes on any more; to take it back, give `--from` here"


def _where(rehearsal: Rehearsal) -> str:
    if rehearsal.options.sandbox is not None:
        return "the ready file of the sandbox, which must be reachable"
    if rehearsal.options.org == "simulated":
        return "the folder of the scenario's org (the simulated org itself is in the pack)"
    return f"[orgs.{rehearsal.options.org}] of rehearse.toml, and the secrets that both name"


def _of_arrival(rehearsal: Rehearsal, manifest: Manifest) -> Iterator[str]:
    records, at = several(manifest.records, "record"), f"{manifest.packed_at:%Y-%m-%d %H:%M} UTC"
    yield f"taken up {records} of {manifest.packed_by}, packed at {at}"
    if manifest.tool_version != __version__:
        yield f"  it was written by rehearse {manifest.tool_version}, and this is {__version__}"
    yield from _of_credentials(rehearsal, manifest)
    if rehearsal.options.sandbox is None and rehearsal.options.org != "simulated":
        yield from _of_secrets(rehearsal, find_org(rehearsal.options.org, rehearsal.options.root))
    standing = rehearsal.standing()
    if standing is not None:
        command = f"rehearse status {rehearsal.file.shown}{rehearsal.options.as_typed}"
        yield f"  run {standing.run_id} stands here now: see `{command}`"


def _of_credentials(rehearsal: Rehearsal, manifest: Manifest) -> Iterator[str]:
    """Let each run's switch be about the file here; say where the standing run would not find what it wrote."""
    credentials, standing = rehearsal.file.scenario.credentials, rehearsal.standing()
    simulated = rehearsal.options.sandbox is not None or rehearsal.options.org == "simulated"
    for run_id in manifest.runs:
        folder = rehearsal.folder / "runs" / run_id
        if not folder.is_dir():
            continue
        store = open_store(credentials, base=rehearsal.file.path.parent, folder=folder, stand_in=simulated)
        found = store.move_here()
        if found is False and standing is not None and standing.run_id == run_id:
            yield (
                f"  ! {store.path} is not there, or does not hold what the run wrote: going on needs it not, but a "
                f"rollback cannot put the old credential back. Copy it from {manifest.packed_by.partition(':')[0]}"
            )


def _of_secrets(rehearsal: Rehearsal, org: ConfiguredOrg) -> Iterator[str]:
    """The secrets that are needed here, and which of them are not found."""
    scenario = rehearsal.file.scenario
    needed = (
        (org.admin_sign_in, org.folder),
        (scenario.from_.sign_in, rehearsal.file.path.parent),
        (scenario.to.sign_in, rehearsal.file.path.parent),
    )
    for sign_in, base in needed:
        for part, reference in sign_in.model_dump().items():
            if part in ("flow", "app") or reference is None:
                continue
            try:
                resolve_reference(reference, base=base, environ=os.environ)
            except UsageError as error:
                yield f"  ! a secret is missing here: {error.message}"
