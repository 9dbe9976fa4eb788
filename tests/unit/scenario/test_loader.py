"""Loading scenario files: strictly, and with errors that say where."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import Place, ScenarioError
from harness.scenario import document, loader
from harness.scenario.loader import ScenarioFile, load, read
from tests.unit.scenario.example import TEXT


def read_text(text: str) -> ScenarioFile:
    return read(text.encode(), path=Path("erp.scenario.yaml"), shown="erp.scenario.yaml")


def refused(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_text(text)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_a_scenario_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "erp.scenario.yaml"
    path.write_text(TEXT)
    file = load(path)
    assert file.name == "erp"
    assert file.path == path
    assert file.digest == hashlib.sha256(TEXT.encode()).hexdigest()
    assert file.scenario.from_.username == "erp.sync@acme.example"
    assert file.scenario.dual_auth.for_ == timedelta(days=14)
    assert file.scenario.expect.grants[0].at_least == 1


def test_a_file_below_the_current_folder_is_shown_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scenarios").mkdir()
    path = tmp_path / "scenarios" / "erp.scenario.yaml"
    path.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert load(path).shown == "scenarios/erp.scenario.yaml"
    assert load(path, shown="erp").place("to").file == "erp"


def test_places_are_those_of_keys_and_items_or_of_the_nearest_parent() -> None:
    file = read_text(TEXT)
    lines = TEXT.splitlines()
    for keys, start in {
        ("rehearse",): "rehearse: 1",
        ("from", "sign_in"): "sign_in: {flow: soap-login",
        ("permissions", "drop", 0): "{permission: ManageUsers",
        ("permissions", "drop", 0, "because"): "because: The",
        ("workload", 1): "upsert: {object: Account",
        ("expect", "grants", 1): "insert: {object: Order",
        ("expect", "grants", 1, "insert", "object"): "object: Order",
        ("expect", "denials", 0, "error"): "error: INVALID_TYPE",
    }.items():
        place = file.place(*keys)
        assert place.line is not None
        assert place.column is not None
        assert lines[place.line - 1][place.column - 1 :].startswith(start), keys
    assert file.place("expect", "grants", 1, "nothing", "here") == file.place("expect", "grants", 1)
    assert file.place("nothing") == Place("erp.scenario.yaml", 1, 1)
    assert file.place() == Place("erp.scenario.yaml", 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  username: erp.sync", "  usernme: erp.sync", "6:3: unknown key 'usernme' in from: did you mean 'username'?"),
        ("purpose:", "Purpose:", "3:1: unknown key 'Purpose': did you mean 'purpose'?"),
        ("purpose: Order Sync", "purpose: 5", "3:10: purpose is a number, but text is expected: put it in quotes"),
        ("purpose: Order Sync", "purpose:", "3:9: purpose is empty, but text is expected"),
        ("purpose: Order Sync", "purpose: ''", "3:10: purpose is empty"),
        ("rehearse: 1", "rehearse: 2", "1:11: rehearse is a number, but 1 is expected"),
        ("rehearse: 1", "rehearse: true", "1:11: the version of the language is written rehearse: 1"),
        ("rehearse: 1", "rehearse: 1.0", "1:11: the version of the language is written rehearse: 1"),
        ("for: 14d", "for: 14", "28:18: a duration is a whole number and a unit"),
        ("for: 14d", "for: 1d", "28:1: old_user_quiet_for is longer than for"),
        ("for: 14d", "for_: 14d", "28:13: unknown key 'for_' in dual_auth: did you mean 'for'?"),
        ("flow: soap-login", "flow: soap-logn", "7:19: 'soap-logn' is no sign-in flow: did you mean 'soap-login'?"),
        ("{flow: soap-login, ", "{", "7:3: 'flow' is missing in from.sign_in"),
        ('"env:ERP_OLD_PASSWORD"', "hunter2", "7:41: a secret is written as a reference: env:NAME"),
        ("    app: ERP Integration\n", "", "10:3: 'app' is missing in to.sign_in: The connected app"),
        ("app: ERP", "ap: ERP", "12:5: unknown key 'ap' in to.sign_in: did you mean 'app'?"),
        (
            "store: dotenv",
            "store: dotnev",
            "16:10: 'dotnev' is not possible for credentials.store: did you mean 'dotenv'?",
        ),
        (
            "LIMIT 10\n      at_least: 1",
            "LIMIT 10\n      at_least: '1'",
            "33:17: expect.grants[1].at_least is text, but a whole",
        ),
        ("rows: 50", "rows: 0", "26:53: workload[2].upsert.rows: this should be greater than or equal to 1"),
        ("rows: 50", "rows: yes", "26:53: workload[2].upsert.rows is text, but a whole number is expected"),
        ("by: ERP_Key__c", "by: Other__c", "26:5: fields has no Other__c: each row of an upsert has its external id"),
        ("{any: Account}", "{ayn: Account}", "34:52: unknown key 'ayn' in expect.grants[2].insert.fields.AccountId"),
        ("{any: Account}", "[a]", "34:51: expect.grants[2].insert.fields.AccountId is a list, but text, "),
        (
            "object: Order,",
            "object: 1-2,",
            "34:24: expect.grants[2].insert.object is not written as expected: an example is Account",
        ),
        (
            "    - sign_in: ui",
            "    - sign_in: iu",
            "38:16: 'iu' is not possible for expect.denials[2].sign_in: possible is 'client-",
        ),
        ("      error: INVALID_TYPE\n", "", "36:7: a denial names the error code expected"),
        (
            "  - query: SELECT Id, Status FROM Order\n",
            "  - {query: a, describe: Account}\n",
            "25:5: give exactly one of query, insert",
        ),
        ("  - query: SELECT Id, Status FROM Order\n", "  - {}\n", "25:5: give exactly one of query, insert"),
        ("workload:\n", "workload: []\nworklod:\n", "24:11: workload is empty"),
        ("erp.integration@", "ERP.Sync@", "1:1: strategy new-user needs a second user"),
        ("system: ERP\n", "", "1:1: 'system' is missing: The external system"),
        (
            "system: ERP\n",
            "system: ERP\nrollback: always\n",
            "3:11: 'always' is not possible for rollback: possible is 'from every stage'",
        ),
        (
            "system: ERP\n",
            "system: ERP\nrollback: {from: [grnt]}\n",
            "3:19: 'grnt' is not possible for rollback.from[1]: did you",
        ),
        (
            "system: ERP\n",
            "system: ERP\nrollback: 3\n",
            "3:11: rollback is a number, but 'from every stage' or a mapping",
        ),
        (
            "system: ERP\n",
            "system: ERP\norg: {simulatd: x}\n",
            "3:7: unknown key 'simulatd' in org: did you mean 'simulated'?",
        ),
        (
            "- query: SELECT Id, Status FROM Order",
            "- {query: SELECT Id, Status FROM Order}",
            "25:24: unknown key 'Status FROM Order' in workload[1]: inside braces, text that holds a comma is put",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert f"erp.scenario.yaml:{message}" in refused(changed(old, new))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "2:11: the key 'c' is here twice: it is on line 2 already"),
        ("a: &x 1\n", "1:4: anchors (&x) are not part of the scenario language"),
        ("a: *x\n", "1:4: aliases (*x) are not part of the scenario language: write it out"),
        ("a: {<<: {b: 1}}\n", "1:5: merge keys (<<) are not part of the scenario language"),
        ("a: !!str 1\n", "1:4: tags (!...) are not part of the scenario language"),
        ("a: !thing {}\n", "1:4: tags (!...) are not part of the scenario language"),
        ("a: ! x\n", "1:4: tags (!...) are not part of the scenario language"),
        ("1: x\n", "1:1: a key is text: put it in quotes"),
        ("null: x\n", "1:1: a key is text: put it in quotes"),
        ("a: {{company}}\n", '1:5: a key is text; a template such as "{{company}}" is put in quotes'),
        ("? [a]\n: x\n", "1:3: a key is text: put it in quotes"),
        ("a: 1\n---\nb: 1\n", "2:1: a scenario file holds one document"),
        ("%YAML 1.1\n---\na: 1\n", "1:1: directives (%YAML, %TAG) are not part of the scenario language"),
        ("", "erp.scenario.yaml: the file is empty"),
        ("# nothing\n", "erp.scenario.yaml: the file is empty"),
        ("a: [1\n", "did not find expected ',' or ']'"),
        ("a: 1e999\n", "1:4: this number is too large"),
        ("- a\n", "1:1: the scenario is a list, but a mapping of keys and values is expected"),
        ("just text\n", "1:1: the scenario is text, but a mapping of keys and values is expected"),
        ("a: " + "[" * 100 + "]" * 100, "nested more than 32 levels deep"),
        ("a: \x07\n", "this is not YAML"),
    ],
)
def test_what_yaml_has_and_scenarios_have_not(text: str, message: str) -> None:
    assert message in refused(text)


@pytest.mark.parametrize(
    "written", ["on", "off", "yes", "No", "y", "2026-01-05", "12:30:45", "0b1", "1_000", "0777a", "NaN", ".inf"]
)
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(written: str) -> None:
    assert read_text(changed("system: ERP\n", f"system: {written}\n")).scenario.system == written


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True), ("FALSE", False), ("~", None), ("null", None), ("", None), ("12", 12), ("-0012", -12),
        ("0o17", 15), ("0xfF", 255), ("+.5", 0.5), ("1.", 1.0), ("2e3", 2000.0), ("'12'", "12"), ('"null"', "null"),
    ],
)  # fmt: skip
def test_plain_scalars_are_those_of_the_core_schema(written: str, value: object) -> None:
    parsed = document.parse(f"a: {written}\n")
    assert not parsed.problems
    assert isinstance(parsed.data, dict)
    assert (parsed.data["a"], type(parsed.data["a"])) == (value, type(value))


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = TEXT.replace("purpose: Order Sync", "purpose: 5").replace("store: dotenv", "store: x").replace("14d", "x")
    lines = refused(text).splitlines()
    assert [line.split(":")[1] for line in lines] == ["3", "16", "28"]


def test_a_secret_written_by_mistake_is_not_repeated() -> None:
    assert "hunter2" not in refused(changed('"env:ERP_OLD_PASSWORD"', "hunter2"))


def test_a_file_that_is_too_large_or_not_utf_8_or_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.scenario.yaml"
    path.write_bytes(b"#" * (loader.MAX_BYTES + 1))
    with pytest.raises(ScenarioError, match="larger than 256 KiB"):
        load(path)
    path.write_bytes(b"a: 1\nb: \xc3\xa9\xff\n")
    with pytest.raises(ScenarioError, match="2:5: the byte 0xff is not UTF-8"):
        load(path)
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        load(tmp_path / "none.scenario.yaml")
    with pytest.raises(ScenarioError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_byte_order_mark_and_crlf_are_read() -> None:
    content = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()
    file = read(content, path=Path("x.scenario.yaml"), shown="x")
    assert file.place("system").line == 2
    assert file.scenario.purpose == "Order Sync"


def test_the_python_loader_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = document.parse(TEXT)
    monkeypatch.setattr(document, "_Loader", yaml.SafeLoader)
    without = document.parse(TEXT)
    assert (without.data, without.keys, without.values) == (with_libyaml.data, with_libyaml.keys, with_libyaml.values)


def test_loading_takes_about_a_millisecond(tmp_path: Path) -> None:
    path = tmp_path / "erp.scenario.yaml"
    path.write_text(TEXT)
    load(path)
    best = min(_seconds(lambda: load(path)) for _ in range(50))
    assert best < 0.01, f"{best * 1000:.2f} ms"  # 1 to 2 ms; the rest is for a busy machine


def test_a_file_full_of_mistakes_is_refused_in_reasonable_time() -> None:
    items = "  - a\n" * 40_000
    text = TEXT.replace("workload:\n", f"workload:\n{items}")
    assert len(text) < loader.MAX_BYTES
    start = time.process_time()
    message = refused(text)
    assert time.process_time() - start < 10
    assert len(message.splitlines()) == 21
    assert message.endswith("more problems")


def _seconds(call: object) -> float:
    assert callable(call)
    start = time.process_time()
    call()
    return time.process_time() - start


def scenario_or_error(content: bytes) -> None:
    error: ScenarioError | None = None
    try:
        file = read(content, path=Path("x.scenario.yaml"), shown="x")
    except ScenarioError as refusal:
        error = refusal
    if error is None:
        assert file.scenario.rehearse == 1
    else:
        assert str(error).startswith("x:"), error


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_scenario_or_an_error(content: bytes) -> None:
    scenario_or_error(content)


yaml_text = st.text(alphabet=st.sampled_from("ab01:{}[],&*!|>'\"%@`#-? \n\t<~.e\\\ufeff\x00é"), max_size=60)


@settings(max_examples=250, deadline=None)
@given(yaml_text)
def test_any_text_is_a_scenario_or_an_error(text: str) -> None:
    scenario_or_error(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 40), yaml_text)
def test_any_change_to_a_scenario_is_a_scenario_or_an_error(start: int, length: int, text: str) -> None:
    scenario_or_error((TEXT[:start] + text + TEXT[start + length :]).encode())


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
TOP_KEYS = (
    "rehearse",
    "system",
    "org",
    "from",
    "to",
    "credentials",
    "permissions",
    "workload",
    "dual_auth",
    "expect",
    "rollback",
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TOP_KEYS), json_value)
def test_any_value_of_a_key_is_a_scenario_or_an_error(key: str, value: object) -> None:
    data = yaml.safe_load(TEXT)
    data[key] = value
    scenario_or_error(yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_value_deep_inside_is_a_scenario_or_an_error(data: st.DataObject) -> None:
    scenario = yaml.safe_load(TEXT)
    at = scenario
    while True:
        key = data.draw(st.sampled_from(list(at)) if isinstance(at, dict) else st.integers(0, len(at) - 1))
        if isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans()):
            at = at[key]
            continue
        at[key] = data.draw(json_value)
        break
    scenario_or_error(yaml.safe_dump(scenario, allow_unicode=True).encode("utf-8", "surrogatepass"))
