"""Going on in several ways from one moment: the process is split, and each copy of it goes one of the ways.

A copy shares nothing with the others but the disk and a file to which each tells how it ended. They run one after the
other, so that what is told has an order.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from .bench import _files, _put_files


class Ways:
    """What the copies share: the folder of files, which each finds as it was, and what they told."""

    def __init__(self, folder: Path, told: Path) -> None:
        self._folder = folder
        self._told = told
        self.is_copy = False
        told.touch()

    def split(self) -> bool:
        """Go on twice: True in the copy, and then, when that has come to its end, False.

        Raises AssertionError where the copy did not end well.
        """
        files = _files(self._folder)
        pid = os.fork()
        if pid == 0:
            self.is_copy = True
            return True
        _, status = os.waitpid(pid, 0)
        _put_files(self._folder, files)
        assert status == 0, f"a copy of the process ended with {status}: {self._told.read_text()[-3000:]}"
        return False

    def end(self, told: Any) -> NoReturn:
        """End a copy, which tells how it went."""
        assert self.is_copy, "only a copy ends so"
        self._tell(told)
        os._exit(0)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Around whatever may be split: no copy ever comes out of it."""
        try:
            yield
        except BaseException:
            if self.is_copy:
                self._tell({"error": traceback.format_exc()})
                os._exit(1)
            raise
        finally:
            if self.is_copy:
                os._exit(2)

    def told(self) -> list[Any]:
        """What was told so far, in order."""
        return [json.loads(line) for line in self._told.read_text().splitlines()]

    def _tell(self, told: Any) -> None:
        with self._told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")


Split = Callable[[], bool]
