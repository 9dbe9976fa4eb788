"""`package.xml` and the manifests of destructive changes (Metadata API guide, "Sample package.xml Manifest Files")."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.parts import Parts, document
from harness.sandbox.metadata.reading import as_node, read_xml

FILE = "package.xml"
BEFORE = ("destructiveChangesPre.xml", "destructiveChanges.xml")
"""Deletions that come before additions."""
AFTER = ("destructiveChangesPost.xml",)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Full names by metadata type, and the version that is asked for."""

    types: dict[str, list[str]] = field(default_factory=dict)
    version: float | None = None

    def has(self, kind: str, name: str) -> bool:
        """Whether a component is in it, by its name or by a wildcard."""
        members = self.types.get(kind, ())
        return name in members or "*" in members


def read_manifest(content: bytes) -> Manifest:
    """The manifest in a file. Raises ComponentError."""
    return manifest_of(read_xml(content))


def manifest_of(root: Element) -> Manifest:
    """The manifest in an element. Raises ComponentError."""
    node = as_node(root)
    types: dict[str, list[str]] = {}
    for one in node.all("types"):
        name = one.text("name")
        if name is None:
            raise ComponentError("INVALID_INPUT", "Required field is missing: name")
        types.setdefault(name, []).extend(one.texts("members"))
    text = node.text("version")
    try:
        return Manifest(types, float(text) if text else None)
    except ValueError:
        raise ComponentError("INVALID_INPUT", f"Invalid version specified: {text}") from None


def write_manifest(types: dict[str, list[str]], version: float) -> bytes:
    """A `package.xml`."""
    parts: Parts = [
        ("types", [*(("members", one) for one in sorted(members)), ("name", name)])
        for name, members in sorted(types.items())
        if members
    ]
    return document("Package", [*parts, ("version", f"{version:.1f}")])
