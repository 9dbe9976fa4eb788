"""What goes wrong with one component, and with a whole request."""

from __future__ import annotations


class ComponentError(Exception):
    """One component is refused: a status code, and its message. The position is that in the component's file."""

    def __init__(self, code: str, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.line = line
        self.column = column


class RequestError(Exception):
    """A deploy or retrieve that cannot even begin: an exception code of the API, and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def not_named(field: str, kind: str, name: str) -> ComponentError:
    """The refusal of a reference to a component that there is not."""
    return ComponentError("INVALID_CROSS_REFERENCE_KEY", f"In field: {field} - no {kind} named {name} found")
