"""The one thing that a file format can complain of."""

from __future__ import annotations


class ContentError(ValueError):
    """The file's content does not allow it. The message names keys and lines, never values."""
