"""Stand-ins: of the kind of what they stand for, the same wherever they are made, and never the value."""

from __future__ import annotations

import ipaddress
import re
import string
import time
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.org.ids import is_id_18, to_18
from harness.recording.standing_in.identifiers import ids_replaced, is_id
from harness.recording.standing_in.pseudonyms import Kind, Pseudonyms

some = settings(max_examples=40, deadline=None)
ORG = "00DRh0000000001MAA"
WORDS = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEYED = (Kind.ID, Kind.NUMBER, Kind.DATE, Kind.DATETIME)
"""Kinds that have a bijection in the place of a memory."""
SPOKEN = tuple(kind for kind in Kind if kind not in KEYED)

ids_15 = st.builds(
    "{}{}".format,
    st.sampled_from(["001", "005", "00D", "0PS", "a01", "aZ9", "m00", "701"]),
    st.text(WORDS[:-1], min_size=1, max_size=1).flatmap(
        lambda first: st.text(WORDS, min_size=11, max_size=11).map(lambda rest: first + rest)
    ),
)
ids_15 = ids_15.filter(lambda each: not each.endswith("0" * 12))
"""All but those whose number begins with z, the only ones that can wrap, and those that are the same in every org."""
ids = st.one_of(ids_15, ids_15.map(to_18))
values = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


def stand_ins(scenario: str = "erp", *known: str) -> Pseudonyms:
    """Those of the example's org; making the key is slow only once."""
    return Pseudonyms(org_id=ORG, scenario=scenario, known=known)


class TestIds:
    @some
    @given(ids)
    def test_an_id_keeps_prefix_length_and_checksum_and_nothing_else(self, real: str) -> None:
        shown = stand_ins().identifier(real)
        assert (shown[:3], len(shown)) == (real[:3], len(real))
        assert shown[3:15] != real[3:15]
        assert len(shown) == 15 or is_id_18(shown)

    @some
    @given(ids)
    def test_both_forms_of_an_id_have_one_stand_in(self, real: str) -> None:
        pseudonyms = stand_ins()
        assert to_18(pseudonyms.identifier(real[:15])) == pseudonyms.identifier(to_18(real))

    @some
    @given(ids)
    def test_the_shift_is_undone(self, real: str) -> None:
        assert stand_ins().real_identifier(stand_ins().identifier(real)) == real

    @some
    @given(st.lists(ids_15.map(lambda each: "a01" + each[3:]), min_size=2, unique=True))
    def test_ids_sort_as_they_did_and_none_become_one(self, real: list[str]) -> None:
        pseudonyms = stand_ins()
        shown = [pseudonyms.identifier(each) for each in sorted(real)]
        assert shown == sorted(shown)
        assert len(set(shown)) == len(real)

    @some
    @given(ids)
    def test_a_stand_in_stays(self, real: str) -> None:
        pseudonyms = stand_ins()
        shown = pseudonyms.identifier(real)
        assert pseudonyms.identifier(shown) == shown
        assert pseudonyms.of(Kind.ID, shown) == shown
        assert pseudonyms.in_text(shown) == shown

    @some
    @given(ids, ids)
    def test_what_is_kept_is_kept_and_nothing_becomes_it(self, known: str, real: str) -> None:
        pseudonyms = stand_ins("erp", known)
        assert pseudonyms.identifier(to_18(known)) == to_18(known)
        assert pseudonyms.real_identifier(known) == known
        if known[:15] != real[:15]:
            assert pseudonyms.identifier(real)[:15] != known[:15]
            # not even the one that the shift alone would make one of it
            before = stand_ins().real_identifier(known)
            assert pseudonyms.identifier(before)[:15] not in (known[:15], before[:15])
            assert pseudonyms.real_identifier(pseudonyms.identifier(before)) == before

    def test_what_is_the_same_in_every_org_stays(self) -> None:
        assert stand_ins().identifier("012000000000000AAA") == "012000000000000AAA"

    def test_another_org_and_another_scenario_have_other_shifts(self) -> None:
        real = "005Rh0000000001IAA"
        other = Pseudonyms(org_id="00DRh0000000002MAA", scenario="erp")
        assert len({each.identifier(real) for each in (stand_ins(), stand_ins("boomi"), other)}) == 3

    def test_the_org_id_counts_in_either_form(self) -> None:
        short = Pseudonyms(org_id=ORG[:15], scenario="erp")
        assert short.identifier(ORG) == stand_ins().identifier(ORG)

    @pytest.mark.parametrize("value", ["005Rh000000", "005Rh0000000001IAB", "005Rh-000000001", "Grün-Weiß-Gelb!"])
    def test_what_is_no_id_is_refused_and_as_a_value_a_text(self, value: str) -> None:
        with pytest.raises(ValueError, match="15 characters"):
            stand_ins().identifier(value)
        assert stand_ins().of(Kind.ID, value) != value

    def test_the_first_identity_an_id_has_is_the_one_it_keeps(self) -> None:
        pseudonyms = stand_ins()
        shown = pseudonyms.identifier("005Rh0000000001IAA")
        pseudonyms.know("005Rh0000000001IAA")
        assert pseudonyms.identifier("005Rh0000000001IAA") == shown


class TestIdsInTexts:
    PLACES = (
        "{}",
        "/services/data/v67.0/sobjects/User/{}/Name",
        "WHERE Id = '{}'",
        "q=WHERE+Id+%3D+%27{}%27",
        "q=WHERE%2520Id%2520%253D%2520%2527{}%2527",
        '{{"url": "{}"}}',
        "first line\\n{}\\n",
        "<id>{}</id>",
        "key_{}_of",
        "\\u0027{}\\u0027",
    )

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("real", ["005Do000001WSt2IAG", "7509H0000016GUXQA2", "001Do000001WSt2"])
    def test_an_id_is_found_wherever_it_stands_and_found_again(self, place: str, real: str) -> None:
        pseudonyms = stand_ins()
        shown = pseudonyms.in_text(place.format(real))
        assert shown == place.format(pseudonyms.identifier(real))
        assert stand_ins().real_text(shown) == place.format(real)
        assert pseudonyms.in_text(shown) == shown

    def test_the_permission_set_of_a_profile_is_named_for_an_id(self) -> None:
        pseudonyms = stand_ins()
        assert (
            pseudonyms.in_text("X00eRh0000000002_128_09_43") == f"X{pseudonyms.identifier('00eRh0000000002')}_128_09_43"
        )

    @pytest.mark.parametrize(
        "word",
        [
            "PermissionsViewAllData",
            "PermissionsRunFlow",  # 18 letters
            "PermissionsEdit",  # 15
            "0123456789ab",  # a run
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "005Rh0000000001IAB",  # the wrong checksum
            "202611221937000",
            "40alpinefreight",
            "hernandezvictor",
            "012000000000000AAA",
            "ERP_Order_Sync_2026000",
        ],
    )
    def test_a_word_is_no_id(self, word: str) -> None:
        assert stand_ins().in_text(f"({word}) '{word}'") == f"({word}) '{word}'"

    def test_an_id_of_15_without_zeros_is_one_once_it_was_met_as_one(self) -> None:
        pseudonyms = stand_ins()
        odd = "005RhAbCdEfGhIj"
        assert pseudonyms.in_text(f"of {odd}") == f"of {odd}"
        shown = pseudonyms.of(Kind.ID, to_18(odd))
        assert pseudonyms.in_text(f"of {odd}") == f"of {shown[:15]}"

    @some
    @given(st.text(WORDS + " '%_!", max_size=60), ids.map(to_18), st.text(WORDS + " '%_!", max_size=60))
    def test_nothing_but_ids_changes(self, before: str, real: str, after: str) -> None:
        found: list[str] = []

        def note(token: str) -> str:
            found.append(token)
            return token

        assert ids_replaced(f"{before} {real} {after}", note) == f"{before} {real} {after}"
        assert real in found
        assert all(is_id(token) for token in found)


class TestWords:
    @some
    @given(st.sampled_from(SPOKEN), values)
    def test_a_stand_in_follows_from_the_value_alone(self, kind: Kind, value: str) -> None:
        used = stand_ins()
        for other in ("Anna Berg", "anna@nordwind.example", "Lübeck"):
            used.of(Kind.NAME, other)
        fresh = stand_ins()
        assert fresh.of(kind, value) == used.of(kind, value) or value in used.learned

    @some
    @given(st.lists(st.tuples(st.sampled_from(SPOKEN), values), max_size=20))
    def test_values_and_stand_ins_are_told_apart(self, asked: list[tuple[Kind, str]]) -> None:
        pseudonyms = stand_ins("erp", "Draft")
        given_out = {value: pseudonyms.of(kind, value) for kind, value in asked}
        learned = pseudonyms.learned
        assert len(set(learned.values())) == len(learned)
        assert not set(learned) & set(learned.values())
        for value, shown in given_out.items():
            assert pseudonyms.of(Kind.TEXT, value) == shown == pseudonyms.again(value)
            assert pseudonyms.of(Kind.NAME, shown) == shown
            assert value.casefold() == "draft" or shown != value

    @some
    @given(st.sampled_from(list(Kind)), st.text(" \t\r\n\u00a0"))
    def test_nothing_stays_nothing(self, kind: Kind, blank: str) -> None:
        assert stand_ins().of(kind, blank) == blank

    @some
    @given(st.sampled_from(list(Kind)), values)
    def test_known_words_stay(self, kind: Kind, word: str) -> None:
        pseudonyms = stand_ins("erp", word)
        assert pseudonyms.of(kind, word) == word
        assert not pseudonyms.learned

    def test_a_word_that_was_learned_is_not_known_later(self) -> None:
        pseudonyms = stand_ins()
        shown = pseudonyms.of(Kind.COMPANY, "Nordwind")
        pseudonyms.know("Nordwind")
        assert pseudonyms.of(Kind.COMPANY, "Nordwind") == shown

    def test_a_known_word_is_no_stand_in(self) -> None:
        taken = stand_ins().of(Kind.CITY, "Hamburg")
        assert stand_ins("erp", taken).of(Kind.CITY, "Hamburg") not in (taken, "Hamburg")

    def test_a_real_value_is_no_stand_in(self) -> None:
        taken = stand_ins().of(Kind.CITY, "Hamburg")
        pseudonyms = stand_ins()
        pseudonyms.of(Kind.CITY, taken)
        assert pseudonyms.of(Kind.CITY, "Hamburg") not in (taken, "Hamburg")

    def test_what_is_personal_is_listed_and_what_was_met_as_an_id(self) -> None:
        pseudonyms = stand_ins()
        pseudonyms.of(Kind.EMAIL, "anna@nordwind.com")
        pseudonyms.of(Kind.TEXT, "urgent")
        pseudonyms.of(Kind.ID, "005Rh0000000001IAA")
        assert pseudonyms.personal == {"anna@nordwind.com"}
        assert pseudonyms.real_identifiers == {"005Rh0000000001"}

    def test_what_every_org_has_is_nobodys_name(self) -> None:
        pseudonyms = stand_ins()
        for kind, value in {
            Kind.NAME: "Integration User",
            Kind.LAST_NAME: "Integration",
            Kind.TEXT: "Anna Berg",
        }.items():
            assert pseudonyms.of(kind, value) != value
        assert not pseudonyms.personal
        pseudonyms.of(Kind.NAME, "Lena Hoff")
        assert pseudonyms.personal == {"Lena Hoff"}

    def test_a_message_says_nothing_of_what_was_learned(self) -> None:
        pseudonyms = stand_ins()
        anna, key = pseudonyms.of(Kind.NAME, "Anna Berg"), pseudonyms.of(Kind.TEXT, "K-17")
        message = "duplicate value K-17 found: Anna Berg (005Rh0000000001IAA), not K-170"
        user = pseudonyms.identifier("005Rh0000000001IAA")
        assert pseudonyms.in_message(message) == f"duplicate value {key} found: {anna} ({user}), not K-170"
        pseudonyms.of(Kind.TEXT, "K-170")
        assert "K-170" not in pseudonyms.in_message(message)

    @some
    @given(values)
    def test_each_looks_like_what_it_stands_for(self, value: str) -> None:
        pseudonyms = stand_ins()
        shapes = {
            Kind.EMAIL: r"[a-z.'-]+@example\.com",
            Kind.USERNAME: r"[a-z.'-]+@example\.org",
            Kind.PHONE: r"\+1 \d{3} 555 01\d\d ext\. \d{7}",
            Kind.POSTAL_CODE: r"\d{5}-\d{4}",
            Kind.STREET: r"\d+ [A-Z][a-z]+ [A-Z][a-z]+",
            Kind.FIRST_NAME: r"[A-Za-z]+-[A-Z][a-z]{7}",
            Kind.LAST_NAME: r"[A-Za-z'-]+-[A-Z][a-z]{7}",
            Kind.NAME: r"[A-Za-z]+ [A-Za-z'-]+-[A-Z][a-z]{7}",
        }
        for number, (kind, shape) in enumerate(shapes.items()):
            assert re.fullmatch(shape, pseudonyms.of(kind, f"{number}{value}")), kind

    @pytest.mark.parametrize("scheme", ["https://", "http://", ""])
    def test_urls_lead_nowhere(self, scheme: str) -> None:
        shown = stand_ins().of(Kind.URL, f"{scheme}crm.nordwind.com/login?sid=1")
        assert re.fullmatch(rf"{scheme}[a-z]+\.example\.com/[a-z]+", shown)
        assert re.fullmatch(r"/[a-z]+/[a-z]+", stand_ins().of(Kind.URL, "/apex/Page"))

    @some
    @given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
    def test_addresses_are_those_of_documentation(self, value: str) -> None:
        shown = ipaddress.ip_address(stand_ins().of(Kind.IP, value))
        documentation = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
        assert any(shown in ipaddress.ip_network(net) for net in documentation)
        assert shown.version == ipaddress.ip_address(value).version

    def test_there_are_stand_ins_for_more_addresses_than_documentation_has(self) -> None:
        pseudonyms = stand_ins()
        shown = [pseudonyms.of(Kind.IP, f"10.1.{number // 256}.{number % 256}") for number in range(800)]
        assert len(set(shown)) == 800
        assert {ipaddress.ip_address(each).version for each in shown[:500]} == {4}

    def test_what_is_no_address_is_a_text(self) -> None:
        assert re.fullmatch(r"[a-z]+ [a-z]+", stand_ins().of(Kind.IP, "Salesforce.com IP"))


class TestNumbersAndDates:
    @some
    @given(st.integers(-(10**15), 10**15))
    def test_an_integer_keeps_sign_and_length(self, value: int) -> None:
        shown = stand_ins().number(value)
        assert isinstance(shown, int)
        assert len(str(shown)) == len(str(value))
        assert (shown > 0) == (value > 0)
        assert (shown < 0) == (value < 0)

    @some
    @given(st.decimals(-(10**9), 10**9, places=2))
    def test_a_decimal_keeps_its_scale(self, value: Decimal) -> None:
        shown = stand_ins().number(value)
        assert isinstance(shown, Decimal)
        assert (len(str(shown)), shown.as_tuple().exponent) == (len(str(value)), value.as_tuple().exponent)
        assert stand_ins().of(Kind.NUMBER, str(value)) == str(shown)

    @some
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_a_float_is_written_as_long_as_before(self, value: float) -> None:
        shown = stand_ins().number(value)
        assert isinstance(shown, float)
        assert len(repr(shown)) == len(repr(value))
        assert bool(shown) == bool(value)

    @pytest.mark.parametrize("value", [0, 0.0, True, False, float("inf")])
    def test_what_is_no_quantity_stays(self, value: float) -> None:
        assert stand_ins().number(value) is value

    @pytest.mark.parametrize("texts", [[f"{number:04}" for number in range(1000)], [f"{n / 100}" for n in range(1000)]])
    def test_no_two_numbers_become_one_and_most_move(self, texts: list[str]) -> None:
        shown = [stand_ins().of(Kind.NUMBER, text) for text in texts]
        assert len(set(shown)) == len(texts)
        assert sum(a == b for a, b in zip(texts, shown, strict=True)) < len(texts) / 20

    @some
    @given(st.dates())
    def test_a_date_is_another_within_four_years(self, day: date) -> None:
        shown = date.fromisoformat(stand_ins().of(Kind.DATE, day.isoformat()))
        assert abs((shown - day).days) < 1461

    def test_no_two_dates_become_one(self) -> None:
        days = [date.fromordinal(730_000 + number).isoformat() for number in range(3000)]
        shown = [stand_ins().of(Kind.DATE, day) for day in days]
        assert len(set(shown)) == 3000
        assert sum(a == b for a, b in zip(days, shown, strict=True)) < 10

    @some
    @given(
        st.datetimes(min_value=datetime(1010, 1, 1)),  # noqa: DTZ001 - what hypothesis takes
        st.sampled_from(["%Y-%m-%dT%H:%M:%S.000+0000", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M"]),
    )
    def test_a_time_keeps_its_format(self, moment: datetime, pattern: str) -> None:
        shown = stand_ins().of(Kind.DATETIME, moment.strftime(pattern))
        assert datetime.strptime(shown, pattern).strftime(pattern) == shown  # noqa: DTZ007 - only its format counts

    @pytest.mark.parametrize("value", ["1/5/2026", "2026-02-30", "2026-01-05T24:00:00Z", "soon", "12h"])
    def test_what_is_in_no_known_format_is_a_text(self, value: str) -> None:
        for kind in (Kind.DATE, Kind.NUMBER):
            assert re.fullmatch("[a-z]+", stand_ins().of(kind, value))


def test_they_are_quick() -> None:
    """In processor time, with room for a busy machine."""
    pseudonyms = stand_ins()
    pseudonyms.of(Kind.NAME, "the first one loads the names")
    names = [f"Somebody {number}" for number in range(1000)]
    took = []
    for _ in range(2):
        start = time.process_time()
        for name in names:
            pseudonyms.of(Kind.NAME, name)
        took.append((time.process_time() - start) / len(names))
    assert took[0] < 0.005, "it takes a twentieth of a millisecond"
    assert took[1] < 0.000_1, "it takes half a microsecond"
