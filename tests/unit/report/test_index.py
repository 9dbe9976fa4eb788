"""The folder of reports: every scenario once, no half-written file, names that cannot hurt."""

from __future__ import annotations

import html
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.migration.journal import Journal
from harness.report import index
from harness.report.evidence import Evidence, gather
from harness.report.index import write_reports
from tests import report_journals as made


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


def test_each_scenario_has_a_page_and_its_evidence(tmp_path: Path) -> None:
    good, refused = read(made.signed_off), read(made.refused_plan)
    page = write_reports([good, refused], tmp_path / "new" / "reports")
    assert page == tmp_path / "new" / "reports" / "index.html"
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "erp.html",
        "erp.json",
        "index.html",
        "legacy-bi.html",
        "legacy-bi.json",
    ]
    assert Evidence.model_validate_json((page.parent / "erp.json").read_text(encoding="utf-8")) == good
    text = page.read_text(encoding="utf-8")
    assert "1 of 2 signed off." in text
    assert "Every verdict is what its scenario expects." in text
    assert text.index("✓") < text.index("✕")
    for name in ("erp", "legacy-bi"):
        assert f'href="{name}.html"' in text
        assert f'href="{name}.json"' in text
    assert 'href="erp.json"' in (page.parent / "erp.html").read_text(encoding="utf-8")


def test_one_scenario_is_listed_once_by_its_fullest_evidence(tmp_path: Path) -> None:
    page = write_reports([read(made.partial), read(made.signed_off)], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["erp.html", "erp.json", "index.html"]
    assert "1 of 1 signed off." in page.read_text(encoding="utf-8")


def test_unexpected_verdicts_are_counted(tmp_path: Path) -> None:
    text = write_reports([read(made.failed_verify)], tmp_path).read_text(encoding="utf-8")
    assert "0 of 1 signed off." in text
    assert "1 verdict is not what the scenario expects." in text


def test_scenarios_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    good = read(made.signed_off)
    twins = [
        good.model_copy(update={"name": name, "header": good.header.model_copy(update={"scenario_file": file})})
        for name, file in (("erp", "a/erp"), ("ERP", "b/ERP"), ("index", "c/index"), ("../../x", "d"), ("..", "e"))
    ]
    write_reports(twins, tmp_path / "reports")
    assert sorted(path.name for path in (tmp_path / "reports").glob("*.html")) == [
        "ERP-2.html",
        "erp.html",
        "index-2.html",
        "index.html",
        "scenario.html",
        "x.html",
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "reports"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    text = write_reports([read(made.hostile)], tmp_path).read_text(encoding="utf-8")
    assert made.HOSTILE not in text
    assert html.escape(made.HOSTILE, quote=True).replace("&quot;", "&#34;") in text


def test_no_report_says_so(tmp_path: Path) -> None:
    assert "Nothing was rehearsed." in write_reports([], tmp_path).read_text(encoding="utf-8")


def test_a_failure_leaves_the_old_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = read(made.signed_off)
    write_reports([good], tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_: object, **__: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(index, "render_index", fail)
    with pytest.raises(OSError, match="no space"):
        write_reports([good], tmp_path)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_reports([good], tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_everybody_may_read_a_report(tmp_path: Path) -> None:
    page = write_reports([read(made.signed_off)], tmp_path)
    assert stat.S_IMODE(page.stat().st_mode) == 0o644


def test_the_index_keeps_the_reports_of_earlier_runs(tmp_path: Path) -> None:
    write_reports([read(made.refused_plan)], tmp_path)
    (tmp_path / "other.json").write_text('{"not": "ours"}')
    (tmp_path / "other.html").write_text("<p>not ours</p>")
    text = write_reports([read(made.signed_off)], tmp_path).read_text(encoding="utf-8")
    assert "1 of 2 signed off." in text
    assert text.count("not part of the newest run") == 1
    assert "other.html" not in text


def test_a_part_of_a_rehearsal_does_not_replace_a_report(tmp_path: Path) -> None:
    good = read(made.signed_off)
    write_reports([good], tmp_path)
    part = good.model_copy(update={"checks": ()})
    write_reports([part], tmp_path, partial=[good.header.scenario_file])
    assert Evidence.model_validate_json((tmp_path / "erp.json").read_text(encoding="utf-8")) == good
    write_reports([part], tmp_path / "new", partial=[good.header.scenario_file])
    assert (tmp_path / "new" / "erp.html").is_file()
