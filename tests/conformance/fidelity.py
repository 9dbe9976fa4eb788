"""How faithful the simulated org is, as a document: `python -m tests.conformance.fidelity` writes docs/fidelity.md.

The claims are in docs/fidelity.yaml, which people edit. Nothing that is answered may be without a claim, and no claim
may be about what is not there: `problems` says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from harness.sandbox.switches import known_switches
from tests.conformance import inventory, live_cassettes
from tests.conformance.cases import CASES, NOT_SERVED

DOCS = Path(__file__).parents[2] / "docs"
CLAIMS = DOCS / "fidelity.yaml"
DOCUMENT = DOCS / "fidelity.md"

LEVELS = ("proven", "documented", "reported", "switch")
"""How far a claim may be trusted, the surest first; also the keys of a claim."""

Claim = Mapping[str, Any]


def claims() -> dict[str, Any]:
    """What people claim."""
    loaded: dict[str, Any] = yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))
    return loaded


def problems(claimed: Mapping[str, Any]) -> list[str]:
    """What is answered without a claim, what is claimed and not there, and evidence that is none."""
    found = list(_differences("resource", inventory.resources(), _resources(claimed)))
    found += _differences("error", inventory.errors(), claimed["errors"])
    found += _differences("error of OAuth", inventory.token_errors(), claimed["token_errors"])
    found += _differences("switch", [one.name for one in known_switches()], claimed["switches"])
    every = [*_resources(claimed).items(), *claimed["errors"].items(), *claimed["token_errors"].items()]
    for name, claim in every:
        found += _claim_problems(name, claim)
    known = inventory.texts()
    for code, claim in claimed["errors"].items():
        for text in claim.get("texts", ()):
            found += _claim_problems(f"{code} {text['text']!r}", text)
            if not any(fnmatchcase(one, _pattern(text["text"])) for one in known):
                found.append(f"no refusal has the text {text['text']!r} of {code}")
    return found


def _differences(what: str, there: Iterable[str], claimed: Iterable[str]) -> Iterator[str]:
    there, claimed = set(there), set(claimed)
    yield from (f"no claim about the {what} {name}" for name in sorted(there - claimed))
    yield from (f"a claim about the {what} {name}, which is not there" for name in sorted(claimed - there))


def _claim_problems(name: str, claim: Claim) -> Iterator[str]:
    if not any(level in claim for level in LEVELS):
        yield f"{name}: none of {', '.join(LEVELS)}"
    if unknown := set(claim) - {*LEVELS, "note", "texts", "text"}:
        yield f"{name}: no such key: {', '.join(sorted(unknown))}"
    compared = {case.recording for case in CASES}
    for recording in set(claim.get("proven", ())) - compared:
        yield f"{name}: no conformance case compares {recording}"
    switches = {one.name for one in known_switches()}
    for switch in set(claim.get("switch", ())) - switches:
        yield f"{name}: there is no switch {switch}"


def _pattern(text: str) -> str:
    return text.replace("[", "[[]").replace("…", "*")


def _resources(claimed: Mapping[str, Any]) -> dict[str, Claim]:
    return {name: claim for area in claimed["areas"] for name, claim in area["resources"].items()}


def document(claimed: Mapping[str, Any]) -> str:
    """The whole document, in Markdown."""
    return "\n".join(_lines(claimed)) + "\n"


def _lines(claimed: Mapping[str, Any]) -> Iterator[str]:
    yield "<!-- Written by tests/conformance/fidelity.py from fidelity.yaml. Edit that, then `make docs`. -->"
    yield "# How faithful the simulated sandbox is"
    yield ""
    yield claimed["introduction"].strip()
    yield ""
    yield from _counts(claimed)
    methods = inventory.resources()
    for area in claimed["areas"]:
        yield from ("", f"## {area['area']}", "", area["about"].strip(), "")
        rows = ((f"`{name}`", methods.get(name, ""), *_shown(claim)) for name, claim in area["resources"].items())
        yield from _table(("Resource", "Methods", "Level", "Evidence"), rows)
    yield from ("", "## Errors", "", claimed["about_errors"].strip(), "")
    yield from _table(("Code and text", "Level", "Evidence"), _error_rows(claimed["errors"]))
    yield from ("", "## Errors of sign-in", "", claimed["about_token_errors"].strip(), "")
    rows = ((f"`{name}`", *_shown(claim)) for name, claim in claimed["token_errors"].items())
    yield from _table(("`error: error_description`", "Level", "Evidence"), rows)
    yield from ("", "## Switches", "", claimed["about_switches"].strip(), "")
    yield from _table(
        ("Switch", "Values, the default first", "What it decides", "Why it is one"), _switch_rows(claimed)
    )
    yield from ("", "## Recordings that are not compared", "", claimed["about_not_served"].strip(), "")
    rows = ((f"`{name}`", reason) for name, reason in sorted(NOT_SERVED.items()))
    yield from _table(("Recording", "Why"), rows)
    yield from ("", "## Where an answer differs from its recording", "", claimed["about_differences"].strip(), "")
    yield from _table(("Recording", "Where", "Why"), _difference_rows())
    yield ""
    yield from live_cassettes.lines()


def _counts(claimed: Mapping[str, Any]) -> Iterator[str]:
    groups = {
        "resources": _resources(claimed).values(),
        "error codes": claimed["errors"].values(),
        "errors of sign-in": claimed["token_errors"].values(),
    }
    rows = (
        (name, *(str(sum(_level(claim) == level for claim in group)) for level in LEVELS))
        for name, group in groups.items()
    )
    yield from _table(("", *LEVELS), rows)


def _error_rows(errors: Mapping[str, Claim]) -> Iterator[tuple[str, ...]]:
    for code, claim in sorted(errors.items()):
        yield (f"**{code}**", *_shown(claim))
        for text in claim.get("texts", ()):
            yield (f"“{text['text']}”", *_shown(text))


def _switch_rows(claimed: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in known_switches():
        yield (f"`{one.name}`", ", ".join(one.choices), one.about, claimed["switches"].get(one.name, ""))


def _difference_rows() -> Iterator[tuple[str, ...]]:
    for case in CASES:
        by_reason: dict[str, list[str]] = {}
        for path, reason in case.differs.items():
            by_reason.setdefault(reason, []).append(path.rpartition("partner:")[2] if "soapenv" in path else path)
        for reason, paths in by_reason.items():
            yield (f"`{case.recording}`", ", ".join(f"`{path}`" for path in paths), reason)


def _level(claim: Claim) -> str:
    return next((level for level in LEVELS if level in claim), "")


def _shown(claim: Claim) -> tuple[str, str]:
    """The level, in bold where it is proven, and all the evidence."""
    parts = []
    for level in LEVELS:
        if level in claim:
            value = claim[level]
            parts.append(value if isinstance(value, str) else ", ".join(f"`{one}`" for one in value))
    level = _level(claim)
    note = f" {claim['note']}" if "note" in claim else ""
    return (f"**{level}**" if level == "proven" else level), "; ".join(parts) + "." + note


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(header)
    yield _row(("---",) * len(header))
    for row in rows:
        yield _row(row)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').strip() for cell in cells)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(claims()), encoding="utf-8")
