"""Cassette files: two formats of vcrpy's, each written whole or not at all."""

from __future__ import annotations

import gzip
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
import vcr
import yaml
from vcr.serialize import deserialize, serialize
from vcr.serializers import jsonserializer, yamlserializer

from harness.errors import RecordingError
from harness.org.secret import Secret
from harness.recording.filing import as_json, as_yaml, files
from harness.recording.filing.files import cassette_paths, head_of, left_overs, load, path_of, stage_of, write_at_once
from tests.unit.recording.shelf import METADATA, asked, conversation, large, put, told

SMALL = [(asked("Account"), told({"records": [{"Name": "Müller\nÅ \u2028 😀"}]})), (asked("Contact"), told("", 204))]


def said(path: Path) -> list[tuple[str, str, bytes, int]]:
    loaded = load(path)
    return [
        (request.method, request.uri, response["body"]["string"], response["status"]["code"])
        for request, response in zip(loaded.requests, loaded.responses, strict=True)
    ]


# --- the formats ------------------------------------------------------------------------------------------------------


def test_what_reviewers_read_is_yaml_and_what_is_larger_is_packed_json(tmp_path: Path) -> None:
    put(tmp_path / "grant.yaml", *SMALL)
    put(tmp_path / "verify.yaml", *large())
    assert [path.name for path in cassette_paths(tmp_path)] == ["grant.yaml", "verify.json.gz"]
    assert [path_of(tmp_path, name).name for name in ("grant", "verify")] == ["grant.yaml", "verify.json.gz"]
    for path, pairs in ((tmp_path / "grant.yaml", SMALL), (tmp_path / "verify.json.gz", large())):
        wanted = [(q.method, q.uri, a["body"]["string"].encode(), a["status"]["code"]) for q, a in pairs]
        assert said(path) == wanted
        assert load(path).metadata == head_of(path) == METADATA


def test_the_border_is_at_200_000_characters_of_yaml(tmp_path: Path) -> None:
    put(tmp_path / "plan.yaml", (asked(), told("x" * 10)))
    around = len((tmp_path / "plan.yaml").read_text("utf-8")) - 10
    for size, suffix in ((200_000 - around, ".yaml"), (200_001 - around, ".json.gz"), (5, ".yaml")):
        put(tmp_path / "plan.yaml", (asked(), told("x" * size)))
        assert [path.name for path in tmp_path.iterdir()] == [f"plan{suffix}"]


def test_a_stage_in_two_formats_is_refused_until_it_is_recorded_again(tmp_path: Path) -> None:
    put(tmp_path / "plan.yaml")
    (tmp_path / "plan.json.gz").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"two cassettes for one stage: plan.yaml and plan.json.gz\n  remedy: "):
        path_of(tmp_path, "plan")
    put(tmp_path / "plan.json.gz")
    assert path_of(tmp_path, "plan") == tmp_path / "plan.yaml"
    assert cassette_paths(tmp_path) == [tmp_path / "plan.yaml"]


@pytest.mark.parametrize("pairs", [SMALL, large()], ids=["yaml", "json"])
def test_the_same_conversation_is_the_same_file(tmp_path: Path, pairs: Any) -> None:
    contents = set()
    for folder in ("one", "other"):
        put(tmp_path / folder / "plan.yaml", *pairs)
        contents.add(path_of(tmp_path / folder, "plan").read_bytes())
    assert len(contents) == 1


def test_a_packed_file_tells_no_name_time_or_system_and_stays_where_another_zlib_packed_it(tmp_path: Path) -> None:
    put(tmp_path / "plan.yaml", *large())
    path = tmp_path / "plan.json.gz"
    text = gzip.decompress(path.read_bytes())
    assert path.read_bytes()[:10] == b"\x1f\x8b\x08" + b"\0" * 5 + b"\x02\xff"
    otherwise = path.read_bytes()[:10] + gzip.compress(text, 1, mtime=0)[10:]
    path.write_bytes(otherwise)
    put(tmp_path / "plan.yaml", *large())
    assert path.read_bytes() == otherwise
    put(tmp_path / "plan.yaml", *large(31))
    assert path.read_bytes() != otherwise


def test_vcrpy_itself_reads_both_formats(tmp_path: Path) -> None:
    put(tmp_path / "grant.yaml", *SMALL)
    put(tmp_path / "verify.yaml", *large())
    unpacked = gzip.decompress((tmp_path / "verify.json.gz").read_bytes()).decode()
    for text, serializer, name in (
        ((tmp_path / "grant.yaml").read_text("utf-8"), yamlserializer, "grant"),
        (unpacked, jsonserializer, "verify"),
    ):
        requests, responses, metadata = deserialize(text, serializer)
        ours = load(path_of(tmp_path, name))
        assert [each._to_dict() for each in requests] == [each._to_dict() for each in ours.requests]
        assert (responses, metadata) == (ours.responses, ours.metadata)


def test_plain_vcrpy_plays_a_cassette_of_ours(tmp_path: Path) -> None:
    import requests

    put(tmp_path / "grant.yaml", *SMALL)
    with vcr.use_cassette(str(tmp_path / "grant.yaml"), record_mode="none"):
        assert requests.get(SMALL[0][0].uri, timeout=1).json() == {"records": [{"Name": "Müller\nÅ \u2028 😀"}]}


def test_a_head_is_read_without_the_interactions(tmp_path: Path) -> None:
    put(tmp_path / "grant.yaml", *SMALL)
    put(tmp_path / "verify.yaml", *large())
    text = (tmp_path / "grant.yaml").read_text("utf-8")
    (tmp_path / "grant.yaml").write_text(text.replace("method: GET", "method: [GET"), "utf-8")
    packed = bytearray((tmp_path / "verify.json.gz").read_bytes())
    packed[-200:] = b"\0" * 200
    (tmp_path / "verify.json.gz").write_bytes(packed)
    for name in ("grant", "verify"):
        assert head_of(path_of(tmp_path, name)) == METADATA
        with pytest.raises(RecordingError):
            load(path_of(tmp_path, name))


def test_without_libyaml_it_works_and_says_once_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "grant.yaml", *SMALL)
    wanted = said(tmp_path / "grant.yaml")
    monkeypatch.delattr(yaml, "CSafeLoader")
    as_yaml._loader.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="install libyaml, then: pip install") as warned:
            assert said(tmp_path / "grant.yaml") == said(tmp_path / "grant.yaml") == wanted
        assert len(warned) == 1
    finally:
        as_yaml._loader.cache_clear()


def test_5_000_interactions_are_loaded_quickly(tmp_path: Path) -> None:
    content = conversation(*((asked(f"O{number}"), told({"records": ["x" * 500]})) for number in range(5000)))
    data = {"version": 1, **serialize(content, files._AsItIs)}
    (tmp_path / "verify.json.gz").write_bytes(files.pack(as_json.write(data)))
    start = time.process_time()
    assert len(load(tmp_path / "verify.json.gz").requests) == 5000
    assert time.process_time() - start < 5, "it takes a third of a second; make bench measures it"


# --- names ------------------------------------------------------------------------------------------------------------


def test_what_is_a_cassette_is_told_by_its_name(tmp_path: Path) -> None:
    for name in (
        "plan.yaml",
        "deep/verify.json.gz",
        "allow.yaml",
        "mutation.json",
        ".plan.yaml.0a1b",
        ".x.yaml",
        "a.gz",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in cassette_paths(tmp_path)] == [
        "deep/verify.json.gz",
        "plan.yaml",
    ]
    assert [stage_of(path) for path in cassette_paths(tmp_path)] == ["verify", "plan"]
    assert path_of(tmp_path, "nowhere") == tmp_path / "nowhere.yaml"
    assert cassette_paths(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["../plan", "a/b", "/etc/passwd", ".plan"])
def test_no_stage_has_a_name_that_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="is no name of a stage"):
        path_of(tmp_path, name)


# --- writing ----------------------------------------------------------------------------------------------------------


class Stop(BaseException):
    """Ctrl-C, at a place of our choice."""


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_what_stops_a_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    put(tmp_path / "plan.yaml")
    before = (tmp_path / "plan.yaml").read_bytes()
    real = getattr(os, call)

    def stopped(*arguments: Any) -> None:
        real(*arguments)
        raise Stop

    monkeypatch.setattr(os, call, stopped)
    with pytest.raises(Stop):
        put(tmp_path / "plan.yaml", *SMALL)
    monkeypatch.undo()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("plan.yaml", before)]


def test_it_is_private_and_durable_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool, int]] = []
    real = os.fsync

    def noted(handle: int) -> None:
        names = sorted(path.name for path in tmp_path.iterdir())
        about = os.fstat(handle)
        seen.append((names[0], stat.S_ISDIR(about.st_mode), stat.S_IMODE(about.st_mode)))
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    put(tmp_path / "plan.yaml")
    (first, is_folder, mode), (name, then_folder, _) = seen
    assert first.startswith(".plan.yaml.")
    assert (is_folder, mode) == (False, 0o600)
    assert (name, then_folder) == ("plan.yaml", True)
    assert stat.S_IMODE((tmp_path / "plan.yaml").stat().st_mode) == 0o644


def test_what_a_killed_recording_left_is_removed_by_the_next_of_its_stage(tmp_path: Path) -> None:
    mine = [tmp_path / ".plan.yaml.0a1b2c3d", tmp_path / ".plan.json.gz.0a1b2c3d"]
    others = [tmp_path / ".grant.yaml.0a1b2c3d", tmp_path / ".keep", tmp_path / ".hooks.yaml"]
    for path in (*mine, *others):
        path.touch()
    assert left_overs(tmp_path) == sorted([*mine, others[0]])
    put(tmp_path / "plan.yaml")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "plan.yaml"])


def test_what_holds_a_secret_never_touches_the_disk(tmp_path: Path) -> None:
    put(tmp_path / "plan.yaml")
    before = (tmp_path / "plan.yaml").read_bytes()
    for pairs in ([(asked(), told({"x": "sesame-street"}))], [*large(), (asked(), told({"x": "sesame-street"}))]):
        with pytest.raises(RecordingError, match="was not written, since it would hold what it must not"):
            put(tmp_path / "plan.yaml", *pairs, secrets=(Secret("sesame-street"),))
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("plan.yaml", before)]


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"could not be read again: the body of the response has NUL"):
        put(tmp_path / "plan.yaml", (asked(), told("a\0b")))
    assert list(tmp_path.iterdir()) == []


def test_other_texts_are_written_at_once_too(tmp_path: Path) -> None:
    write_at_once(tmp_path / "deep" / "set.xml", "<é/>")
    assert (tmp_path / "deep" / "set.xml").read_text("utf-8") == "<é/>"


def test_every_interaction_of_a_packed_file_has_a_line(tmp_path: Path) -> None:
    put(tmp_path / "verify.yaml", *large(30))
    loaded = load(tmp_path / "verify.json.gz")
    assert loaded.lines == list(range(2, 32))
    lines = files.text_of(tmp_path / "verify.json.gz").split("\n")
    assert json.loads(lines[4].rstrip(",")) == loaded.interactions()[3]
    assert [part for _, part in as_json.parts("\n".join(lines))][1:] == loaded.interactions()
