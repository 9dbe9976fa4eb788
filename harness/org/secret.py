"""A secret that does not print itself, and the references by which one is named."""

from __future__ import annotations

import hmac
import json
import re
import secrets as chance
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, quote_plus
from weakref import WeakValueDictionary

from harness.errors import UsageError

LARGEST_SECRET_FILE = 64 * 1024
"""Bytes. A private key has 2 to 4 KiB; a larger file is a mistake."""
_SHORTEST, _WHOLE_WORD_BELOW = 4, 8
"""Characters. What is shorter is taken out of no text, or only as a whole word."""


_SALT = chance.token_bytes(16)
"""Of this process alone, so that a hash says nothing to another, not even one with the same PYTHONHASHSEED."""


class Secret:
    """A value that shows itself only through `reveal`: not in a repr, a format, a pickle or a traceback.

    It is no attribute: what lists attributes (`inspect`, `rich`, `str.format` with `{0.name}`) finds a function. Who
    walks the interpreter's own objects (`gc.get_referents`, a debugger, a core dump) finds it all the same; no type can
    help that. Secrets can be compared with one another, in constant time; they have no order, and no length.
    """

    __slots__ = ("__weakref__", "_reveal")

    def __init__(self, value: str) -> None:
        def reveal() -> str:
            return value

        self._reveal = reveal
        _held[id(self)] = self

    def reveal(self) -> str:
        """The value. Only the code that sends or stores it calls this."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return self._reveal() != ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._digest(), other._digest())

    def __hash__(self) -> int:
        return hash(self._digest())

    def _digest(self) -> bytes:
        """The same for equal secrets of one process. Of a fixed length, so that comparing tells nothing of a length."""
        return hmac.digest(_SALT, self._reveal().encode("utf-8", "surrogatepass"), "sha256")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


_held: WeakValueDictionary[int, Secret] = WeakValueDictionary()
"""Every secret that this process holds."""


def without_secrets(text: str, blank: str) -> str:
    """The text with `blank` for every secret that this process holds, however a message may write it."""
    values = {each.reveal().strip() for each in list(_held.values())}
    forms = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _WHOLE_WORD_BELOW:
            text = text.replace(form, blank)
        else:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", lambda _: blank, text)
    return text


def _forms(value: str) -> Iterator[str]:
    yield value
    yield from (json.dumps(value)[1:-1], repr(value)[1:-1], repr(value.encode())[2:-1])
    yield from (quote(value), quote(value, safe=""), quote_plus(value))


Resolve = Callable[[str], Secret]
"""Reference to secret. Raises UsageError that names the reference and the remedy."""


def resolve_reference(reference: str, *, base: Path, environ: Mapping[str, str]) -> Secret:
    """The secret that `env:NAME`, `file:PATH` (relative to `base`) or `keyring:SERVICE/NAME` names.

    Raises UsageError, which names the reference and what to do, never the value.
    """
    kind, _, rest = reference.partition(":")
    match kind:
        case "env":
            value = _from_environment(reference, rest, environ)
        case "file":
            value = _from_file(reference, rest, base)
        case "keyring":
            value = _from_keyring(reference, rest)
        case _:
            raise UsageError(
                "a secret is named by a reference, and this is none",
                remedy="write env:NAME, file:PATH or keyring:SERVICE/NAME",
            )
    if not value:
        raise UsageError(f"{reference} is empty", remedy="put the secret there")
    return Secret(value)


def _from_environment(reference: str, name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise UsageError(f"{reference}: the environment has no variable {name}", remedy=f"export {name}=...")
    return environ[name].strip("\r\n")


def _from_file(reference: str, name: str, base: Path) -> str:
    path = base / Path(name).expanduser()
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SECRET_FILE + 1)
        if len(content) > LARGEST_SECRET_FILE:
            raise UsageError(
                f"{reference} is larger than {LARGEST_SECRET_FILE // 1024} KiB",
                remedy="name a file that holds the secret and nothing else",
            )
        return content.decode().strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{reference} cannot be read: {reason}", remedy=f"put the secret into {path}") from error


def _from_keyring(reference: str, rest: str) -> str:
    service, _, name = rest.partition("/")
    try:
        import keyring  # noqa: PLC0415 - an extra: imported only where a scenario names it
    except ImportError as error:
        raise UsageError(
            f"{reference} needs the keyring package", remedy='pip install "pytest-sf-rehearsal[keyring]"'
        ) from error
    try:
        value = keyring.get_password(service, name)
    except Exception as error:
        raise UsageError(
            f"{reference} cannot be read: {type(error).__name__}", remedy="unlock or configure the keyring"
        ) from error
    if value is None:
        raise UsageError(f"{reference}: the keyring has no such entry", remedy=f"keyring set {service} {name}")
    return str(value)
