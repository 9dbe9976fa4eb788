"""What `rehearse lint` does: read permission sets from files or from an org, and say what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import click
from rich.console import Console

from harness.access.algebra import atoms, union
from harness.access.ceiling import read_licenses
from harness.access.dependencies import masters_of, read_dependencies
from harness.access.linting.files import custom_field, linted_group, linted_set
from harness.access.linting.org import read_linted_sets
from harness.access.linting.rules import Finding, Known, LintedGroup, LintedSet, lint
from harness.capturing import connected
from harness.errors import EXIT_AS_EXPECTED, Place, RequestRefused, StageFailed, UsageError
from harness.org.connection import Connection
from harness.references.tree import Node, NotReadable, parse
from harness.rehearsal.worlds import admin_of_configured, admin_of_ready

_SETS = {".permissionset": False, ".mutingpermissionset": True}
_GROUP, _OBJECT, _FIELD = ".permissionsetgroup", ".object", ".field"
_META = "-meta.xml"
_PROJECT = "sfdx-project.json"


@dataclass(slots=True)
class _Files:
    """What the files hold."""

    sets: dict[Path, LintedSet] = field(default_factory=dict)
    groups: list[LintedGroup] = field(default_factory=list)
    fields: dict[str, set[str]] = field(default_factory=dict)
    masters: dict[str, set[str]] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)

    @property
    def known(self) -> Known:
        """What the rules may lean on."""
        return Known(
            groups=tuple(self.groups),
            sets={each.name: each for each in self.sets.values()},
            objects=frozenset(self.objects),
            fields={name: frozenset(found) for name, found in self.fields.items()},
            masters={name: tuple(sorted(found)) for name, found in self.masters.items()},
        )


def lint_sets(paths: Sequence[Path], *, org: str | None, sandbox: Path | None, as_json: bool) -> int:
    """Lint the files under some paths, or the sets of an org where there are none; 1 when there is an error.

    With both, the files are held against the org. Raises UsageError and what the org says.
    """
    files = _read(paths or ([] if org or sandbox else [Path.cwd()]))
    wanted = [each for path, each in files.sets.items() if any(path.is_relative_to(one.absolute()) for one in paths)]
    sets, known = (wanted if paths else list(files.sets.values())), files.known
    if org or sandbox:
        sets, known = _asked(org, sandbox, sets if paths else [], known)
    if not sets:
        remedy = "name a Salesforce DX project, files that end in .permissionset-meta.xml, or an org"
        raise UsageError("there is no permission set to lint", remedy=remedy)
    sets = [each for each in sets if "__" not in each.name]  # nobody can change what a package brought
    findings = lint(sets, known)
    _say(findings, len(sets), as_json=as_json)
    failed = any(each.level == "error" for each in findings)
    return StageFailed.exit_code if failed else EXIT_AS_EXPECTED


def _say(findings: Sequence[Finding], sets: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(each) for each in findings], indent=2))
        return
    console = Console(highlight=False)
    for each in findings:
        console.print(str(each), style="red" if each.level == "error" else "yellow", markup=False, soft_wrap=True)
    errors = sum(1 for each in findings if each.level == "error")
    counted = f"{sets:,} permission sets, {errors} errors, {len(findings) - errors} warnings"
    console.print(counted, markup=False)


# --- from files -------------------------------------------------------------------------------------------------------


def _read(paths: Sequence[Path]) -> _Files:
    """The metadata under some paths, and in the projects that they belong to."""
    roots = dict.fromkeys(_project_of(path.absolute()) or path.absolute() for path in paths)
    found = _Files()
    every = sorted({file for root in roots for file in _files(root)} | {p.absolute() for p in paths if p.is_file()})
    with Console(stderr=True).status(f"reading {len(every):,} files"):
        for file in every:
            _take(file, found)
    return found


def _project_of(path: Path) -> Path | None:
    """The folder of the Salesforce DX project that a path is in."""
    return next((each for each in (path, *path.parents) if (each / _PROJECT).is_file()), None)


def _files(root: Path) -> Iterator[Path]:
    if root.is_dir():
        for file in root.rglob("*"):
            if _kind(file) in (*_SETS, _GROUP, _OBJECT, _FIELD):
                yield file


def _kind(file: Path) -> str:
    """The suffix that says what a file holds, in source format or in the Metadata API's."""
    return Path(file.name.removesuffix(_META)).suffix


def _name(file: Path) -> str:
    return Path(file.name.removesuffix(_META)).stem


def _take(file: Path, found: _Files) -> None:
    kind, name = _kind(file), _name(file)
    root = _tree(file)
    if kind in _SETS:
        found.sets[file] = linted_set(name, _shown(file), root, muting=_SETS[kind])
    elif kind == _GROUP:
        found.groups.append(linted_group(name, root))
    elif kind == _FIELD:
        _take_field(file.parent.parent.name, root, found)
    elif kind == _OBJECT:
        found.objects.add(name)
        for each in root.children:
            if each.name == "fields":
                _take_field(name, each, found)


def _take_field(owner: str, root: Node, found: _Files) -> None:
    name, master = custom_field(root)
    found.fields.setdefault(owner, set()).add(name)
    if master:
        found.masters.setdefault(owner, set()).add(master)


def _tree(file: Path) -> Node:
    try:
        return parse(file.read_bytes())
    except NotReadable as error:
        raise UsageError(f"it is no XML: {error}", place=Place(_shown(file))) from error


def _shown(file: Path) -> str:
    folder = Path.cwd()
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)


# --- from an org ------------------------------------------------------------------------------------------------------


def _asked(org: str | None, sandbox: Path | None, sets: list[LintedSet], known: Known) -> tuple[list[LintedSet], Known]:
    """The sets to lint, those of the org where there are none of files, and what is known with the org's word."""
    site, credential = admin_of_ready(sandbox) if sandbox else admin_of_configured(org or "", Path.cwd())
    with Console(stderr=True).status("signing in") as status, connected(site, credential) as (admin, transport):
        status.update("reading permission sets")
        try:
            if not sets:
                everything, groups = read_linted_sets(admin)
                sets, known = list(everything.values()), Known(groups=groups, sets=everything)
            status.update(f"asking what they need ({transport.meter.calls} calls)")
            return sets, _with_org(admin, sets, known)
        except RequestRefused as refusal:
            refusal.remedy = "lint as a user with View Setup and Configuration, who sees permission sets and licenses"
            raise


def _with_org(admin: Connection, sets: Sequence[LintedSet], known: Known) -> Known:
    granted = union(each.access for each in sets)
    there = frozenset(str(each["name"]) for each in admin.describe_global())
    named = {*granted.objects, *(name.partition(".")[0] for name in granted.fields)}
    describes = admin.describe_many(sorted(named & there))
    masters = masters_of(describes)
    return replace(
        known,
        objects=there,
        fields={name: frozenset(str(one["name"]) for one in each["fields"]) for name, each in describes.items()},
        masters=masters,
        dependencies=read_dependencies(admin, atoms(granted), masters),
        permission_set_licenses={each.label: name for name, each in read_licenses(admin).items()},
        where="this org, as far as its admin sees",
        whole=True,
    )
