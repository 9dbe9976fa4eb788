"""What goes wrong when an org is made from files."""

from __future__ import annotations


class SourceError(Exception):
    """A project or a population file is missing or wrong; the message names the file, what is wrong and the remedy."""
