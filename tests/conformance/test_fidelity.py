"""docs/fidelity.md says what is so, of everything there is."""

from __future__ import annotations

import pytest

from tests.conformance import fidelity, recordings
from tests.conformance.fidelity import DOCUMENT, claims, document, problems


def test_everything_answered_has_a_claim_and_every_claim_its_evidence() -> None:
    found = problems(claims())
    if found:
        pytest.fail("\n".join(["docs/fidelity.yaml:", *found]), pytrace=False)


def test_a_claim_that_is_wrong_is_found() -> None:
    claimed = claims()
    claimed["errors"]["NO_SUCH_CODE"] = {"documented": "nowhere"}
    claimed["errors"]["NOT_FOUND"] = {
        "proven": ["no/such-recording"],
        "texts": [{"text": "Nobody says so", "by": "me"}],
    }
    del claimed["errors"]["INVALID_FIELD"], claimed["switches"]["mixed-dml"]
    assert {
        "a claim about the error NO_SUCH_CODE, which is not there",
        "NOT_FOUND: no conformance case compares no/such-recording",
        "NOT_FOUND 'Nobody says so': none of proven, documented, reported, switch",
        "NOT_FOUND 'Nobody says so': no such key: by",
        "no refusal has the text 'Nobody says so' of NOT_FOUND",
        "no claim about the error INVALID_FIELD",
        "no claim about the switch mixed-dml",
    } <= set(problems(claimed))


def test_the_document_is_what_the_claims_make() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(claims()), f"run python -m {fidelity.__name__}"


@pytest.mark.skipif(not recordings.names(), reason=recordings.ABSENT)
def test_every_recording_that_is_compared_proves_something() -> None:
    claimed = claims()
    every = [
        *(claim for area in claimed["areas"] for claim in area["resources"].values()),
        *(one for claim in claimed["errors"].values() for one in (claim, *claim.get("texts", ()))),
        *claimed["token_errors"].values(),
    ]
    named = {recording for claim in every for recording in claim.get("proven", ())}
    compared = {case.recording for case in fidelity.CASES}
    assert compared - named == set()
