"""Losses are accepted by name, with a reason, and what nobody agreed to is printed ready to paste."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import ScenarioError
from harness.migration.planning.acceptance import Acceptance, acceptances, agree, to_paste
from harness.migration.records import Cause, Loss
from harness.scenario.loader import ScenarioFile, read
from harness.scenario.model import LossKind, lost_parts
from tests.unit.scenario.example import TEXT


def loss(
    kind: LossKind, name: str, *access: str, cause: Cause = "license-ceiling", falls_with: str | None = None
) -> Loss:
    return Loss(kind=kind, name=name, access=access, cause=cause, because="So.", accepted=False, falls_with=falls_with)


def accept(line: str) -> Acceptance:
    return Acceptance(*lost_parts(line), "Agreed.", f"erp.scenario.yaml:{len(line)}")


def told(losses: tuple[Loss, ...]) -> list[tuple[str, bool]]:
    return [(each.line, each.accepted) for each in losses]


def scenario(*lines: str, because: str = "Nobody needs it.") -> ScenarioFile:
    data = yaml.safe_load(TEXT)
    data["permissions"]["accept"] = [{"lost": list(lines), "because": because}]
    return read(
        yaml.safe_dump(data, sort_keys=False).encode(), path=Path("erp.scenario.yaml"), shown="erp.scenario.yaml"
    )


def test_a_loss_is_accepted_by_its_line_with_reason_and_place() -> None:
    lost = loss("object", "Account", "edit", "delete")
    [agreed] = agree([lost], acceptances(scenario(lost.line))).losses
    assert agreed.accepted
    assert agreed.accepted_because == "Nobody needs it."
    assert agreed.place
    assert agreed.place.startswith("erp.scenario.yaml:")


@pytest.mark.parametrize(
    "line", ["object Account", "object Account: edit, delete", "object Account: delete,edit, read"]
)
def test_without_rights_all_are_meant_and_their_order_is_of_no_account(line: str) -> None:
    assert told(agree([loss("object", "Account", "edit", "delete")], [accept(line)]).losses) == [
        ("object Account: edit, delete", True)
    ]


def test_what_is_accepted_in_part_stays_open_for_the_rest() -> None:
    found = agree([loss("object", "Account", "edit", "delete")], [accept("object Account: delete")])
    assert told(found.losses) == [("object Account: delete", True), ("object Account: edit", False)]


def test_two_lines_may_share_one_loss() -> None:
    lines = [accept("object Account: delete"), accept("object Account: edit")]
    found = agree([loss("object", "Account", "edit", "delete")], lines)
    assert all(each.accepted for each in found.losses)
    assert found.idle == ()


@pytest.mark.parametrize("line", ["system AuthorApe", "setup AuthorApex", "object Account: read", "object Accounts"])
def test_another_name_kind_or_right_accepts_nothing_and_is_told(line: str) -> None:
    lost = [loss("system", "AuthorApex"), loss("object", "Account", "edit")]
    found = agree(lost, [accept(line)])
    assert [each.accepted for each in found.losses] == [False, False]
    assert [each.line for each in found.idle] == [line]


def test_an_object_that_goes_takes_what_falls_with_it() -> None:
    lost = [
        loss("object", "Visit__c", "read"),
        loss("field", "Visit__c.Note__c", "read", falls_with="object Visit__c"),
        loss("field", "Visit__c.Own__c", "read"),
    ]
    assert [each.accepted for each in agree(lost, [accept("object Visit__c")]).losses] == [True, True, False]
    assert [each.accepted for each in agree(lost, [accept("object Visit__c: read")]).losses] == [True, False, False]


def test_what_is_printed_is_yaml_that_accepts_everything() -> None:
    lost = [
        loss("object", "Visit__c", "read"),
        loss("field", "Visit__c.Note__c", "read", falls_with="object Visit__c"),
        loss("object", "Account", "edit", "delete"),
        loss("system", "AuthorApex"),
        loss("permission-set-license", "FieldServicePsl", cause="other-license"),
        loss("login-hours", "Monday 08:00 to 18:00", cause="not-copyable"),
        loss("login-ip-ranges", "10.0.0.0 - 10.0.0.255", cause="not-copyable"),
        loss("tab", "standard-Account", cause="not-needed-api-only"),
    ]
    pasted = yaml.safe_load(to_paste(lost))
    entries = pasted["permissions"]["accept"]
    assert all(entry["because"] is None for entry in entries), "the reason is left to write"
    file = scenario(*(line for entry in entries for line in entry["lost"]))
    found = agree(lost, acceptances(file))
    assert all(each.accepted for each in found.losses), told(found.losses)
    assert found.idle == ()


def test_with_nothing_open_nothing_is_printed() -> None:
    assert to_paste([loss("system", "AuthorApex").model_copy(update={"accepted": True})]) == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sytem AuthorApex", "there is no kind of loss 'sytem'; did you mean 'system'?"),
        ("object Account: delet", "object Account cannot lose 'delet'; did you mean 'delete'?"),
        ("field Account.Name: delete", "field Account.Name cannot lose 'delete'; there are read, edit"),
        ("system", "write what is lost after 'system'"),
    ],
)
def test_a_misspelt_line_is_an_error_with_the_nearest_right_word(line: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario("tab standard-Account", line)
    assert said in str(caught.value)
    assert caught.value.place
    assert caught.value.place.line
