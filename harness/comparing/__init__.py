"""`rehearse compare`: the same scenario by each of the three strategies, side by side.

Each strategy is rehearsed in a simulated sandbox of its own, there and back from every stage. What stands in a cell was
counted in the journal or looked up in that org; what could not be measured says so.
"""

from harness.comparing.command import compare, to_json

__all__ = ["compare", "to_json"]
