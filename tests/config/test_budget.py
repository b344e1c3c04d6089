"""What is given up for time: never over the budget where something fits, never more than is needed, one way only."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.coherence.carry import SHORTEST_CALIBRATION_AGE
from dreamvid.config.budget import (
    OFTEN,
    Choice,
    Limits,
    Pace,
    Workload,
    at_share,
    choose,
    least,
    with_choice,
    with_choice_of,
)
from dreamvid.config.presets import resolve

SECONDS = st.floats(0.001, 100)
PACES = st.builds(
    lambda small, large, share: (replace(small, share=0.25), replace(large, share=share)),
    *[st.builds(Pace, st.just(1.0), SECONDS, SECONDS, SECONDS, SECONDS, st.floats(0, 1 / 6))] * 2,
    st.floats(0.3, 1),
)
FILMS = st.builds(
    Workload,
    st.lists(st.integers(1, 500), min_size=1, max_size=6).map(tuple),
    st.just(8),
    st.integers(0, 4),
    st.booleans(),
)
LIMITS = st.builds(
    Limits,
    st.builds(Choice, st.just(1.0), st.just(8), st.sampled_from([1, 2, 3])),
    st.sampled_from([0.25, 0.4, 0.7, 1.0]),
    st.sampled_from([4, 8]),
    st.just(4),
)


def rank(limits: Limits, choice: Choice) -> tuple[int, int]:
    """How much a choice gives up."""
    fewest = replace(choice, steps=limits.least_steps)
    all_of_them = list(limits.choices())
    return all_of_them.index(choice if choice in all_of_them else fewest), -choice.steps


@given(PACES, FILMS, LIMITS, st.floats(0, 1.2))
def test_a_choice_ends_in_time_where_any_does(
    paces: tuple[Pace, ...], film: Workload, limits: Limits, part: float
) -> None:
    wanted = film.seconds(paces, limits.wanted)
    choice = choose(paces, film, limits, part * wanted)
    fits = [each for each in limits.choices() if film.seconds(paces, each) <= part * wanted]
    assert (choice is None) == (not fits)
    if choice is not None:
        assert film.seconds(paces, choice) <= part * wanted
        assert limits.least_share <= choice.share <= 1 and limits.least_steps <= choice.steps <= limits.wanted.steps
        assert limits.wanted.cadence <= choice.cadence <= max(limits.coarsest, limits.wanted.cadence)
    if part >= 1:
        assert choice == limits.wanted


@given(PACES, FILMS, LIMITS, st.floats(0, 1), st.floats(0, 1))
def test_more_time_gives_up_no_more(
    paces: tuple[Pace, ...], film: Workload, limits: Limits, one: float, other: float
) -> None:
    wanted = film.seconds(paces, limits.wanted)
    short, long = (choose(paces, film, limits, part * wanted) for part in sorted((one, other)))
    if short is not None:
        assert long is not None and rank(limits, long) <= rank(limits, short)


@given(PACES, st.floats(0.25, 1), st.floats(0.25, 1))
def test_larger_frames_take_longer_and_none_takes_less_than_no_time(
    paces: tuple[Pace, ...], one: float, other: float
) -> None:
    small, large = (at_share(paces, share) for share in sorted((one, other)))
    for key in ("first", "carried", "between", "finished"):
        assert 0 <= getattr(small, key) <= getattr(large, key)


def test_seconds_are_those_measured_where_they_were_and_grow_with_the_pixels() -> None:
    small, large = Pace(0.5, 3, 1, 0.5, 0.25), Pace(1, 9, 2.5, 0.8, 0.25)
    assert at_share((small, large), 1) == large
    assert at_share((small, large), 0.5) == small
    assert at_share((large,), 0.5).first == pytest.approx(9 / 4)
    assert at_share((small, large), 0.75).first == pytest.approx(3 + 6 * (0.75**2 - 0.25) / 0.75)


def test_the_time_of_a_film_is_that_of_its_frames() -> None:
    assert OFTEN == 1 / SHORTEST_CALIBRATION_AGE
    film, pace = Workload((5, 1), steps=8, more=4), Pace(1, 12, 1, 0.5, 0.1, 0.1)
    assert film.dreamed(1) == 6 and film.dreamed(2) == 4 and film.dreamed(4) == 3
    calibrating = 0.1 * 9
    assert film.seconds([pace], Choice(1, 8, 1)) == pytest.approx(2 * 12 + 4 * (1 + calibrating) + 0.6)
    oftener = OFTEN * 9
    assert film.seconds([pace], Choice(1, 8, 2)) == pytest.approx(2 * 12 + 2 * (1 + oftener) + 2 * 0.5 + 0.6)
    assert film.seconds([pace], Choice(1, 4, 1)) == pytest.approx(2 * 8 + 4 * (1 + 0.1 * 5) + 0.6)


def test_the_look_goes_last() -> None:
    """Every other frame, then steps, then size to the half, then every fourth frame, then size to the quarter."""
    choices = list(Limits(Choice(1.0, 4, 1), least_steps=2).choices())
    kept = list(dict.fromkeys(choices))
    assert kept[:6] == [
        Choice(1.0, 4, 1),
        Choice(1.0, 4, 2),
        Choice(1.0, 3, 2),
        Choice(1.0, 2, 2),
        Choice(0.95, 2, 2),
        Choice(0.9, 2, 2),
    ]
    assert kept[kept.index(Choice(0.5, 2, 2)) + 1] == Choice(0.5, 2, 4)
    assert kept[-1] == least(Limits(Choice(1.0, 4, 1), least_steps=2)) == Choice(0.25, 2, 4)


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ([], Limits(Choice(1.0, 7, 1), 0.25, 4, 4)),
        ([("coherence.mode", "none")], Limits(Choice(1.0, 7, 1), 0.25, 4, 1)),
        ([("input.loop", True)], Limits(Choice(1.0, 7, 1), 0.25, 4, 1)),
        ([("coherence.cadence", 8)], Limits(Choice(1.0, 7, 8), 0.25, 4, 8)),
        ([("dream.steps", "0:7, 1s:9")], Limits(Choice(1.0, 7, 1), 0.25, 7, 4)),
    ],
)
def test_what_may_not_be_given_up_stays(changes: list[tuple[str, object]], limits: Limits) -> None:
    settings = resolve("dream", [("dream.steps", 7), *changes])
    assert Limits.of(settings, (360, 640)) == limits
    assert Limits.of(settings, (34, 64)).least_share == 0.5
    assert {choice.cadence for choice in limits.choices()} <= {1, 2, 4} | {limits.wanted.cadence}


def test_a_choice_is_made_and_taken_over() -> None:
    settings = resolve("dream", [("dream.step_size", 0.01), ("input.size", "640x360")])
    chosen = with_choice(settings, Choice(0.5, 2, 4))
    assert (chosen.dream.steps, chosen.coherence.cadence, chosen.input.size) == (2, 4, "320x180")
    assert chosen.dream.step_size == pytest.approx(0.02)
    assert with_choice(settings, Limits.of(settings, (360, 640)).wanted) == settings
    other = settings.model_copy(update={"seed": 5})
    assert with_choice_of(other, chosen) == chosen.model_copy(update={"seed": 5})
