"""What to do about a refused sign-in, by the table of all errors."""

from __future__ import annotations

from harness.org.errors import find


def remedy_for(code: str, description: str) -> str | None:
    """What to do about a refused sign-in, or None for a refusal that is not in the table."""
    found = find(code, description, at="sign-in")
    return found.remedy if found else None
