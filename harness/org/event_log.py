"""Which columns of an event log the engine may use: not the names, addresses and applications of everybody."""

from __future__ import annotations

import csv
import io
import re

COLUMNS = (
    *("EVENT_TYPE", "TIMESTAMP", "TIMESTAMP_DERIVED", "USER_ID", "API_FAMILY", "API_RESOURCE", "HTTP_METHOD"),
    *("ENTITY_NAME", "STATUS_CODE"),
)
"""Object Reference, "EventLogFile", "API Total Usage"."""
_PATH = re.compile(r"/sobjects/EventLogFile/\w+/LogFile$")


def is_log_file(path: str) -> bool:
    """Whether a request is for the content of an event log."""
    return _PATH.search(path) is not None


def reduce_log(text: str) -> str:
    """A log file with the columns above, those of them that it has, in its own order. Raises csv.Error."""
    lines = csv.DictReader(io.StringIO(text))
    names = [name for name in lines.fieldnames or () if name in COLUMNS]
    written = io.StringIO()
    writer = csv.DictWriter(written, names, extrasaction="ignore", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({name: line[name] or "" for name in names} for line in lines)
    return written.getvalue()
