"""Finding in one component what names a user: merge fields, and the user's own names in text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.references import words
from harness.references.meanings import meaning
from harness.references.model import ReferenceHit, Subject
from harness.references.tree import Node

SAME_FOR_BOTH = frozenset(
    {"email", "localesidkey", "languagelocalekey", "timezonesidkey", "emailencodingkey", "isactive", "usertype"}
)
"""Fields of a user of which the new one has the old one's value (lower case)."""
_DESCRIPTIVE = frozenset(
    {"description", "label", "fullName", "inlineHelpText", "errorMessage", "interviewLabel", "masterLabel", "helpText"}
    | {"comments", "relationshipLabel", "pluralLabel"}
)
"""Elements for people: what they say is never evaluated."""
_FORMULAS = frozenset({"expression", "defaultValue"})
_ROLES = frozenset({"role", "roleAndSubordinates", "roleAndSubordinatesInternal", "rolesAndSubordinates"})
_WAYS = {"Profile": "profile", "UserRole": "role", "Permission": "permission"}
_INACTIVE = {"active": "false", "status": "draft obsolete invaliddraft"}
_ASKS_PROFILE = re.compile(r"\bUserInfo\s*\.\s*getProfileId\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Component:
    """One component of metadata, or one file of code, and where it was read."""

    kind: str
    name: str
    where: str
    """The file, or the words for its place in the org."""
    node: Node
    in_file: bool = True
    active: bool = True

    def place(self, line: int) -> str:
        """`file:line`, or the place in the org."""
        return f"{self.where}:{line}" if self.in_file and line else self.where

    def hit(self, way: str, says: str, line: int, *, harmless: str = "") -> ReferenceHit:
        """A hit in this component; `harmless` says why it breaks nothing."""
        means = meaning(way, self.kind)
        if not self.active and not harmless:
            harmless = "It is not active."
        return ReferenceHit(
            kind=self.kind,
            name=self.name,
            where=self.place(line),
            says=" ".join(says.split()),
            breaks=harmless or means.breaks,
            when=() if harmless else means.when,
            remedy="nothing" if harmless else means.remedy,
        )


def is_active(node: Node) -> bool:
    """Whether a rule, a flow or a process is switched on, or has no switch."""
    return not any((value := node.value(name).casefold()) and value in off for name, off in _INACTIVE.items())


def find(component: Component, subject: Subject) -> Iterator[ReferenceHit]:
    """The hits in a component of XML, in the order of its elements."""
    for leaf, parent in component.node.leaves():
        if leaf.name in _DESCRIPTIVE or not leaf.text.strip():
            continue
        formula = leaf.name in _FORMULAS or leaf.name.casefold().endswith("formula")
        yield from _merged(component, subject, leaf, parent, formula=formula)
        yield from _named(component, subject, leaf, parent, formula=formula)


def find_in_code(component: Component, subject: Subject) -> Iterator[ReferenceHit]:
    """The hits in Apex: names in its strings, and questions for the running user's profile."""
    text, node = component.node.text, component.node
    code = words.without_comments(text, apex=True)
    for literal in words.literals(code, apex=True):
        line = node.line_at(literal.offset)
        if _names_user(subject, literal.value):
            yield component.hit("username", f"'{literal.value}'", line)
        elif _same(literal.value, subject.profile) and "profile" in _statement(code, literal.offset).casefold():
            yield component.hit("profile-name", f"'{literal.value}'", line)
    for found in _ASKS_PROFILE.finditer(code):
        yield component.hit("apex-profile", found[0], node.line_at(found.start()))


def find_in_page(component: Component, subject: Subject) -> Iterator[ReferenceHit]:
    """The hits in a Visualforce page, component or e-mail template, HTML comments left out."""
    page = replace(component.node, name="page", text=words.without_html_comments(component.node.text))
    yield from _merged(component, subject, page, page, formula=False)
    yield from _named(component, subject, page, page, formula=False)


# --- merge fields -----------------------------------------------------------------------------------------------------


def _merged(
    component: Component, subject: Subject, leaf: Node, parent: Node, *, formula: bool
) -> Iterator[ReferenceHit]:
    for each in words.merge_fields(leaf.text, formula=formula):
        field = _compared_in_flow(each, leaf, parent)
        way, line = _way(field), leaf.line_at(field.offset)
        if way == "permission":
            if field.name in subject.permissions:
                yield component.hit(way, field.says, line)
            continue
        yield component.hit(way, field.says, line, harmless=_harmless(field, way, subject))


def _way(field: words.MergeField) -> str:
    """How a merge field names the user."""
    if field.of != "User":
        return _WAYS[field.of]
    name = field.name.casefold()
    if name in ("profileid", "profile.name", "profile.id"):
        return "profile"
    if name.startswith("userrole"):
        return "role"
    return "user-id" if name in ("id", "username", "alias") else "user-field"


def _harmless(field: words.MergeField, way: str, subject: Subject) -> str:
    """Why a merge field gives the same for the new user, in a sentence; empty where it may not."""
    if field.of == "User" and field.name.casefold() in SAME_FOR_BOTH:
        return "The new user has the same value in this field."
    if field.literal is None:
        return ""
    known = _known_values(field, way, subject)
    if known and not any(_same(field.literal, one) for one in known):
        return f"It names neither the old nor the new {'profile' if way == 'profile' else 'user'}: nothing changes."
    return ""


def _known_values(field: words.MergeField, way: str, subject: Subject) -> tuple[str, ...]:
    """What the merge field may be for the old and for the new user; nothing where both are not known."""
    name = field.name.rpartition(".")[2].casefold()
    if way == "profile":
        known = (subject.profile, subject.new_profile)
        return tuple(one for one in known if one) if name == "name" and all(known) else ()
    values = {"id": subject.id, "username": subject.username}
    return (values[name], values[name][:15]) if values.get(name) else ()


def _compared_in_flow(field: words.MergeField, leaf: Node, parent: Node) -> words.MergeField:
    """In a flow's condition the other side and the operator stand in elements beside it."""
    right = parent.child("rightValue")
    if leaf.name != "leftValueReference" or right is None or not right.children:
        return field
    value, operator = right.children[0], parent.value("operator")
    literal = value.text if value.name == "stringValue" and operator in ("EqualTo", "NotEqualTo") else None
    return replace(field, literal=literal, says=f"{field.says} {operator} {value.text}")


# --- its own names ----------------------------------------------------------------------------------------------------


def _named(
    component: Component, subject: Subject, leaf: Node, parent: Node, *, formula: bool
) -> Iterator[ReferenceHit]:
    text = words.without_comments(leaf.text) if formula else leaf.text
    compared = [each for each in words.merge_fields(leaf.text, formula=formula) if each.literal]
    for found in _own_names(subject).finditer(text):
        if not any(each.literal and found[0] in each.literal for each in compared):  # told already
            yield component.hit("username", f"{leaf.name}: {found[0]}", leaf.line_at(found.start()))
    if _own_names(subject).search(text):
        return
    value = text.strip()
    if _is_about(parent, leaf, ("profile",)):
        if any(_same(one, subject.profile) for one in value.split(",")):
            yield component.hit("profile-name", _said(parent, leaf), leaf.line)
    elif _same(value, subject.name) and _is_about(parent, leaf, ("owner", "user", "name", "assigned")):
        yield component.hit("username", _said(parent, leaf), leaf.line)
    elif subject.role and _same(value, subject.role) and _is_a_role(parent, leaf):
        yield component.hit("role-name", f"{leaf.name}: {value}", leaf.line)


@lru_cache(maxsize=8)
def _own_names(subject: Subject) -> re.Pattern[str]:
    """The username and the ids, 15 or 18 characters long, as whole words. Usernames have no case, ids do."""
    names = [rf"(?i:{re.escape(subject.username)})"]
    names += [rf"{re.escape(one[:15])}(?:{re.escape(one[15:])})?" for one in (subject.id, subject.profile_id) if one]
    return re.compile(rf"(?<![\w.@-])(?:{'|'.join(names)})(?![\w@-]|\.\w)")


def _names_user(subject: Subject, text: str) -> bool:
    return bool(_own_names(subject).search(text))


def _is_about(parent: Node, leaf: Node, words_: tuple[str, ...]) -> bool:
    """Whether an element is about users, owners or profiles: by its own name, or by the field it stands beside."""
    field = (parent.value("field") or parent.value("leftValueReference")).casefold()
    by = field.rpartition(".")[2] if leaf.name in ("value", "stringValue") else leaf.name.casefold()
    return any(word in by for word in words_)


def _is_a_role(parent: Node, leaf: Node) -> bool:
    """Whether an element names a role: by its own name, or by the type that stands beside it."""
    kind = parent.value("type") or parent.value("assignedToType")
    named = leaf.name in ("submitter", "recipient", "assignedTo", "name")
    return leaf.name in _ROLES or (named and kind.casefold().startswith("role"))


def _said(parent: Node, leaf: Node) -> str:
    field = parent.value("field") if leaf.name == "value" else ""
    return " ".join(part for part in (field or f"{leaf.name}:", parent.value("operation"), leaf.text.strip()) if part)


def _statement(code: str, offset: int) -> str:
    """The statement of Apex around an offset."""
    start = max(code.rfind(mark, 0, offset) for mark in ";{}")
    end = code.find(";", offset)
    return code[start + 1 : end if end >= 0 else len(code)]


def _same(one: str, other: str) -> bool:
    return bool(other) and one.strip().casefold() == other.casefold()
