"""`rehearse mutate`: whether the checks of a scenario would notice one grant less, or one more.

The scenario is migrated once in the simulated sandbox, up to verify. Then one grant after the other is taken away or
given as the org's admin would, every check is made again, and the org is put back as it was.
"""

from harness.mutating.command import mutate, to_json

__all__ = ["mutate", "to_json"]
