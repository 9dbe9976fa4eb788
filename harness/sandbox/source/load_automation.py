"""Keep a project's rules and automation, which the org hands out again and never runs."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from harness.sandbox.metadata import shelf
from harness.sandbox.metadata.parts import Parts
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.loading import Loading

NAME = "fullName"


def load_automation(loading: Loading) -> None:
    """Every validation rule, flow, workflow and so on, whole; its root element names its type."""
    for path, name in loading.project.automation:
        try:
            root: Element = fromstring(path.read_bytes())
        except (ParseError, DefusedXmlException) as error:
            raise SourceError(f"{path}: this metadata file cannot be read: {error}") from error
        own = [one for one in _parts(root) if one[0] != NAME]
        shelf.keep(loading.org, _plain(root.tag), name, [(NAME, name), *own])


def _parts(element: Element) -> Parts:
    return [(_plain(child.tag), _parts(child) if len(child) else (child.text or "").strip()) for child in element]


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]
