"""What Bulk API 1.0 refuses: an HTTP status 400 with an `exceptionCode` and an `exceptionMessage`."""

from __future__ import annotations


class Refused(Exception):
    """A request that gets an error document; `code` is one of AsyncExceptionCode, as `InvalidJob`."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
