"""What every metadata type can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from xml.etree.ElementTree import Element

from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.parts import Parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.store import Row


@dataclass(frozen=True, slots=True)
class Listed:
    """One component of a type: its full name and its row, where it has one."""

    name: str
    row: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """What else is in a retrieve: names by type. A profile only tells of that (Metadata API guide, Profile)."""

    names: Mapping[str, frozenset[str]]

    def has(self, kind: str, name: str) -> bool:
        """Whether a component is in it."""
        return name in self.names.get(kind, ())


class Kind(ABC):
    """One metadata type.

    Full names are those of the Metadata API. All methods may raise ComponentError; `work` says as whom they work.
    """

    name: ClassVar[str]
    directory: ClassVar[str]
    suffix: ClassVar[str]
    children: ClassVar[tuple[str, ...]] = ()
    elements: ClassVar[frozenset[str]]
    """The elements that a file of the type may have."""

    @abstractmethod
    def list(self, work: Work) -> Iterable[Listed]:
        """All components of the type."""

    @abstractmethod
    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:
        """A component's elements without its full name, in the platform's order; None where there is none.

        Without a scope a profile tells everything.
        """

    @abstractmethod
    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or change a component."""

    @abstractmethod
    def remove(self, work: Work, name: str) -> None:
        """Delete a component that there is."""

    def find(self, work: Work, name: str) -> Listed | None:
        """The component of that name."""
        return next((one for one in self.list(work) if one.name.lower() == name.lower()), None)

    def rename(self, work: Work, old: str, new: str) -> None:  # noqa: ARG002 - for those that can
        """Give a component another API name, where its type allows that."""
        raise ComponentError("INVALID_OPERATION", f"The {self.name} {old} cannot be renamed to {new}")
