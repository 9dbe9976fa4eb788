"""What a SOQL query names: objects, fields, relationships. Pure.

Not a checker: it reads what an org has taken, and takes what it reads (SOQL and SOSL Reference). A name is a field
by where it stands, so that date literals, currencies and functions of tomorrow need no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.access.use.deeds import NotUnderstood, Path, Selected, Typed

MAX_DEPTH = 40
"""Parentheses and sub-queries within each other. The platform takes far fewer."""
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    |(?P<number>(?:[A-Za-z]{3}\d+\.\d|[+-]?[\d.])[\w.:+%-]*)
    |(?P<name>[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*)
    |(?P<mark><=|>=|!=|<>|[=<>(),:])
    |(?P<end>$))""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"=", "!=", "<>", "<", ">", "<=", ">=", "like", "in", "includes", "excludes"})
_CLAUSES = frozenset(
    {"using", "where", "with", "group", "having", "order", "limit", "offset", "for", "update", "all", "from"}
)
_AFTER_WITH = _CLAUSES - {"with", "all", "from", "using", "where"}


class Token(NamedTuple):
    """One word of a query: `kind` is `text`, `name`, `number`, `mark` or `end`."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """It as a keyword; texts and numbers are none."""
        return self.text.casefold() if self.kind in ("name", "mark") else ""


def read_soql(soql: str) -> Selected:
    """What a query names. Raises NotUnderstood, which repeats nothing of the query but one word of it."""
    reader = Reader(soql)
    found = reader.select()
    reader.expect_end()
    return found


@dataclass(slots=True)
class Parts:
    """A query while it is read."""

    paths: set[Path] = field(default_factory=set)
    every_field: bool = False
    typed: list[Typed] = field(default_factory=list)
    children: list[Selected] = field(default_factory=list)
    inner: list[Selected] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    """Aliases of what is selected, in lower case."""
    sources: dict[str, Path] = field(default_factory=dict)
    """What the object and its aliases stand for, in lower case: a relationship, or nothing for the object itself."""


class Reader:
    """Reads one text from its start, one clause after another."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._now = next(self._tokens)
        self._ahead = next(self._tokens, self._now)
        self._depth = 0

    # --- words ---------------------------------------------------------------------------------------------------

    def at(self, *words: str) -> bool:
        """Whether the next word is one of these."""
        return self._now.word in words

    def take(self) -> Token:
        """The next word, taken."""
        taken, self._now = self._now, self._ahead
        self._ahead = next(self._tokens, self._ahead)
        return taken

    def skip(self, *words: str) -> bool:
        """Take the next word if it is one of these."""
        if self.at(*words):
            self.take()
            return True
        return False

    def expect(self, word: str) -> None:
        """Take the next word, which must be this. Raises NotUnderstood."""
        if not self.skip(word):
            raise NotUnderstood(f"{word.upper()} was expected{self._found()}")

    def expect_end(self) -> None:
        """Raise NotUnderstood where something is left."""
        if self._now.kind != "end":
            raise NotUnderstood(f"the end was expected{self._found()}")

    def name(self) -> str:
        """A name, with its dots. Raises NotUnderstood."""
        if self._now.kind != "name":
            raise NotUnderstood(f"a name was expected{self._found()}")
        return re.sub(r"\s", "", self.take().text)

    def _found(self) -> str:
        """What stands there, without repeating a value."""
        if self._now.kind in ("name", "mark"):
            return f", not {self._now.text[:40]}"
        return {"text": ", not a text", "number": ", not a number"}.get(self._now.kind, ", not the end of the query")

    def deeper(self) -> None:
        """Go one parenthesis down. Raises NotUnderstood where that is too deep."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotUnderstood(f"it is nested more than {MAX_DEPTH} deep")

    def higher(self) -> None:
        """Come up again."""
        self._depth -= 1

    # --- a query -------------------------------------------------------------------------------------------------

    def select(self) -> Selected:
        """A query from SELECT to its last clause."""
        self.deeper()
        parts = Parts()
        self.expect("select")
        self.fields(parts)
        self.expect("from")
        source = self._sources(parts)
        self.clauses(parts)
        self.higher()
        return selected(source, parts)

    def fields(self, parts: Parts) -> None:
        """What is selected."""
        while True:
            self._item(parts)
            if not self.skip(","):
                return

    def _item(self, parts: Parts) -> None:
        if self.at("("):
            self.take()
            parts.children.append(self.select())
            self.expect(")")
            return
        if self.at("typeof"):
            self._typeof(parts)
        else:
            self.operand(parts)
        if self._now.kind == "name" and self._now.word not in _CLAUSES:
            parts.words.add(self.name().casefold())

    def _typeof(self, parts: Parts) -> None:
        self.take()
        relationship = _path(self.name())
        while self.skip("when"):
            kind = self.name()
            self.expect("then")
            parts.typed.append(Typed(relationship, kind, self._names()))
        if self.skip("else"):
            parts.typed.append(Typed(relationship, None, self._names()))
        self.expect("end")

    def _names(self) -> frozenset[Path]:
        found = {_path(self.name())}
        while self.skip(","):
            found.add(_path(self.name()))
        return frozenset(found)

    def _sources(self, parts: Parts) -> str:
        """The object, and its alias; further sources, in the old way of writing, are relationships of it."""
        source = self.name()
        parts.sources = {source.casefold(): ()}
        if alias := self._alias():
            parts.sources[alias] = ()
        while self.skip(","):
            path = _unaliased(_path(self.name()), parts.sources)
            parts.sources[self._alias() or path[-1].casefold()] = path
            parts.paths.add((*path, "Id"))
        return source

    def _alias(self) -> str:
        self.skip("as")
        return self.name().casefold() if self._now.kind == "name" and self._now.word not in _CLAUSES else ""

    def clauses(self, parts: Parts) -> None:
        """Everything after the object."""
        if self.skip("using"):
            self.take()  # SCOPE; in SOSL ListView =
            self.skip("=")
            self.name()
        if self.skip("where"):
            self.condition(parts)
        while self.skip("with"):
            while self._now.kind != "end" and not self.at(")", "with", *_AFTER_WITH):
                self._balanced()
        if self.skip("group"):
            self.expect("by")
            self._operands(parts)
        if self.skip("having"):
            self.condition(parts)
        if self.skip("order"):
            self.expect("by")
            self._operands(parts)
        while self.skip("limit", "offset"):
            self._value(parts)
        while self.skip("for", "update", "all"):  # FOR VIEW, UPDATE TRACKING, ALL ROWS
            self.take()
            while self.skip(","):
                self.take()

    def _balanced(self) -> None:
        """Take one word, or a parenthesis with all that is in it."""
        if not self.skip("("):
            self.take()
            return
        self.deeper()
        while self._now.kind != "end" and not self.at(")"):
            self._balanced()
        self.expect(")")
        self.higher()

    def _operands(self, parts: Parts) -> None:
        while True:
            self.operand(parts)
            self.skip("asc", "desc")
            if self.skip("nulls"):
                self.take()
            if not self.skip(","):
                return

    # --- conditions ----------------------------------------------------------------------------------------------

    def condition(self, parts: Parts) -> None:
        """A condition with its ANDs and ORs."""
        while True:
            while self.skip("not"):
                pass
            self._term(parts)
            if not self.skip("and", "or"):
                return

    def _term(self, parts: Parts) -> None:
        if self.skip("("):
            self.deeper()
            self.condition(parts)
            self.expect(")")
            self.higher()
            return
        self.operand(parts)
        negated = self.skip("not")
        if not negated and self._now.word not in _OPERATORS:
            raise NotUnderstood(f"an operator was expected{self._found()}")
        self.take()
        self._value(parts)

    def operand(self, parts: Parts) -> None:
        """A field, or a function of fields."""
        name = self.name()
        if not self.skip("("):
            parts.paths.add(_path(name))
            return
        self.deeper()
        if name.casefold() == "fields":
            parts.every_field = True
            self.name()
        while not self.at(")"):
            if self._now.kind == "name":
                self.operand(parts)
            elif self._now.kind == "end":
                raise NotUnderstood("a parenthesis is not closed")
            else:
                self.take()
            self.skip(",")
        self.expect(")")
        self.higher()

    def _value(self, parts: Parts) -> None:
        """The right side of an operator: nothing in it is a field of this object."""
        if self.skip(":"):
            self.name()
        elif self.at("("):
            self._list(parts)
        elif self._now.kind in ("name", "text", "number"):
            self.take()
            if self.skip(":"):  # LAST_N_DAYS:7
                self.take()
        else:
            raise NotUnderstood(f"a value was expected{self._found()}")

    def _list(self, parts: Parts) -> None:
        self.expect("(")
        self.deeper()
        if self.at("select"):
            parts.inner.append(self.select())
        else:
            while self._now.kind != "end" and not self.at(")"):
                self._value(parts)
                self.skip(",")
        self.expect(")")
        self.higher()


def parts_of(source: str) -> Parts:
    """A query of an object, of which nothing is read yet."""
    return Parts(sources={source.casefold(): ()})


def selected(source: str, parts: Parts) -> Selected:
    """The query, with the names of its object and its aliases taken off its fields."""
    paths = {_unaliased(path, parts.sources) for path in parts.paths}
    return Selected(
        source=source,
        paths=frozenset(path for path in paths if len(path) > 1 or path[0].casefold() not in parts.words),
        every_field=parts.every_field,
        typed=tuple(parts.typed),
        children=tuple(parts.children),
        inner=tuple(parts.inner),
    )


def _path(name: str) -> Path:
    return tuple(name.split("."))


def _unaliased(path: Path, sources: dict[str, Path]) -> Path:
    """`a.Name` as `Account.Name` or as `Name`, by what `a` stands for. A name alone is a field."""
    if len(path) == 1 or path[0].casefold() not in sources:
        return path
    return (*sources[path[0].casefold()], *path[1:])


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise NotUnderstood("it holds a sign that SOQL does not have, or a text without its end")
        kind = str(match.lastgroup)
        yield Token(kind, match[kind])
        if kind == "end":
            return
        position = match.end()
