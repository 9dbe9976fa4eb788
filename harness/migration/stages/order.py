"""All stages, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping

from harness.migration.stages import Stage
from harness.migration.stages.authorize import AUTHORIZE
from harness.migration.stages.discovery import PLAN, SNAPSHOT
from harness.migration.stages.grant import GRANT
from harness.migration.stages.preflight import PREFLIGHT
from harness.migration.stages.provision import PROVISION
from harness.migration.stages.switch import SWITCH
from harness.migration.stages.together import CUT_OVER, DUAL_AUTH, RETIRE
from harness.migration.stages.verify import VERIFY

STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        PREFLIGHT,
        SNAPSHOT,
        PLAN,
        PROVISION,
        GRANT,
        AUTHORIZE,
        VERIFY,
        SWITCH,
        DUAL_AUTH,
        CUT_OVER,
        RETIRE,
    )
}
