"""Two processes of the tool in one, of which only one runs at a time: at a call's end it hands over the baton.

Each is a thread that stands still but while it holds the baton, so that the order of everything is decided.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from .points import Killed, Point


class Runner:
    """A process that is let go on call by call. `begin` gets the hook for its points, and makes and runs it."""

    def __init__(self, begin: Callable[[Callable[[Point], None]], object]) -> None:
        self._begin = begin
        self._until: int | None = 0
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._is_given_up = False
        self.calls = 0
        """How many calls were answered so far."""
        self.is_over = False
        self.end: object = None
        """What `begin` returned, or what it raised."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go(self, until: int | None = None) -> None:
        """Let it go on until so many calls were answered in all, or to its end. Returns when it stands still again."""
        if self.is_over or (until is not None and until <= self.calls):
            return
        self._until = until
        self._go.release()
        self._stopped.acquire()

    def give_up(self) -> None:
        """End it wherever it stands."""
        self._is_given_up = True
        self.go()
        self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self.end = self._begin(self._hook)
        except (Exception, Killed) as error:
            self.end = error
        self.is_over = True
        self._stopped.release()

    def _hook(self, point: Point) -> None:
        if self._is_given_up:
            raise Killed
        if point.medium == "call" and point.moment == "after":
            self.calls += 1
            if self.calls == self._until:
                self._stopped.release()
                self._go.acquire()
                if self._is_given_up:
                    raise Killed
