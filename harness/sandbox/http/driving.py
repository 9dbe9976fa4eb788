"""Running the application without an event loop: in a client's own thread, or for a request that nobody waits for."""

from __future__ import annotations

from collections.abc import Awaitable


def drive(application: Awaitable[object]) -> None:
    """Run it to its end. The application never has to wait for anything, so that no event loop is needed.

    Raises RuntimeError when it waits all the same.
    """
    running = application.__await__()
    try:
        next(running)
    except StopIteration:
        return
    running.close()
    raise RuntimeError("the simulated org waits for something that only a server has")
