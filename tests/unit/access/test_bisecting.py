"""One run finds everything that is refused, in few calls, though each refusal names only the first."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from harness.access.bisecting import refused_of

AT_ONCE = 25


def run(groups: Sequence[Sequence[int]], bad: frozenset[int]) -> tuple[list[int], int]:
    calls = 0

    def accepts(some: Sequence[Sequence[int]]) -> list[bool]:
        nonlocal calls
        calls += 1
        assert 0 < len(some) <= AT_ONCE
        assert all(some)
        return [not bad & {*group} for group in some]

    return refused_of(groups, accepts, at_once=AT_ONCE), calls


@given(st.integers(0, 400), st.frozensets(st.integers(0, 400)))
def test_exactly_the_refused_are_found_each_once(size: int, bad: frozenset[int]) -> None:
    found, _ = run([range(size)], bad)
    assert sorted(found) == sorted(bad & {*range(size)})


def test_nothing_asked_is_nothing_refused() -> None:
    assert run([], frozenset()) == ([], 0)
    assert run([[]], frozenset({1})) == ([], 0)


def test_it_takes_few_calls() -> None:
    everything = [range(350)]
    assert run(everything, frozenset())[1] == 1
    assert run(everything, frozenset({7}))[1] <= 3
    assert run(everything, frozenset(range(0, 350, 20)))[1] <= 12


def test_what_is_expected_to_be_refused_is_asked_by_itself_in_the_same_call() -> None:
    expected = [[number] for number in range(300, 320)]
    found, calls = run([range(300), *expected], frozenset(range(300, 320)))
    assert sorted(found) == [*range(300, 320)]
    assert calls == 1
