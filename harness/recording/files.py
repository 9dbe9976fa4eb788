"""Cassette files: YAML in vcrpy's format, written to be read, scanned before they are written, and written at once.

`Serializer` and `Shelf` are what vcrpy calls a serializer and a persister.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from vcr.serialize import deserialize, serialize

from harness.errors import RecordingError
from harness.org.secret import Secret
from harness.recording.scan import leaks

# libyaml where there is one: it is five times faster and writes the same
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = type(
    "_ReadableDumper",
    (getattr(yaml, "CSafeDumper", yaml.SafeDumper),),
    {"ignore_aliases": lambda _self, _data: True},
)


def _represent_text(dumper: Any, text: str) -> Any:
    """Text of several lines as a block."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


class Serializer:
    """YAML through libyaml where there is one: metadata first, then one interaction after another."""

    @staticmethod
    def serialize(data: dict[str, Any]) -> str:
        """The text of a cassette."""
        ordered = {key: data[key] for key in ("version", "metadata", "interactions") if key in data}
        text = yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
        return str(text)

    @staticmethod
    def deserialize(text: str) -> Any:
        """The content of a cassette."""
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader


class Shelf:
    """Reads cassettes, and writes those that hold no secret. Raises RecordingError for every other."""

    def __init__(self, *, secrets: Callable[[], Iterable[Secret]], hosts: Iterable[str], remedy: str) -> None:
        self._secrets = secrets
        self._hosts = tuple(hosts)
        self._remedy = remedy

    def load_cassette(self, path: str | Path, serializer: Any) -> Any:
        """Requests, responses and metadata of a cassette."""
        try:
            return deserialize(Path(path).read_text("utf-8"), serializer)
        except FileNotFoundError:
            raise RecordingError(f"there is no cassette {path}", remedy=self._remedy) from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise RecordingError(f"the cassette {path} cannot be read: {error}", remedy=self._remedy) from error

    def save_cassette(self, path: str | Path, cassette: dict[str, Any], serializer: Any) -> None:
        """Write a cassette, unless it holds what it must not."""
        text = serialize(cassette, serializer)
        found = leaks(text, serializer.deserialize(text), secrets=self._secrets(), hosts=self._hosts)
        if found:
            listed = "\n".join(f"  {each}" for each in found[:10])
            raise RecordingError(
                f"the cassette {path} was not written, since it would hold what it must not:\n{listed}",
                remedy="rehearse with data that holds no secrets; if this is our omission, please report it",
            )
        write_at_once(Path(path), text)


def head_of(path: Path) -> dict[str, Any]:
    """The metadata of a cassette, without reading its interactions; empty where there is none."""
    lines: list[str] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith("interactions:"):
                break
            lines.append(line)
    try:
        metadata = yaml.load("".join(lines), Loader=_Loader).get("metadata") or {}  # noqa: S506 - a safe loader
    except (yaml.YAMLError, AttributeError) as error:
        raise RecordingError(f"the cassette {path} cannot be read: {error}", remedy="record it again") from error
    return dict(metadata)


def write_at_once(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all; it is private until it is complete, then mode 0644."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
