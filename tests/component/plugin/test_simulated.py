"""The plugin against the simulated sandbox: what turns red when the org changes, and what still runs then."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from tests.component.plugin.example import Example

Make = Callable[[str], Example]


def test_a_grant_taken_from_the_org_turns_the_right_check_red(example: Make) -> None:
    project = example("mulesoft")
    given = project.org / "force-app/main/default/permissionsets/Customer_Data_API.permissionset-meta.xml"
    field = "<field>Contact.HasOptedOutOfEmail</field>"
    project.change(given, f"<editable>true</editable>\n        {field}", f"<editable>false</editable>\n        {field}")
    ran = project.pytest("scenarios", "--cassettes", "off", "-rsf")
    assert ran.code == 1
    line = next(
        number
        for number, text in enumerate(project.scenario.read_text().splitlines(), 1)
        if "Contact.HasOptedOutOfEmail, access: edit" in text
    )
    failed = [line for line in ran.output.splitlines() if line.startswith("FAILED")]
    assert {name.split("::", 2)[2].split(" - ")[0] for name in failed} == {
        "verify::grants[field Contact.HasOptedOutOfEmail: edit]",
        "verify::completed",
        "sign-off",
    }
    assert f"scenarios/mulesoft.scenario.yaml:{line}" in ran.output
    assert "remedy:" in ran.output
    assert "stage verify failed" in ran.output
    assert "Traceback" not in ran.output
    # rollback still runs: what verify had before it is undone and proven
    assert "rollback[from cut-over]" not in "".join(failed)
    assert not any("SKIPPED" in line and "rollback[from cut-over]" in line for line in ran.output.splitlines())


def test_a_denial_that_is_granted_turns_red(example: Make) -> None:
    project = example("mulesoft")
    muting = project.org / "force-app/main/default/mutingpermissionsets"
    project.change(
        muting / "Customer_Service_API_Muting.mutingpermissionset-meta.xml",
        "<field>Contact.LeadSource</field>",
        "<field>Contact.Department</field>",
    )
    ran = project.pytest("scenarios", "--cassettes", "off", "-x", "-k", "denials or preflight")
    failed = [line for line in ran.output.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "denials[query Contact: INVALID_FIELD]" in failed[0]


def test_a_recording_replays_and_holds_no_secret(example: Make) -> None:
    project = example("warehouse")
    recorded = project.pytest("scenarios", "--cassettes", "record")
    assert recorded.code == 0, recorded.output
    cassettes = sorted((project.folder / "cassettes" / "warehouse").iterdir())
    assert [path.name.partition(".")[0] for path in cassettes] == ["plan", "preflight", "snapshot", "trial"]
    packed = {path: path.suffix == ".gz" for path in cassettes}
    text = "".join(gzip.decompress(path.read_bytes()).decode() if packed[path] else path.read_text() for path in packed)
    assert "access_token" in text
    assert "!A" not in text.replace("\\", "")
    replayed = project.pytest("scenarios")
    assert replayed.code == 0, replayed.output
    assert "replayed; recorded" in replayed.output
