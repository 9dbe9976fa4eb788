"""The `rehearse` command: arguments in, exit code out.

Exit codes: 0 as expected, 1 the org said no, 2 usage, 3 stopped and resumable, 4 refused by a guard, 5 a bug of ours.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import click

from harness import __version__
from harness.errors import EXIT_OUR_BUG, RehearseError, Stopped, UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_KEYS_AT_START = 3
"""RSA keys that the demo's apps need."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: list[str] | None) -> int:
    try:
        result = rehearse.main(args=arguments, prog_name="rehearse", standalone_mode=False)
    except RehearseError as error:
        from harness.recording.scanning.discretion import discreet

        click.secho(discreet(str(error)), err=True, fg="red")
        return error.exit_code
    except click.ClickException as error:
        from harness.recording.scanning.discretion import discreet

        said = StringIO()
        error.show(said)
        click.echo(discreet(said.getvalue()), err=True, nl=False)  # an argument may be a secret, given by mistake
        return UsageError.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted_code(arguments)
    except Exception as error:
        return _interrupted_code(arguments) if _hides_interrupt(error) else _unforeseen_code(error)
    return result if isinstance(result, int) else 0


def _interrupted_code(arguments: list[str] | None) -> int:
    click.secho(_interrupted(arguments or sys.argv[1:]), err=True, fg="yellow")
    return Stopped.exit_code


def _unforeseen_code(error: Exception) -> int:
    """Say what nobody foresaw: a disk that is full, a folder that is read-only, or a bug."""
    if isinstance(error, OSError) and error.filename is not None:
        click.secho(f"{error.filename}: {error.strerror}", err=True, fg="red")
        return UsageError.exit_code
    from harness.recording.scanning.discretion import traceback_of

    click.echo(traceback_of(error), err=True, nl=False)
    click.secho("this is a bug in rehearse; the run's journal is intact", err=True, fg="red")
    return EXIT_OUR_BUG


def _hides_interrupt(error: Exception) -> bool:
    """Whether it was Ctrl-C: pydantic makes its own error of whatever is raised while it calls a serializer of ours."""
    return type(error).__name__ == "PydanticSerializationError" and "KeyboardInterrupt" in str(error)


def _interrupted(arguments: Sequence[str]) -> str:
    """What becomes of a command that was interrupted: only a migration leaves anything to take up."""
    if arguments and arguments[0] in ("run", "resume", "rollback"):
        return "interrupted: nothing is lost; `rehearse status` says where things stand"
    return "interrupted: nothing was changed; give the command again to begin anew"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def rehearse() -> None:
    """Rehearse, prove and undo the move of a Salesforce integration user to the Salesforce Integration license.

    \b
    rehearse plan scenarios/erp.scenario.yaml            what would be written and lost; writes nothing
    rehearse run scenarios/erp.scenario.yaml             migrate in the simulated sandbox
    rehearse run erp.scenario.yaml --org uat             migrate in the sandbox `uat` of rehearse.toml
    rehearse status erp.scenario.yaml --org uat          where it stands, and until when it waits
    rehearse observe erp.scenario.yaml --org uat         while both users work: who still signs in as the old one
    rehearse carry erp.scenario.yaml --org uat --to P    take it to another machine, to go on there
    rehearse rollback erp.scenario.yaml --org uat        undo it, and prove that it is undone
    rehearse adopt erp.scenario.yaml --org uat           the journal is lost: make it anew from the org
    rehearse mutate scenarios/erp.scenario.yaml          would the checks notice one grant less, or one more?
    rehearse compare erp.scenario.yaml                   the three strategies side by side
    rehearse references erp.scenario.yaml --org uat      what else names the old user, and breaks
    rehearse cassette verify                             is what was recorded safe to commit?
    rehearse sandbox --ready ready.json                  a simulated sandbox for any client

    Exit codes: 0 as expected, 1 the org said no, 2 usage, 3 stopped and resumable, 4 refused by a guard, 5 our bug.
    """


def _about_a_scenario(command: Command) -> Command:
    """Add what every command about a scenario takes."""
    for option in (
        click.option(
            "--state-folder", type=_FOLDER, default=".rehearse", show_default=True, help="Where journals are."
        ),
        click.option(
            "--sandbox", type=_EXISTING, metavar="READY", help="A simulated sandbox that runs: its ready file."
        ),
        click.option("--org", metavar="NAME", help="An org of rehearse.toml.  [default: simulated]"),
        click.argument("file", type=_EXISTING),
    ):
        command = option(command)
    return command


_REPORTS = click.option(
    "--report-folder", type=_FOLDER, default="reports/runs", show_default=True, help="Where the report goes."
)


@rehearse.command()
@click.option(
    "--plan", type=_EXISTING, metavar="PLAN", help="The approved plan (`rehearse plan --write`): no other is run."
)
@_about_a_scenario
@_REPORTS
def run(
    *, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, report_folder: Path, plan: Path | None
) -> int:
    """Migrate: every stage of the scenario FILE, up to where it must wait.

    With --plan the run makes its plan anew and goes on only if that is the approved one. A plan holds for 24 hours, is
    used once, and only for the org, the scenario and the version of rehearse it was made with; exit code 4 otherwise.

    \b
    rehearse run scenarios/erp.scenario.yaml
    rehearse run erp.scenario.yaml --org uat
    rehearse run erp.scenario.yaml --org uat --plan erp.plan.json
    """
    from harness import front

    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder, reports=report_folder)
    return front.run(rehearsal, plan)


@rehearse.command()
@_about_a_scenario
@_REPORTS
def resume(file: Path, org: str | None, sandbox: Path | None, state_folder: Path, report_folder: Path) -> int:
    """Take up a run that stopped, from its first unfinished stage.

    \b
    rehearse resume erp.scenario.yaml --org uat
    """
    from harness import front

    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder, reports=report_folder)
    return front.resume(rehearsal)


@rehearse.command()
@_about_a_scenario
@_REPORTS
def rollback(file: Path, org: str | None, sandbox: Path | None, state_folder: Path, report_folder: Path) -> int:
    """Undo a run in reverse, from wherever it stands, and prove it.

    \b
    rehearse rollback erp.scenario.yaml --org uat
    """
    from harness import front

    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder, reports=report_folder)
    return front.rollback(rehearsal)


@rehearse.command()
@click.option(
    "--before",
    multiple=True,
    metavar="KEY=VALUE",
    help="A value before, which nothing in the org tells: asked for by key.",
)
@click.option("--run", metavar="ID", help="Of several runs whose marks stand, the one to adopt.")
@click.option("--set-aside", "aside", is_flag=True, help="Move a damaged journal aside first.")
@click.option("--dry-run", "dry", is_flag=True, help="Show what was found, and keep nothing: no lock, no journal.")
@_about_a_scenario
def adopt(
    *,
    file: Path,
    org: str | None,
    sandbox: Path | None,
    state_folder: Path,
    before: tuple[str, ...],
    run: str | None,
    aside: bool,
    dry: bool,
) -> int:
    """With the journal lost, make it anew from what the run left in the org, so that rollback and resume work again.

    What a run made is known by its names and marks. What was before is proven by the digests in its marks, and what
    nothing tells is asked for, all of it at once: nothing is guessed. Nothing is written to the org but the lock.

    Exit codes: 0 adopted, or nothing there; 1 a value before is not known; 2 usage, or a journal knows the run; 3 the
    lock of another run stands; 4 refused by a guard.

    \b
    rehearse adopt erp.scenario.yaml --org uat --dry-run
    rehearse adopt erp.scenario.yaml --org uat
    rehearse adopt erp.scenario.yaml --org uat --set-aside --before 'runs-as=nobody'
    """
    from harness import adopting, front

    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder)
    return adopting.adopt(rehearsal, before=before, run=run, aside=aside, dry=dry)


@rehearse.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@_about_a_scenario
def status(*, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, as_json: bool) -> int:
    """Say where a run stands, what it waits for and until when, what is in the way, and what would come next.

    It reads the journal and the file that postpones the cut-over, and asks nothing of the org.

    Exit codes: 0 it was said, however the run stands, 2 usage, or a journal that cannot be trusted.

    \b
    rehearse status erp.scenario.yaml --org uat
    rehearse status erp.scenario.yaml --org uat --json | jq '.runs[-1] | {stage, until, in_the_way}'
    """
    from harness import front, standing

    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder)
    return standing.show_status(rehearsal, as_json=as_json)


@rehearse.command()
@click.option("--json", "as_json", is_flag=True, help="Print the sample as JSON.")
@_about_a_scenario
def observe(*, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, as_json: bool) -> int:
    """Add a sample of who signed in while both users work, and change nothing in the org.

    It says what both users did since the last sample, and whether the old user is quiet for as long as the scenario
    asks. Samples add up, so that dual-auth and the report know of sign-ins that LoginHistory has forgotten. Run it once
    a day, say.

    Exit codes: 0 the old user is quiet, 1 it is not (or the org said no), 2 usage, also when it is not the time in
    which both users work, 4 refused by a guard.

    \b
    rehearse observe erp.scenario.yaml --org uat
    rehearse observe erp.scenario.yaml --org uat || mail -s "ERP still signs in as the old user" team@acme.example
    """
    from harness import front, observing

    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder)
    return observing.observe(rehearsal, as_json=as_json)


@rehearse.command()
@click.option(
    "--to", type=click.Path(dir_okay=False, path_type=Path), metavar="PACK", help="Pack everything into this new file."
)
@click.option("--from", "source", type=_EXISTING, metavar="PACK", help="Take up here what was packed.")
@_about_a_scenario
def carry(
    *, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, to: Path | None, source: Path | None
) -> int:
    """Carry the runs of FILE to another machine or folder, and take them up there.

    `--to` packs the journal, what is kept of the credential file, and whatever else belongs to the runs into one file,
    which holds the old credential in clear. The runs then go on where `--from` unpacks it, and no longer here.

    Exit codes: 0 done, 2 it cannot be packed, or does not belong here: another org or scenario, or an older state.

    \b
    rehearse carry erp.scenario.yaml --org uat --to erp.pack
    rehearse carry erp.scenario.yaml --org uat --from erp.pack      # on the other machine
    rehearse resume erp.scenario.yaml --org uat
    """
    from datetime import UTC, datetime

    from harness import carrying, front

    if (to is None) == (source is None):
        raise UsageError("say where to, or from where", remedy="give either --to PACK or --from PACK")
    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder)
    if to is not None:
        return carrying.carry_to(rehearsal, to, at=datetime.now(UTC))
    assert source is not None
    return carrying.carry_from(rehearsal, source)


@rehearse.command()
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PLAN",
    help="Write the plan to this file, to be approved.",
)
@_about_a_scenario
def plan(*, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, write: Path | None) -> int:
    """Show what would be written and what would be lost, and write nothing: neither to the org nor a journal.

    \b
    rehearse plan scenarios/erp.scenario.yaml
    rehearse plan erp.scenario.yaml --org uat --write erp.plan.json
    """
    from harness import front

    return front.show_plan(front.open_rehearsal(file, org=org, sandbox=sandbox, state=state_folder, dry=True), write)


@rehearse.command()
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A Salesforce DX project, or metadata as retrieved, searched as well.  [default: references.project of FILE]",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@_about_a_scenario
def references(
    *, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, project: Path | None, as_json: bool
) -> int:
    """Search for what else names the old user or its profile, and say what breaks when. Writes nothing.

    Exit code 1 when something breaks in this migration that `references.accept` of FILE does not name.

    \b
    rehearse references scenarios/erp.scenario.yaml
    rehearse references erp.scenario.yaml --org uat --project ../my-dx-project
    rehearse references erp.scenario.yaml --json | jq '.open'
    """
    from harness import searching

    return searching.references(file, org=org, sandbox=sandbox, state=state_folder, project=project, as_json=as_json)


@rehearse.command()
@click.argument("file", type=_EXISTING)
@click.option("--only", metavar="PATTERN", help="Only changes whose name fits, such as 'field Account.*' or 'added *'.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the result goes.  [default: cassettes/SCENARIO/mutation.json, with --only nowhere]",
)
def mutate(file: Path, only: str | None, as_json: bool, output: Path | None) -> int:
    """Test the checks of a scenario: whether they would notice one grant less, or one more.

    The scenario FILE is migrated in a simulated sandbox. Then each grant that the new user needs is taken away, and
    each that it must not have is given, one at a time; all checks are made again each time, and some must turn red.
    Exit code 0 when every change was noticed by something, 1 when one was not, or the scenario is red as it is.

    \b
    rehearse mutate scenarios/erp.scenario.yaml
    rehearse mutate erp.scenario.yaml --only 'added *'
    rehearse mutate erp.scenario.yaml --only 'field Invoice__c.*' --json
    """
    from harness import mutating

    return mutating.mutate(file, only=only, as_json=as_json, output=output, root=Path.cwd())


@rehearse.command()
@click.option(
    "-o", "--output", type=_FOLDER, metavar="DIR", help="Write the permission set there: *.permissionset-meta.xml."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@_about_a_scenario
def used(
    *, file: Path, org: str | None, sandbox: Path | None, state_folder: Path, output: Path | None, as_json: bool
) -> int:
    """Show which permissions the integration uses, and write the permission set that grants no more. Writes nothing.

    Use is seen in the workload and the expected grants of FILE, and in what `permissions.evidence` names: recordings
    of its traffic (HAR, vcrpy cassettes) and event logs. What is needed and missing is a warning, and no failure.

    \b
    rehearse used scenarios/erp.scenario.yaml
    rehearse used erp.scenario.yaml --org uat --output force-app/main/default/permissionsets
    rehearse used erp.scenario.yaml --json | jq '.permissions[] | select(.verdict == "missing")'
    """
    from harness import using

    return using.used(file, org=org, sandbox=sandbox, state=state_folder, output=output, as_json=as_json)


@rehearse.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
@click.argument("file", type=_EXISTING)
def compare(file: Path, as_json: bool) -> int:
    """Rehearse the scenario FILE by all three strategies, and show side by side what each keeps and loses.

    Each is migrated in a simulated sandbox of its own and rolled back from every stage that the scenario asks for. A
    strategy that cannot be run says why in its column; what could not be measured says so.

    Exit codes: 0 each went through and came back, 1 one did not, 2 usage.

    \b
    rehearse compare scenarios/erp.scenario.yaml
    rehearse compare erp.scenario.yaml --json | jq '.columns[] | {strategy, gaps}'
    """
    from harness import comparing

    return comparing.compare(file, as_json=as_json, root=Path.cwd())


@rehearse.command()
@click.option("--org", metavar="NAME", help="The org of rehearse.toml whose shape is read, as its admin.")
@click.option("--sandbox", type=_EXISTING, metavar="READY", help="A simulated sandbox that runs: its ready file.")
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file: *.json[.gz]"
)
@click.option("--user", "users", multiple=True, metavar="USERNAME", help="A user to take along, by username.")
def capture(org: str | None, sandbox: Path | None, out: Path, users: tuple[str, ...]) -> int:
    """Read the shape of an org into a file that `rehearse sandbox --source` serves. Writes nothing to the org.

    The file holds describes, licenses, permission sets and what they grant, roles, groups and counts of rows: no
    records and no secrets. Of the users named with --user it holds the username and made-up names.

    \b
    rehearse capture --org uat --user erp.sync@acme.example -o uat.twin.json
    rehearse sandbox --source uat.twin.json
    """
    from harness import capturing

    return capturing.capture(org=org, sandbox=sandbox, out=out, usernames=users)


@rehearse.command()
@click.option("--org", metavar="NAME", help="An org of rehearse.toml: its sets, or what PATH is held against.")
@click.option("--sandbox", type=_EXISTING, metavar="READY", help="A simulated sandbox that runs: its ready file.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
def lint(paths: tuple[Path, ...], org: str | None, sandbox: Path | None, *, as_json: bool) -> int:
    """Say what is wrong with permission sets: those under PATH (default: this folder), or those of an org.

    A license that cannot be assigned to an integration user or grants nothing, a dependency that is missing, a
    permission for what is not there, a set that grants more than its name says, a muting that mutes nothing. Exit
    code 1 when there is an error, 0 when there are warnings only.

    \b
    rehearse lint ./my-dx-project
    rehearse lint force-app/main/default/permissionsets/ERP.permissionset-meta.xml --org uat
    rehearse lint --org uat --json
    """
    from harness import linting

    return linting.lint_sets(paths, org=org, sandbox=sandbox, as_json=as_json)


@rehearse.group()
def cassette() -> None:
    """Say of recorded traffic whether it is safe to commit, and what it says.

    \b
    rehearse cassette verify                             every cassette below ./cassettes
    rehearse cassette show cassettes/erp/grant.yaml      a recording as a conversation
    rehearse cassette diff old/erp cassettes/erp         two recordings, compared by meaning
    """


@cassette.command()
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, metavar="[PATH...]")
def verify(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Say what must not be in the cassettes under PATH, files or folders (default: ./cassettes).

    Each is read strictly, and looked through for what looks like a secret, a host, an e-mail address or an IP address,
    and for what no recording keeps. Findings name file, line and interaction, and never the value.

    Exit codes: 0 nothing was found; 2 usage; 4 there is a finding, and the cassettes should not be committed.

    \b
    rehearse cassette verify
    rehearse cassette verify cassettes/erp another/grant.yaml
    rehearse cassette verify --json
    """
    from harness.inspecting import verifying

    return verifying.verify(paths, as_json=as_json)


@cassette.command()
@click.option("--stage", metavar="NAME", help="Of a folder, only the cassette of this stage.")
@click.option("--only", type=click.IntRange(min=1), multiple=True, metavar="N", help="Only the interaction N.")
@click.option(
    "--body",
    type=click.Choice(["short", "full"]),
    default="short",
    show_default=True,
    help="What was sent and came back: in short, or whole.",
)
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path, *, stage: str | None, only: tuple[int, ...], body: str) -> int:
    """Print the cassette PATH, or those of a folder, as a conversation: who asked what, and what came back.

    \b
    rehearse cassette show cassettes/erp/grant.yaml
    rehearse cassette show cassettes/erp --stage verify --only 12 --body full
    rehearse cassette show cassettes/erp | less
    """
    from harness.inspecting import showing

    return showing.show(path, stage=stage, only=frozenset(only), full=body == "full")


@cassette.command()
@click.option(
    "--fail-at",
    type=click.Choice(["critical", "error", "warning", "information"]),
    default="information",
    show_default=True,
    help="From which tier on a difference ends with exit code 1.",
)
@click.option("--json", "as_json", is_flag=True, help="The differences as JSON.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
def diff(first: Path, second: Path, *, fail_at: str, as_json: bool) -> int:
    """Say how the recording SECOND differs from FIRST by meaning: two cassettes, or two folders of them.

    A denial that became a grant is critical; a grant that became a denial, or a field that vanished, an error; fewer
    rows, another error code, and requests that come or go a warning; new fields, texts and values are information.
    Tokens, times and order that nobody asked for are no difference.

    Exit codes: 0 they mean the same (as far as --fail-at asks); 1 they differ; 2 usage, or a damaged cassette.

    \b
    rehearse cassette diff /tmp/before/erp cassettes/erp
    rehearse cassette diff old/verify.yaml new/verify.yaml --json
    git difftool --no-prompt --extcmd 'rehearse cassette diff' -- cassettes
    """
    from harness.inspecting import differing

    return differing.diff(first, second, fail_at=fail_at, as_json=as_json)


@rehearse.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--source",
    default="demo",
    show_default=True,
    metavar="demo|DIR|FILE",
    help="demo, a Salesforce DX project, or a captured twin.",
)
@click.option("--population", type=_EXISTING, help="Users, licenses, apps and records: default DIR/sandbox.yaml.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keep the org in this file.")
@click.option(
    "--ready",
    type=click.Path(dir_okay=False, path_type=Path),
    default=".rehearse/sandbox.json",
    show_default=True,
    help="Write URL, users and apps with their secrets here (mode 0600) once it serves.",
)
@click.option("--tls", type=_EXISTING, nargs=2, metavar="CERT KEY", help="Serve https with this certificate and key.")
@click.option(
    "--daily-requests",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="API requests in 24 hours.  [default: what the org's edition and licenses give]",
)
@click.option("--switch", "switches", multiple=True, metavar="NAME=VALUE", help="How it behaves where nobody knows.")
@click.option("--switches", "show_switches", is_flag=True, help="List the switches, the default of each first.")
def sandbox(
    *,
    port: int,
    source: str,
    population: Path | None,
    state: Path | None,
    ready: Path,
    tls: tuple[Path, Path] | None,
    daily_requests: int | None,
    switches: tuple[str, ...],
    show_switches: bool,
) -> int:
    """Serve a simulated sandbox on the loopback until Ctrl-C.

    \b
    rehearse sandbox
    rehearse sandbox --source ./my-dx-project --port 8080 --ready ready.json
    rehearse sandbox --switch profile-change=strip --switch soap-login=off
    rehearse run erp.scenario.yaml --sandbox ready.json
    """
    if show_switches:
        from harness import serving

        return serving.list_switches()
    gc.disable()  # until it serves: next to nothing of what a start makes is garbage
    try:
        from harness.sandbox import rsa_keys

        rsa_keys.make_ahead(_KEYS_AT_START)
        from harness import serving

        return serving.serve(
            port=port,
            source=source,
            population=population,
            state=state,
            ready=ready,
            tls=tls,
            switches=switches,
            daily_requests=daily_requests,
        )
    finally:
        gc.enable()


if __name__ == "__main__":
    main()
