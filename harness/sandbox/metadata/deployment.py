"""A deploy: the components of a zip file are written one by one, in the order of their dependencies.

All of it is one transaction with a savepoint for each component, so that every failure is told, and then nothing or
everything but the failures stays (Metadata API guide, deploy(), DeployOptions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from harness.sandbox.metadata import manifest, schema_changes
from harness.sandbox.metadata.archive import Archive, ArchiveError
from harness.sandbox.metadata.custom_objects import children_of
from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.kinds import BY_NAME, BY_SUFFIX, KINDS
from harness.sandbox.metadata.manifest import Manifest
from harness.sandbox.metadata.parts import document
from harness.sandbox.metadata.reading import check_elements, local, position, read_xml
from harness.sandbox.metadata.work import Work

_CHILDREN = {child: kind.name for kind in KINDS for child in kind.children}


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """How to deploy (Metadata API guide, DeployOptions), as far as it matters without Apex and packages."""

    check_only: bool = False
    rollback_on_error: bool = False
    single_package: bool = False
    allow_missing_files: bool = False
    ignore_warnings: bool = False
    purge_on_delete: bool = False
    auto_update_package: bool = False
    perform_retrieve: bool = False
    test_level: str | None = None
    run_tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeployMessage:
    """What became of one component (Metadata API guide, DeployMessage)."""

    kind: str
    name: str
    file: str
    id: str | None = None
    changed: bool = False
    created: bool = False
    deleted: bool = False
    problem: str | None = None
    warning: bool = False
    line: int | None = None
    column: int | None = None

    @property
    def success(self) -> bool:
        """Whether the component was deployed; a warning does not stand against it."""
        return self.problem is None or self.warning


@dataclass(slots=True)
class DeployOutcome:
    """What became of a deploy."""

    messages: list[DeployMessage] = field(default_factory=list)
    error: str | None = None
    """Why the zip file could not be used at all."""

    @property
    def failed(self) -> bool:
        """Whether anything went wrong."""
        return self.error is not None or not all(one.success for one in self.messages)


@dataclass(frozen=True, slots=True)
class _Component:
    kind: str
    name: str
    file: str
    root: Element
    content: bytes


class _RollBack(Exception):
    """Thrown through the transaction to undo it."""


def deploy(work: Work, content: bytes, options: DeployOptions) -> DeployOutcome:
    """Deploy a zip file. Raises RequestError when it is too large."""
    outcome = DeployOutcome()
    try:
        archive = Archive(content)
        for root in _roots(archive, options):
            _Package(work, archive, root, options, outcome).collect()
    except ArchiveError as error:
        if error.name:
            outcome.messages.append(_failure("", error.name, error.name, ComponentError("", error.message)))
        else:
            outcome.error = error.message
        return outcome
    return outcome


def _roots(archive: Archive, options: DeployOptions) -> list[str]:
    """The directories of the packages in the zip: its root, or those at its top."""
    if options.single_package:
        return [""]
    return sorted({f"{name.partition('/')[0]}/" for name in archive.names if "/" in name}) or [""]


class _Package:
    """One package of a zip file, being deployed."""

    def __init__(self, work: Work, archive: Archive, root: str, options: DeployOptions, outcome: DeployOutcome) -> None:
        self.work = work
        self._archive = archive
        self._root = root
        self._options = options
        self._messages = outcome.messages
        self._manifest = Manifest()

    def collect(self) -> None:
        """Read the manifests and deploy what they name."""
        file = f"{self._root}{manifest.FILE}"
        if file not in self._archive.names:
            nothing = ComponentError("INVALID_INPUT", "No package.xml found")
            self._messages.append(_failure("", manifest.FILE, manifest.FILE, nothing))
            return
        try:
            self._manifest = manifest.read_manifest(self._archive.read(file))
        except ComponentError as error:
            self._messages.append(_failure("", manifest.FILE, file, error))
            return
        if self._manifest.version is not None:
            self.work.version = self._manifest.version
        self._check_types(file)
        components = list(self._components())
        self._check_missing(file, components)
        self._messages.append(DeployMessage("", manifest.FILE, file, changed=True))
        try:
            with self.work.org.transaction():
                self._write_all(components)
                if self._options.check_only or (self._options.rollback_on_error and self._has_failed()):
                    raise _RollBack
        except _RollBack:
            schema_changes.take_back(self.work)
        self.work.undo.clear()

    def _has_failed(self) -> bool:
        return not all(one.success for one in self._messages)

    def _check_types(self, file: str) -> None:
        for name in self._manifest.types:
            if name not in BY_NAME:
                text = f"Unknown type name '{name}' specified in package.xml (the simulated org does not have it)"
                self._messages.append(_failure("", manifest.FILE, file, ComponentError("INVALID_TYPE", text)))

    def _check_missing(self, file: str, components: list[_Component]) -> None:
        present = {(one.kind, one.name) for one in components}
        for kind, names in self._manifest.types.items():
            for name in names if kind in BY_NAME and not self._options.allow_missing_files else ():
                if name != "*" and (kind, name) not in present:
                    named = f"An object '{name}' of type {kind} was named in package.xml"
                    text = f"{named}, but was not found in zipped directory"
                    self._messages.append(_failure(kind, name, file, ComponentError("INVALID_INPUT", text)))

    # Files

    def _components(self) -> Iterator[_Component]:
        for file in self._archive.names:
            path = file.removeprefix(self._root)
            directory, _, base = path.rpartition("/")
            stem, _, suffix = base.rpartition(".")
            kind = BY_SUFFIX.get(suffix)
            if not file.startswith(self._root) or kind is None or directory != kind.directory:
                self._refuse_stranger(file, path)
                continue
            name = unquote(stem)
            try:
                content = self._archive.read(file)
                root = read_xml(content)
                if local(root) != kind.name:
                    raise ComponentError("INVALID_INPUT", f"Error parsing file: it is no {kind.name}", line=1, column=1)
                check_elements(root, kind.name, kind.elements, content)
                yield from self._listed(kind.name, name, file, root, content)
            except ComponentError as error:
                self._messages.append(_failure(kind.name, name, file, error))

    def _refuse_stranger(self, file: str, path: str) -> None:
        """A file of a type that there is not; manifests and files of other packages are none."""
        if file.startswith(self._root) and "/" in path:
            self._messages.append(_failure("", path, file, ComponentError("INVALID_INPUT", "Not in package.xml")))

    def _listed(self, kind: str, name: str, file: str, root: Element, content: bytes) -> Iterator[_Component]:
        """The components of a file that the manifest names."""
        whole = self._manifest.has(kind, name)
        found = [_Component(kind, name, file, root, content)] if whole else []
        for child, full_name, element in children_of(name, root) if kind == "CustomObject" else ():
            if whole or self._manifest.has(child, full_name):
                found.append(_Component(child, full_name, file, element, content))
        if not found:
            raise ComponentError("INVALID_INPUT", "Not in package.xml")
        yield from found

    # Writing

    def _write_all(self, components: list[_Component]) -> None:
        self._remove_all(manifest.BEFORE)
        for kind in KINDS:
            if kind.name not in ("CustomObject", "CustomField"):
                schema_changes.settle(self.work)
            for one in components:
                if one.kind == kind.name:
                    self._messages.append(self._attempt(one, partial(self._write, one)))
        self._remove_all(manifest.AFTER)
        schema_changes.settle(self.work)

    def _attempt(self, one: _Component, write: Callable[[], DeployMessage]) -> DeployMessage:
        """Write one component in a savepoint; a failure takes back what it did to rows and schema."""
        before, self.work.undo = self.work.undo, []
        try:
            with self.work.org.transaction():
                message = write()
        except ComponentError as error:
            schema_changes.take_back(self.work)
            self.work.undo = before
            return _failure(one.kind, one.name, one.file, _located(error, one))
        self.work.undo = [*before, *self.work.undo]
        return message

    def _write(self, one: _Component) -> DeployMessage:
        kind = BY_NAME[one.kind]
        before = self._shown(one)
        kind.write(self.work, one.name, one.root)
        found = kind.find(self.work, one.name)
        return DeployMessage(
            one.kind,
            one.name,
            one.file,
            id=found.row.get("Id") if found else None,
            changed=self._shown(one) != before,
            created=before is None,
        )

    def _shown(self, one: _Component) -> bytes | None:
        parts = BY_NAME[one.kind].show(self.work, one.name)
        return None if parts is None else document(one.kind, parts)

    def _remove_all(self, files: tuple[str, ...]) -> None:
        for name in files:
            file = f"{self._root}{name}"
            if file not in self._archive.names:
                continue
            try:
                listed = manifest.read_manifest(self._archive.read(file))
            except ComponentError as error:
                self._messages.append(_failure("", name, file, error))
                continue
            for kind in reversed(KINDS):
                for full_name in listed.types.get(kind.name, ()):
                    self._messages.append(self._remove(kind.name, full_name, file))

    def _remove(self, kind: str, name: str, file: str) -> DeployMessage:
        if BY_NAME[kind].find(self.work, name) is None:
            return DeployMessage(kind, name, file, problem=f"No {kind} named: {name} found", warning=True)

        def write() -> DeployMessage:
            BY_NAME[kind].remove(self.work, name)
            return DeployMessage(kind, name, file, changed=True, deleted=True)

        return self._attempt(_Component(kind, name, file, Element(kind), b""), write)


def _located(error: ComponentError, one: _Component) -> ComponentError:
    """The error with the place of its element, where it is one of several in a file."""
    if error.line is not None or one.kind not in _CHILDREN or not one.content:
        return error
    element = {"CustomField": "fields", "RecordType": "recordTypes"}[one.kind]
    line, column = position(one.content, element, holding=f">{one.name.partition('.')[2]}<")
    return ComponentError(error.code, error.message, line=line, column=column)


def _failure(kind: str, name: str, file: str, error: ComponentError) -> DeployMessage:
    return DeployMessage(kind, name, file, problem=error.message, line=error.line, column=error.column)
