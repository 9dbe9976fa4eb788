"""All stages, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping

from harness.migration.stages import Stage
from harness.migration.stages.authorize import AUTHORIZE
from harness.migration.stages.cut_over import CUT_OVER
from harness.migration.stages.dual_auth import DUAL_AUTH
from harness.migration.stages.grant import GRANT
from harness.migration.stages.plan import PLAN
from harness.migration.stages.preflight import PREFLIGHT
from harness.migration.stages.provision import PROVISION
from harness.migration.stages.retire import RETIRE
from harness.migration.stages.snapshot import SNAPSHOT
from harness.migration.stages.switch import SWITCH
from harness.migration.stages.trial import TRIAL
from harness.migration.stages.verify import VERIFY

STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        PREFLIGHT,
        SNAPSHOT,
        TRIAL,
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
