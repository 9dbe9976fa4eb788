# mypy: disallow-subclassing-any=False
"""How pytest-xdist deals out scenarios: one migration is one worker's."""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling

from harness.plugin import SUFFIX


class ScenarioScheduling(LoadGroupScheduling):
    """`--dist loadgroup`, where besides the groups by mark the items of a scenario file are a group.

    It goes by the name of the file: the mark is lost where pytest does not let pytest-xdist rename items (pytest 9.2).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(SUFFIX) else str(super()._split_scope(nodeid))
